"""The configuration of gunicorn: its arbiter reads it before it forks the workers, so all of them have the arena."""

import shared_value.prometheus

shared_value.prometheus.install()

workers = 4
wsgi_app = "app"
