"""Starts gunicorn, kills workers while they answer requests, and shows that the metrics count all answers.

    pip install prometheus_client gunicorn
    python run.py
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

HERE = Path(__file__).resolve().parent
REQUESTS, KILLS = 2_000, 20


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def scrape(port: int) -> dict[str, float]:
    families = text_string_to_metric_families(get(port, "/metrics"))
    return {sample.name: sample.value for family in families for sample in family.samples}


def main() -> None:
    # Gunicorn inherits the socket, so the port is known before it has started.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd, port = listener.fileno(), listener.getsockname()[1]
        options = ["--config", "gunicorn.conf.py", "--log-level", "warning", "--bind", f"fd://{fd}"]
        server = subprocess.Popen([sys.executable, "-m", "gunicorn", *options], cwd=HERE, pass_fds=[fd])
    with server:
        try:
            show(port)
        finally:
            server.terminate()


def show(port: int) -> None:
    def ask(number: int) -> int | None:
        """Return the worker that has answered; `None` if it was killed before it could. It may have counted the request."""
        try:
            worker = int(get(port, "/"))
        except (OSError, http.client.HTTPException):
            return None
        if number % (REQUESTS // KILLS) == 0:
            # The others go on asking: the worker may be in the middle of the next answer. One of them may have killed it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        return worker

    with ThreadPoolExecutor(4) as clients:
        workers = list(clients.map(ask, range(REQUESTS)))
    answered, failed = len(workers) - workers.count(None), workers.count(None)

    metrics = scrape(port)
    counted, timed = metrics["app_requests_total"], metrics["app_seconds_count"]
    print(f"{KILLS} workers were killed; {answered} requests were answered, {failed} failed")
    print(f"counted {counted:.0f}, timed {timed:.0f}, of {metrics['app_workers']:.0f} workers that live")
    assert answered <= counted <= answered + failed and answered <= timed <= answered + failed
    assert metrics["app_workers"] <= 4


if __name__ == "__main__":
    main()
