"""The contestants of Python's multiprocessing. The protocol is in `src/compare/peers.rs`."""

import functools
import multiprocessing
import os
import platform
import random
import subprocess
import sys
import time

CONTEXT = multiprocessing.get_context("fork")
CORES = [int(core) for core in os.environ.get("BENCHES_CORES", "0").split(",")]


def pin(number):
    os.sched_setaffinity(0, {CORES[number % len(CORES)]})


def nanoseconds(duration, work):
    """Times one call like `src/measure/stopwatch.rs`: the median of many batches, most of which are not interrupted.

    `work` takes the number of repetitions, because a call for each repetition would double the time.
    """
    batches, count, begin = [], 1, time.perf_counter()
    while not batches or time.perf_counter() - begin < duration:
        start = time.perf_counter()
        work(count)
        elapsed = time.perf_counter() - start
        if batches or elapsed * 100 >= duration:
            batches.append(elapsed * 1e9 / count)
        else:
            count *= 2
    return sorted(batches)[len(batches) // 2]


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


def make_many(count):
    """Makes this number of values in a new interpreter, and prints the time and the memory, or the error."""
    from multiprocessing import sharedctypes  # Loaded before the clock starts.

    def usage():
        """Returns the resources of this process, like `Usage` in `src/cases/many.rs`."""
        with open("/proc/self/smaps_rollup") as memory, open("/proc/self/maps") as maps:
            resident = next(int(line.split()[1]) for line in memory if line.startswith("Rss:"))
            mappings = sum(1 for _ in maps)
        descriptors = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        in_files = sum(os.stat(path).st_blocks // 2 for path in descriptors if os.path.exists(path))
        return resident, in_files, mappings, len(descriptors)

    values, limit = [], None
    before = usage()
    start = time.perf_counter()
    try:
        for number in range(count):
            values.append(CONTEXT.Value("q", number))
    except OSError as error:
        limit = error
    elapsed = time.perf_counter() - start
    made = len(values)
    if limit:
        print(f"it fails after {made:,} values: {limit}")
        return
    memory, in_files, mappings, descriptors = (now - then for now, then in zip(usage(), before))
    figures = f"memory_KiB={memory} in_files_KiB={in_files} mappings={mappings} descriptors={descriptors}"
    print(f"value={elapsed * 1e9 / made} {figures}")


def many(count):
    with open("/proc/sys/vm/max_map_count") as limit:
        limit = int(limit.read())

    def measure(_):
        if count >= limit:
            # The exact number would take minutes to find.
            raise RuntimeError(
                f"it fails before {limit:,} values: each has a semaphore, each semaphore is a mapping, and vm.max_map_count "
                "limits the mappings of a process"
            )
        command = [sys.executable, __file__, "make-many", str(count)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if not found.startswith("value="):
            raise RuntimeError(found)
        return found

    return measure


@functools.cache
def manager():
    return CONTEXT.Manager()


@functools.cache
def shared_dict(count):
    return manager().dict({f"value.{number:07}": number for number in range(count)})


def look_up(count):
    def measure(duration):
        values = shared_dict(count)
        numbers = random.sample(range(count), min(count, 1_000))
        keys = [(f"value.{number:07}", number) for number in numbers]

        def work(times):
            for time_number in range(times):
                key, number = keys[time_number % len(keys)]
                if values[key] != number:
                    raise RuntimeError(f"{key} is not {number}")

        return f"value={nanoseconds(duration, work)}"

    return measure


def array_read(length):
    def measure(duration):
        array = CONTEXT.Array("d", length)

        def work(times):
            for _ in range(times):
                array[:]

        return f"value={length * 8 / nanoseconds(duration, work)}"

    return measure


def array_write(length):
    def measure(duration):
        array, values = CONTEXT.Array("d", length), [0.5] * length

        def work(times):
            for _ in range(times):
                array[:] = values

        return f"value={length * 8 / nanoseconds(duration, work)}"

    return measure


def array_change(length):
    def measure(duration):
        array = CONTEXT.Array("d", length)

        def work(times):
            for _ in range(times):
                with array.get_lock():
                    elements = array.get_obj()
                    for _ in range(1_000):
                        elements[int(random.random() * length)] += 1.0

        return f"value={nanoseconds(duration, work) / 1e3}"

    return measure


OFFERS = {
    "add": add,
    "snapshot-8": read,
    "relock": relock,
    "create": create,
    "race-2": race(2),
    "race-4": race(4),
    "count-1": race(1),
    "count-2": race(2),
    "count-4": race(4),
    "count-8": race(8),
    "many-1": many(1),
    "many-1000": many(1_000),
    "many-100000": many(100_000),
    "many-1000000": many(1_000_000),
    "look-up-1000": look_up(1_000),
    "look-up-1000000": look_up(1_000_000),
    "array-read-32K": array_read(4 << 10),
    "array-read-64M": array_read(8 << 20),
    "array-write-32K": array_write(4 << 10),
    "array-write-64M": array_write(8 << 20),
    "array-change-1000": array_change(10_000_000),
}


def main():
    pin(0)
    print(f"version multiprocessing of Python {platform.python_version()}")
    for case in OFFERS:
        print(f"offer {case} Python {'Manager().dict()' if case.startswith('look-up') else 'multiprocessing'}")
    print("ready", flush=True)
    measures = list(OFFERS.values())
    for line in sys.stdin:
        number, duration = line.split()
        try:
            print("ok", measures[int(number)](int(duration) / 1e6), flush=True)
        except Exception as error:
            print("failed", error, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["make-many"]:
        make_many(int(sys.argv[2]))
    else:
        main()
