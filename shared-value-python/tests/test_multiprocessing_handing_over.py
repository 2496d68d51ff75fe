"""How values reach other processes: by inheritance only, to children and grandchildren, whoever ends first."""

import ctypes
import gc
import io
import multiprocessing
import os
import pickle
import signal
import threading
import time
import weakref
from multiprocessing import sharedctypes
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest

import shared_value.multiprocessing as mp

METHODS = ["fork", "spawn", "forkserver"]


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


def change(value: Any, point: Any, items: Any, raw: Any, lock: Any, other: Any) -> None:
    assert value.get_lock() is lock and items.get_lock() is lock
    with lock:
        assert lock._count() == 1
        value.value *= 2
        items[0] = 7
    point.x += 1
    raw.x += 1
    other.value += 1


@pytest.mark.parametrize("method", METHODS)
def test_a_child_gets_values_with_the_locks_that_they_share(method: str) -> None:
    context = multiprocessing.get_context(method)
    lock = mp.RLock()
    value, items = mp.Value("i", 21, lock=lock), mp.Array("i", 3, lock=lock)
    point, raw = mp.Value(Point, 1, 2), mp.RawValue(Point, 3, 4)
    other = mp.Value("i", 1, lock=mp.Lock())
    process = context.Process(target=change, args=(value, point, items, raw, lock, other))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert (value.value, items[:], point.x, raw.x, other.value) == (42, [7, 0, 0], 2, 4, 2)


def hand_on(method: str, value: Any, raw: Any) -> None:
    context = multiprocessing.get_context(method)
    process = context.Process(target=double, args=(value, raw))
    process.start()
    process.join(60)
    assert process.exitcode == 0


def double(value: Any, raw: Any) -> None:
    with value:
        value.value *= 2
    raw.value *= 2


@pytest.mark.parametrize("method", METHODS)
def test_row_38_a_grandchild_gets_values_too(method: str) -> None:
    context = multiprocessing.get_context(method)
    value, raw = mp.Value("i", 4), mp.RawValue("d", 0.5)
    process = context.Process(target=hand_on, args=(method, value, raw))
    process.start()
    process.join(60)
    assert process.exitcode == 0 and (value.value, raw.value) == (8, 1.0)


def test_values_are_pickled_only_for_children() -> None:
    text = r"objects should only be shared between processes through inheritance$"
    objects = [mp.Value("i"), mp.Array("i", 3), mp.Value(Point), mp.Lock(), mp.RLock()]
    for obj in objects:
        for dump in (pickle.dumps, ForkingPickler.dumps):
            with pytest.raises(RuntimeError, match=f"^{type(obj).__name__} {text}"):
                dump(obj)
    for raw in (mp.RawValue("i"), mp.RawArray("i", 3), mp.RawValue(Point)):
        with pytest.raises(RuntimeError, match=f"^{type(raw).__name__} {text}"):
            ForkingPickler.dumps(raw)
        # Python's own raw arrays are refused because pickle does not find their class.
        with pytest.raises((RuntimeError, pickle.PicklingError)):
            pickle.dumps(raw)


def test_a_value_in_a_queue_is_refused() -> None:
    with pytest.raises(RuntimeError, match="^Synchronized objects should only be shared"):
        here, _ = multiprocessing.Pipe()
        here.send(mp.Value("i"))


def both(ours: Any, theirs: Any) -> None:
    ours.value += 1
    theirs.value += 1


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("is_first", [True, False])
def test_values_of_python_and_ours_go_side_by_side(method: str, is_first: bool) -> None:
    """Both modules tell pickle how objects of `c_int` are handed over, and the last one wins."""
    context = multiprocessing.get_context(method)
    ours = [mp.RawValue("i", 1)] if is_first else []
    theirs = sharedctypes.RawValue("i", 5)
    ours = ours or [mp.RawValue("i", 1)]
    process = context.Process(target=both, args=(ours[0], theirs))
    process.start()
    process.join(60)
    assert process.exitcode == 0 and (ours[0].value, theirs.value) == (2, 6)


def wait_and_check(go: Any, value: Any, items: Any) -> None:
    go.recv()
    assert value.value == 77 and items[:] == [7] * 100, (value.value, items[:])
    items[:] = [8] * 100
    value.value = 78
    go.send("checked")
    go.recv()
    go.send((value.value, items[:] == [8] * 100))


@pytest.mark.parametrize("method", METHODS)
def test_row_42_memory_stays_while_a_child_uses_it(method: str) -> None:
    context = multiprocessing.get_context(method)
    value, items = mp.Value("i", 77), mp.Array("i", [7] * 100)
    here, there = context.Pipe()
    process = context.Process(target=wait_and_check, args=(there, value, items))
    process.start()
    del value, items
    gc.collect()
    others = [(mp.Value("i", 1), mp.Array("i", [1] * 100)) for _ in range(50)]
    here.send("go")
    assert here.recv() == "checked"
    others += [(mp.Value("i", 1), mp.Array("i", [1] * 100)) for _ in range(50)]
    here.send("go")
    assert here.recv() == (78, True)
    process.join(60)
    assert process.exitcode == 0 and all(value.value == 1 for value, _ in others)


def use_after_end(parent: int, ready: Any, results: Any) -> None:
    raw, lock = ready
    while os.getppid() == parent:
        time.sleep(0.01)
    with lock:
        raw.value += 1
    results.send(raw.value)


def start_and_end(method: str, results: Any) -> None:
    context = multiprocessing.get_context(method)
    process = context.Process(
        target=use_after_end, args=(os.getpid(), (mp.RawValue("i", 41), mp.Lock()), results)
    )
    process.start()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_rows_43_and_44_a_child_goes_on_when_its_creator_is_killed(method: str) -> None:
    context = multiprocessing.get_context(method)
    here, there = context.Pipe()
    process = context.Process(target=start_and_end, args=(method, there))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert here.poll(60) and here.recv() == 42


def child_of_a_fork(results: Any) -> None:
    value = mp.Value("i", 3)
    results.send(value.value)


def test_row_37_values_of_a_child_are_its_own() -> None:
    context = multiprocessing.get_context("fork")
    before = mp.Value("i", 1)
    here, there = context.Pipe()
    process = context.Process(target=child_of_a_fork, args=(there,))
    process.start()
    after = mp.Value("i", 2)
    assert here.recv() == 3
    process.join(60)
    assert (before.value, after.value) == (1, 2)


kept: list[Any] = []


def drop_and_end() -> None:
    memory = weakref.ref(kept[1]._wrapper)
    kept.clear()
    gc.collect()
    assert memory() is None, "something else keeps it"


def test_a_forked_child_that_drops_a_value_removes_nothing() -> None:
    kept[:] = [mp.Value("i", 1), mp.RawArray("i", 3)]
    forked = multiprocessing.get_context("fork").Process(target=drop_and_end)
    forked.start()
    forked.join(60)
    assert forked.exitcode == 0
    spawned = multiprocessing.get_context("spawn").Process(target=double, args=(kept[0], mp.RawValue("i", 1)))
    spawned.start()
    spawned.join(60)
    assert spawned.exitcode == 0 and kept[0].value == 2
    kept.clear()


def test_a_forked_child_removes_nothing_of_what_other_threads_of_its_parent_had() -> None:
    # In the child, the interpreter drops their thread-locals before it calls the hooks of the fork.
    is_made, is_forked = threading.Event(), threading.Event()
    results = []

    def hold() -> None:
        local = threading.local()
        local.value = mp.Value("i", 1)
        is_made.set()
        assert is_forked.wait(60)
        spawned = multiprocessing.get_context("spawn").Process(target=double, args=(local.value, mp.RawValue("i", 1)))
        spawned.start()
        spawned.join(60)
        results.append((spawned.exitcode, local.value.value))

    thread = threading.Thread(target=hold)
    thread.start()
    assert is_made.wait(60)
    forked = os.fork()
    if forked == 0:
        os._exit(0)
    os.waitpid(forked, 0)
    is_forked.set()
    thread.join(60)
    assert results == [(0, 2)]


def initialize(value: Any) -> None:
    globals()["pooled"] = value


def count(_: int) -> None:
    with globals()["pooled"]:
        globals()["pooled"].value += 1


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_a_pool_get_values_by_their_initializer(method: str) -> None:
    context = multiprocessing.get_context(method)
    value = mp.Value("i", 0)
    with context.Pool(2, initialize, (value,)) as pool:
        pool.map(count, range(100))
    assert value.value == 100


def test_a_value_that_was_handed_over_is_dropped_with_the_child() -> None:
    context = multiprocessing.get_context("spawn")
    raw = mp.RawValue("i", 1)
    memory = weakref.ref(raw._wrapper)
    process = context.Process(target=double, args=(mp.Value("i", 1), raw))
    process.start()
    del raw
    process.join(60)
    process.close()
    del process
    gc.collect()
    assert memory() is None


def test_streams_of_other_picklers_are_refused() -> None:
    with pytest.raises(RuntimeError, match="through inheritance"):
        pickle.Pickler(io.BytesIO()).dump({"value": mp.Array("d", 5)})
