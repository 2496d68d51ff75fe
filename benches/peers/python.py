"""What Python's multiprocessing does; the protocol is in `src/foreign.rs`."""

import multiprocessing
import os
import platform
import sys
import time

CONTEXT = multiprocessing.get_context("fork")
CORES = [int(core) for core in os.environ.get("BENCHES_CORES", "0").split(",")]


def pin(number):
    os.sched_setaffinity(0, {CORES[number % len(CORES)]})


def nanoseconds(duration, work):
    """As `src/stopwatch.rs`: the median of many goes, each so short that most are not interrupted.

    `work` does the work so many times; a call of its own each time would cost as much again.
    """
    goes, count, begin = [], 1, time.perf_counter()
    while not goes or time.perf_counter() - begin < duration:
        start = time.perf_counter()
        work(count)
        elapsed = time.perf_counter() - start
        if goes or elapsed * 100 >= duration:
            goes.append(elapsed * 1e9 / count)
        else:
            count *= 2
    return sorted(goes)[len(goes) // 2]


def add(duration):
    value = CONTEXT.Value("q", 0)

    def work(count):
        for _ in range(count):
            with value.get_lock():
                value.value += 1

    return f"value={nanoseconds(duration, work)}"


def read(duration):
    value = CONTEXT.Value("q", 7)

    def work(count):
        for _ in range(count):
            value.value

    return f"value={nanoseconds(duration, work)}"


def relock(duration):
    lock = CONTEXT.RLock()

    def work(count):
        for _ in range(count):
            with lock:
                pass

    with lock:
        return f"value={nanoseconds(duration, work)}"


def create(duration):
    def work(count):
        for _ in range(count):
            CONTEXT.Value("q", 0)

    return f"value={nanoseconds(duration, work) / 1e3}"


def racer(number, value, signals, found):
    pin(number)
    done, longest = 0, 0
    with signals.get_lock():
        signals[0] += 1
    while not signals.get_obj()[1]:
        pass
    stop, last = signals.get_obj(), time.perf_counter()
    while not stop[2]:
        for _ in range(64):
            with value.get_lock():
                value.value += 1
        done += 64
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    found[number * 2], found[number * 2 + 1] = done, longest * 1e6


def race(processes):
    def measure(duration):
        value, signals = CONTEXT.Value("q", 0), CONTEXT.Array("i", 3)
        found = CONTEXT.Array("d", 2 * processes)
        children = [CONTEXT.Process(target=racer, args=(number, value, signals, found)) for number in range(processes)]
        for child in children:
            child.start()
        while signals[0] < processes:
            time.sleep(5e-5)
        start = time.perf_counter()
        signals[1] = 1
        time.sleep(duration)
        signals[2] = 1
        elapsed = time.perf_counter() - start
        for child in children:
            child.join()
        done = found[0::2]
        if value.value != sum(done):
            raise RuntimeError(f"{sum(done)} additions make {value.value}")
        return f"value={sum(done) / elapsed / 1e6} fairness={min(done) / max(done)} longest_wait_us={max(found[1::2])}"

    return measure


OFFERS = {
    "add": add,
    "snapshot-8": read,
    "relock": relock,
    "create": create,
    "race-2": race(2),
    "race-4": race(4),
}


def main():
    pin(0)
    print(f"version multiprocessing of Python {platform.python_version()}")
    for case in OFFERS:
        print(f"offer {case} Python multiprocessing")
    print("ready", flush=True)
    measures = list(OFFERS.values())
    for line in sys.stdin:
        number, duration = line.split()
        try:
            print("ok", measures[int(number)](int(duration) / 1e6), flush=True)
        except Exception as error:
            print("failed", error, flush=True)


if __name__ == "__main__":
    main()
