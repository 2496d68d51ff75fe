"""How many, how large, and what is left over."""

import gc
import os
import resource
import subprocess
import sys
from typing import Any

import pytest

import shared_value.multiprocessing as mp


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    """Returns the resident memory in bytes."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_row_49_seventy_thousand_values_with_locks() -> None:
    files = open_files()
    values: list[Any] = [mp.Value("i", number) for number in range(70_000)]
    assert open_files() - files <= 3
    with values[-1]:
        values[-1].value += 1
    assert values[69_999].value == 70_000 and values[123].value == 123


def test_values_that_come_and_go_take_no_more_memory() -> None:
    def make() -> None:
        for number in range(20_000):
            with mp.Value("i", number) as _, mp.Lock():
                pass
            mp.Array("d", 10)[3] = 0.5

    make()
    gc.collect()
    before, files = resident(), open_files()
    for _ in range(3):
        make()
    gc.collect()
    assert resident() - before < 4 << 20 and open_files() <= files


class Cycle:
    """It is found by the garbage collector only, and makes a value when it is found."""

    def __init__(self) -> None:
        self.itself, self.value, self.lock = self, mp.Value("i", 1), mp.Lock()

    def __del__(self) -> None:
        mp.Value("i", 2).value += 1


def test_the_garbage_collector_may_drop_values_at_any_moment() -> None:
    before = gc.get_threshold()
    gc.set_threshold(10)
    try:
        for _ in range(3_000):
            Cycle()
    finally:
        gc.set_threshold(*before)
    gc.collect()


def test_large_arrays_come_and_go() -> None:
    length = 32 << 20
    before = resident()
    for _ in range(10):
        array = mp.RawArray("B", length)
        array[length - 1] = 7
        array[length // 2] = 8
        assert (array[length - 1], array[length // 2], array[5]) == (7, 8, 0)
        del array
    gc.collect()
    assert resident() - before < 16 << 20


def test_an_array_that_no_memory_holds_is_an_error() -> None:
    with pytest.raises((OSError, MemoryError)):
        mp.Array("d", 1 << 50)
    with pytest.raises((OSError, MemoryError, OverflowError, ValueError)):
        mp.Array("d", 1 << 62)
    assert mp.Array("d", 3)[:] == [0, 0, 0]


def test_rows_44_and_45_nothing_has_a_name() -> None:
    program = """
import shared_value.multiprocessing as mp
values = [mp.Value("i", n) for n in range(100)] + [mp.Lock(), mp.RawArray("d", 1_000_000)]
print(open("/proc/self/maps").read())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "/memfd:" in ran.stdout and "/dev/shm" not in ran.stdout
