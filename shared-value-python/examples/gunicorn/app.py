"""A web application with metrics. It says nothing of processes: `gunicorn.conf.py` does."""

import os
from collections.abc import Callable, Iterable
from typing import Any

import shared_value.prometheus
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REQUESTS = Counter("app_requests", "Requests that were answered.", ["path"])
SECONDS = Histogram("app_seconds", "Seconds until the answer.")
WORKERS = Gauge("app_workers", "Workers that have answered a request, and live.", multiprocess_mode="livesum")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request: `/metrics`, with the metrics of all workers; for all else, the process id of the worker."""
    if environ["PATH_INFO"] == "/metrics":
        registry = CollectorRegistry()
        shared_value.prometheus.Collector(registry)
        start_response("200 OK", [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")])
        return [generate_latest(registry)]
    with SECONDS.time():
        WORKERS.set(1)
        REQUESTS.labels(environ["PATH_INFO"]).inc()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
