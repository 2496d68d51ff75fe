"""Programs that change nothing but their import: by which names they reach values and locks, and the rest of multiprocessing."""

import ctypes
import multiprocessing
import multiprocessing.context
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import shared_value.multiprocessing as mp
from shared_value._core import Lock, RLock, SynchronizedBase

METHODS = ["fork", "spawn", "forkserver"]


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(total: Any, raw: Any, lock: Any, condition: Any, queue: Any) -> None:
    for _ in range(100):
        with total.get_lock():
            total.value += 1
        with lock:
            raw.value += 1
    with condition:
        condition.notify_all()
    queue.put("done")


@pytest.mark.parametrize("method", METHODS)
def test_the_context_of_a_start_method_makes_robust_values_and_locks(method: str) -> None:
    context = mp.get_context(method)
    assert isinstance(context, multiprocessing.context.BaseContext) and context.get_start_method() == method
    total, raw, lock = context.Value("i", 0), context.RawValue("i", 0), context.RLock()
    assert isinstance(total, SynchronizedBase) and isinstance(total.get_lock(), RLock)
    assert isinstance(context.Array("i", 3), SynchronizedBase) and context.RawArray("i", [1, 2])[:] == [1, 2]
    assert isinstance(lock, RLock) and isinstance(context.Lock(), Lock)
    condition, queue = context.Condition(), context.Queue()
    assert isinstance(condition._lock, RLock)
    assert not isinstance(queue._rlock, (Lock, RLock)), "queues are Python's"
    assert mp.get_context("spawn").get_context(method) is context
    processes = [context.Process(target=count, args=(total, raw, lock, condition, queue)) for _ in range(2)]
    with condition:
        for process in processes:
            process.start()
        assert condition.wait(60)
    assert [queue.get(timeout=60) for _ in processes] == ["done"] * 2
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert (total.value, raw.value) == (200, 200)
    with context.Pool(1) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]


def test_the_default_context_is_that_of_the_start_method() -> None:
    assert run("""
        import multiprocessing
        import shared_value.multiprocessing as mp
        assert mp.get_start_method(allow_none=True) is None
        mp.set_start_method("spawn")
        context = mp.get_context()
        print(context.get_start_method(), context is mp.get_context("spawn"), mp.get_start_method())
        try:
            mp.get_context("no such method")
        except ValueError as error:
            print(error)
    """) == "spawn True spawn\ncannot find context for 'no such method'\n"


def test_a_condition_has_a_robust_lock() -> None:
    condition, lock = mp.Condition(), mp.Lock()
    assert isinstance(condition._lock, RLock) and mp.Condition(lock)._lock is lock
    with condition:
        assert not condition.wait(0.01)


def test_modules_of_multiprocessing_are_found() -> None:
    from shared_value.multiprocessing import pool, shared_memory, sharedctypes

    assert pool is multiprocessing.pool and shared_memory.SharedMemory
    assert isinstance(sharedctypes.Value(ctypes.c_int, 5), SynchronizedBase) and mp.sharedctypes is sharedctypes
    assert mp.queues.Queue and mp.managers.BaseManager
    with pytest.raises(AttributeError, match="no_such_name"):
        mp.no_such_name
    assert not hasattr(mp, "__wrapped__")


def test_everything_can_be_imported() -> None:
    assert run("""
        from shared_value.multiprocessing import *
        import multiprocessing
        import shared_value.multiprocessing as mp
        missing = [name for name in multiprocessing.__all__ if name not in globals()]
        print(missing, Value is mp.Value, Process is multiprocessing.Process, get_context is mp.get_context)
    """) == "[] True True True\n"
