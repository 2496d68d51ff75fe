"""Arrays: slices, numpy, views of private copies, large ones."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import shared_value as sv


def test_slices_are_those_of_a_list() -> None:
    array = sv.new(sv.array(sv.i32), length=10)
    model = [0] * 10
    for index, value in [
        (slice(2, 5), [1, 2, 3]),
        (slice(None, None, 3), [7, 8, 9, 10]),
        (slice(-2, None), [5, 6]),
        (slice(5, 2), []),
        (slice(None, None, -1), list(range(10))),
        (0, 4),
        (-1, 5),
    ]:
        array[index] = value
        model[index] = value  # type: ignore[index]
        assert array[:] == model
    assert (array[2:8:2], array[::-1], list(array), len(array), 9 in array) == (
        model[2:8:2], model[::-1], model, 10, 9 in model
    )
    version = array.version
    for wrong in ([1], [1, 2, "x"], [1, 2, 1 << 40]):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            array[0:3] = wrong
    assert array[:] == model and array.version == version, "nothing was written"
    for index in (10, -11):
        with pytest.raises(IndexError):
            array[index]


def test_numpy_arrays_are_copied_in_and_out(name: str) -> None:
    numbers = np.linspace(0, 1, 1000)
    array = sv.create(name, numbers)
    copy = sv.open(name, sv.array(sv.f64)).to_numpy()
    assert np.array_equal(copy, numbers) and copy.dtype == np.float64
    copy[0] = 5
    assert array[0] == 0.0, "it is a copy"
    array[10:20] = np.arange(10.0)
    array[20:30] = np.arange(10)
    assert array[15] == 5.0 and array[25] == 5.0
    assert np.asarray(array).sum() == array.to_numpy().sum()
    with pytest.raises(ValueError):
        np.array(array, copy=False)
    with pytest.raises(ValueError):
        array[:5] = np.arange(4.0)
    for dtype in ("bool", "int8", "uint16", "int32", "uint64", "float32"):
        made = sv.new(np.ones(3, dtype))
        assert made.to_numpy().dtype == np.dtype(dtype) and made[2] == 1


def test_structs_become_structured_arrays() -> None:
    @sv.struct
    class Point:
        tag: sv.u8
        x: sv.f64

    points = sv.new(sv.array(Point), length=5)
    points[1].x = 2.5
    points[2] = Point(7, 1.5)
    copy = points.to_numpy()
    assert list(copy["x"]) == [0.0, 2.5, 1.5, 0.0, 0.0] and copy["tag"][2] == 7
    with points.view() as view:
        view["x"] += 1
    assert [point.x for point in points] == [1.0, 3.5, 2.5, 1.0, 1.0]


def test_a_view_is_private_and_committed_at_the_end() -> None:
    array = sv.new(np.arange(5))
    reader = array.read_only()
    with array.view() as view:
        view += 10
        assert reader[:] == [0, 1, 2, 3, 4]
    assert reader[:] == [10, 11, 12, 13, 14] and array.version == 1
    view[0] = 99
    assert array[0] == 10, "a view that is kept changes nothing"
    with pytest.raises(ZeroDivisionError), array.view() as view:
        view[:] = 0
        raise ZeroDivisionError
    assert array[0] == 10 and array.version == 1 and array.lock_state == "free"


def test_large_arrays_let_other_threads_run() -> None:
    array = sv.new(sv.array(sv.u8), length=64 << 20)
    stop, longest = threading.Event(), [0.0]

    def watch() -> None:
        while not stop.is_set():
            start = time.perf_counter()
            time.sleep(0.001)
            longest[0] = max(longest[0], time.perf_counter() - start)

    watcher = threading.Thread(target=watch)
    watcher.start()
    array[:] = np.ones(64 << 20, np.uint8)
    total = int(array.to_numpy().sum())
    stop.set()
    watcher.join()
    assert total == 64 << 20
    assert longest[0] < 5


def test_bytes_are_those_of_the_machine(tmp_path: Path) -> None:
    array = sv.create(tmp_path / "file", np.array([1, 2], np.uint16))
    assert array.read_bytes() == b"\1\0\2\0"
    array.write_bytes(memoryview(bytearray(b"\3\0\4\0")))
    assert array[:] == [3, 4]
    for wrong in (b"1", memoryview(b"12345678")[::2]):
        with pytest.raises(ValueError):
            array.write_bytes(wrong)
    text = sv.new(sv.text(4), "abcd")
    with pytest.raises(sv.InvalidBits):
        text.write_bytes(b"\xff\0\0\0")
    assert text.value == "abcd"
