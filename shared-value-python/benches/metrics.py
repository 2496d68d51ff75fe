"""Compares metrics in one arena with the files of `prometheus_client`, for 1 to 1,000 workers that come and go.

    python metrics.py [workers]

Each worker counts in ten series of a counter and in a histogram, and sets two gauges; then it ends, and the next one begins. The last
lines are the table of docs/python.md. It takes about a minute.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

KINDS = ("one arena", "files")


def measured(kind: str, most: int, directory: str) -> dict[str, Any]:
    """Start workers one after the other, and measure after 1, 10, 100 and so on."""
    if kind == "one arena":
        import shared_value.prometheus

        arena = shared_value.prometheus.install()
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

    hits = Counter("hits", "Requests that were answered.", ["path"])
    seconds = Histogram("seconds", "Seconds until the answer.")
    memory = Gauge("memory", "Bytes of memory.", multiprocess_mode="livesum")
    latest = Gauge("latest", "When the last request came.", multiprocess_mode="max")

    def work() -> None:
        for number in range(10):
            hits.labels(f"/{number}").inc()
            seconds.observe(0.1 * number)
        memory.set(1)
        latest.set(time.time())

    def scrape() -> bytes:
        registry = CollectorRegistry()
        if kind == "one arena":
            shared_value.prometheus.Collector(registry)
        else:
            multiprocess.MultiProcessCollector(registry)
        return generate_latest(registry)

    def size() -> int:
        if kind == "one arena":
            return os.stat(f"/proc/self/fd/{arena.fileno()}").st_blocks * 512
        return sum(file.stat().st_blocks * 512 for file in Path(directory).iterdir())

    found: dict[str, Any] = {}
    started = 0
    while (wanted := 10 ** len(found)) <= most:
        while started < wanted:
            pid = os.fork()
            if pid == 0:
                work()
                os._exit(0)
            os.waitpid(pid, 0)
            if kind == "files":
                multiprocess.mark_process_dead(pid)
            started += 1
        scrape()
        begin = time.perf_counter()
        text = scrape()
        took = time.perf_counter() - begin
        assert f'hits_total{{path="/3"}} {float(started)}' in text.decode()
        found[str(wanted)] = {"bytes": size(), "ms": took * 1_000}
    one = hits.labels("/0")
    calls = 100_000
    found["inc"] = min(timeit.repeat(one.inc, number=calls, repeat=5)) / calls * 1e9
    return found


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    results: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as directory:
            env = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
            if kind == "files":
                env["PROMETHEUS_MULTIPROC_DIR"] = directory
            done = subprocess.run([sys.executable, __file__, kind, str(most), directory], env=env, stdout=subprocess.PIPE, check=True)
        results[kind] = json.loads(done.stdout)
    print("| | one arena | files of `prometheus_client` | scrape: one arena | scrape: files |")
    print("|---|---|---|---|---|")
    ours, theirs = (results[kind] for kind in KINDS)
    for workers in ours:
        if workers != "inc":
            one, other = ours[workers], theirs[workers]
            sizes = f"{one['bytes'] / 1024:,.0f} KiB | {other['bytes'] / 1024:,.0f} KiB"
            print(f"| after {int(workers):,} workers | {sizes} | {one['ms']:.1f} ms | {other['ms']:.1f} ms |")
    print(f"\n`inc()`: {ours['inc']:.0f} ns and {theirs['inc']:.0f} ns, a ratio of {ours['inc'] / theirs['inc']:.2f}.")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
    else:
        main()
