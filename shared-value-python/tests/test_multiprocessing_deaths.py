"""Holders of a lock that die. SHARED_VALUE_HOLDERS sets how many die in each way (default 3)."""

import multiprocessing
import os
import threading
import time
from typing import Any

import pytest
from holders import hold_and_die

import shared_value.multiprocessing as mp

HOLDERS = int(os.environ.get("SHARED_VALUE_HOLDERS", "3"))


WAYS = ["killed", "terminated", "segmentation fault", "aborted", "left", "replaced", "ended"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("way", WAYS)
def test_row_33_the_locks_of_a_holder_that_dies_are_free(way: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["holders", "shared_value.multiprocessing"])
    value, items, plain = mp.Value("i", 0), mp.Array("d", 1_000), mp.Lock()
    for number in range(1, HOLDERS + 1):
        here, there = context.Pipe()
        process = context.Process(target=hold_and_die, args=(way, value, items, plain, there))
        process.start()
        assert here.recv() == "held"
        assert not value.get_lock().acquire(False) and not plain.acquire(False)
        # One of the waits has begun when the holder dies.
        threading.Timer(0.02, lambda: here.send("die")).start()
        assert value.get_lock().acquire(timeout=30), f"the lock of holder {number} is stuck"
        assert items.get_lock().acquire(timeout=30) and plain.acquire(timeout=30)
        assert value.value == number and items[:2] == [number, number]
        for lock in (value.get_lock(), items.get_lock(), plain):
            assert lock.recoveries == number
            lock.release()
            assert not lock.locked()
        process.join(30)
        assert process.exitcode != 1


def test_row_34_the_lock_of_a_thread_that_ends_is_free() -> None:
    value, plain = mp.Value("i", 0), mp.Lock()
    for lock in (value.get_lock(), plain):
        for number in range(1, HOLDERS + 1):
            thread = threading.Thread(target=lock.acquire)
            thread.start()
            thread.join(30)
            assert lock.acquire(timeout=30) and lock.recoveries == number
            lock.release()
    value.value += 1
    assert value.value == 1


def count_and_note(total: Any, own: Any) -> None:
    while True:
        with total.get_lock():
            total[0] += 1
            own.value += 1
            total[1] += 1


def test_counters_stay_close_when_counting_processes_are_killed() -> None:
    """Two processes count and are killed at random. Each death loses at most the increment that it was in."""
    context = multiprocessing.get_context("fork")
    total = mp.Array("q", 2)
    deaths = 10 * HOLDERS
    for _ in range(deaths):
        pair = [context.Process(target=count_and_note, args=(total, mp.RawValue("q"))) for _ in range(2)]
        before = total[0]
        for process in pair:
            process.start()
        start = time.monotonic()
        while total[0] == before:
            assert time.monotonic() < start + 30, "no process counts"
        time.sleep(0.01)
        for process in pair:
            process.kill()
            process.join(30)
    assert total.get_lock().acquire(timeout=30)
    assert total[0] >= deaths
    assert 0 <= total[0] - total[1] <= 2 * deaths
