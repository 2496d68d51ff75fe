"""Short-lived workers that count by `prometheus_client` in its multiprocess mode, as those of `tests/recorder/deaths.rs` do.

Usage: python multiprocess.py [WORKERS]

One in five workers gets a SIGKILL in the middle. Prints how much the files take, and how long a scrape takes.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time

directory = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="prometheus-")

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess  # noqa: E402

ROUNDS = 8
workers = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000

jobs = Counter("jobs", "Jobs.")
level = Gauge("level", "A level.", multiprocess_mode="sum")
delay = Histogram("delay", "A delay.")
calls = Counter("calls", "Calls.", ["kind"])


def work(rounds, acknowledge):
    """Makes one addition after the other, and acknowledges each, until it is killed or done."""
    for number in range(rounds):
        for addition, add in enumerate(
            [jobs.inc, level.inc, lambda: delay.observe(1), calls.labels(["get", "set", "list"][number % 3]).inc]
        ):
            add()
            acknowledge(bytes([addition]))


def scrape():
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def measure(when, number):
    files = [os.stat(os.path.join(directory, name)) for name in os.listdir(directory)]
    size, disk = sum(file.st_size for file in files), sum(file.st_blocks * 512 for file in files)
    times = []
    for _ in range(3):
        start = time.process_time()
        text = scrape()
        times.append(time.process_time() - start)
    print(
        f"{when} ({number}): {len(files)} files, {size} bytes, {disk} on disk, text {len(text)} bytes, "
        f"scrape {min(times) * 1e3:.1f} ms of processor time",
        flush=True,
    )
    return text.decode()


def main():
    random.seed(7)
    acknowledged, killed = [0] * 4, 0
    for number in range(workers):
        is_victim = number % 5 == 2
        reader, writer = os.pipe()
        worker = os.fork()
        if worker == 0:
            os.close(reader)
            work(10**9 if is_victim else ROUNDS, lambda addition: os.write(writer, addition))
            os._exit(0)
        os.close(writer)
        received = b""
        if is_victim:
            least = random.randrange(1, 60)
            while len(received) < least:
                received += os.read(reader, least - len(received))
            os.kill(worker, signal.SIGKILL)
            killed += 1
        while more := os.read(reader, 4096):
            received += more
        os.close(reader)
        os.waitpid(worker, 0)
        # As its documentation asks for.
        multiprocess.mark_process_dead(worker)
        for addition in received:
            acknowledged[addition] += 1
        if number + 1 == workers // 5:
            measure("after one in five workers", number + 1)
    text = measure("after all workers", workers)
    totals = [0.0] * 4
    for line in text.splitlines():
        for index, name in enumerate(["jobs_total", "level", "delay_count", "calls_total"]):
            if line.split("{")[0].split(" ")[0] == name:
                totals[index] += float(line.rsplit(" ", 1)[1])
    print(f"{killed} of {workers} workers were killed; acknowledged {acknowledged}, counted {totals}")


try:
    print(f"prometheus_client in Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    main()
finally:
    shutil.rmtree(directory)
