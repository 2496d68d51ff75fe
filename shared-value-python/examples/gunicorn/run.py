"""Starts gunicorn, kills workers while they answer requests, and shows that the metrics count all answers.

    pip install prometheus_client gunicorn
    python run.py
"""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
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
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
    with subprocess.Popen(command, cwd=HERE, stderr=subprocess.PIPE, text=True) as server:
        try:
            show(server)
        finally:
            server.terminate()


def show(server: subprocess.Popen[str]) -> None:
    assert server.stderr
    found = None
    while found is None:
        line = server.stderr.readline()
        assert line, "gunicorn has ended"
        found = re.search(r"Listening at: http://127.0.0.1:(\d+)", line)
    port = int(found[1])
    # Nobody needs the rest of what it says, but it must not wait until somebody reads.
    threading.Thread(target=server.stderr.read, daemon=True).start()

    def ask(number: int) -> int | None:
        """Return the worker that has answered; `None` if it was killed before it could. It may have counted the request."""
        try:
            worker = int(get(port, "/"))
        except (OSError, http.client.HTTPException):
            return None
        if number % (REQUESTS // KILLS) == 0:
            # The others go on asking: the worker may be in the middle of the next answer.
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
