"""Locks: whose they are, what is refused, how long a wait takes, and whom it lets run."""

import asyncio
import contextvars
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

import shared_value.multiprocessing as mp

METHODS = ["fork", "spawn", "forkserver"]


def in_thread(work: Any) -> Any:
    """Runs a function in another thread and returns its result, or the exception that it raised."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert results, "the thread has not ended"
    return results[0]


def test_a_lock_is_taken_once() -> None:
    lock = mp.Lock()
    assert lock.acquire() and not lock.acquire(False)
    assert lock.acquire(True, 0.01) is False and lock.acquire(timeout=0) is False and lock.acquire(timeout=-1) is False
    with pytest.raises(RuntimeError, match="the wait would never end"):
        lock.acquire()
    lock.release()
    with pytest.raises(ValueError, match="^semaphore or lock released too many times$"):
        lock.release()


def test_row_29_a_recursive_lock_is_released_as_often_as_it_was_taken() -> None:
    lock = mp.RLock()
    assert lock.acquire() and lock.acquire(False) and lock.acquire(True, 5)
    assert repr(lock) == "<RLock(MainProcess, 3)>"
    for _ in range(3):
        assert lock.locked() and not in_thread(lambda: lock.acquire(False))
        lock.release()
    assert in_thread(lambda: (lock.acquire(False), lock.release())) == (True, None)
    with pytest.raises(AssertionError, match="^attempt to release recursive lock not owned by thread$"):
        lock.release()


def test_row_30_another_thread_can_neither_take_nor_release() -> None:
    for lock, error in ((mp.Lock(), RuntimeError), (mp.RLock(), AssertionError)):
        with lock:
            assert in_thread(lambda: lock.acquire(block=False)) is False
            assert isinstance(in_thread(lock.release), error)
            assert lock.locked()
        assert not lock.locked()


def test_row_31_a_timeout_is_kept() -> None:
    lock = mp.Lock()
    with lock:
        before = time.monotonic()
        assert in_thread(lambda: lock.acquire(timeout=0.25)) is False
        assert 0.25 <= time.monotonic() - before < 5
    assert lock.acquire(timeout=1e300)
    lock.release()
    for wrong in ("1", object()):
        with pytest.raises(TypeError):
            lock.acquire(True, wrong)
    assert lock.acquire(1, None) and lock.acquire(0) is False and lock.acquire(None) is False


def test_row_32_an_exception_releases_and_keeps_what_was_written() -> None:
    value = mp.Value("i", 1)
    with pytest.raises(KeyError), value.get_lock():
        value.value = 2
        raise KeyError
    assert value.value == 2 and not value.get_lock().locked()


def test_a_lock_prints_its_owner() -> None:
    lock = mp.Lock()
    assert repr(lock) == "<Lock(owner=None)>"
    with lock:
        assert repr(lock) == "<Lock(owner=MainProcess)>"
        assert in_thread(lambda: repr(lock)) == "<Lock(owner=SomeOtherThread)>"


def test_a_lock_holder_lets_others_run_while_they_wait() -> None:
    """The waiting thread would keep the interpreter's lock, and the holder could never release."""
    value = mp.Value("i", 0)
    held, done = threading.Event(), []

    def hold() -> None:
        with value.get_lock():
            held.set()
            time.sleep(0.1)
            value.value += 1

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    value.value += 1
    done.append(value.value)
    thread.join(10)
    assert done == [2]


def add(value: Any, count: int) -> None:
    for _ in range(count):
        with value.get_lock():
            value.value += 1


@pytest.mark.parametrize("method", METHODS)
def test_row_26_increments_under_the_lock_are_exact(method: str) -> None:
    context = multiprocessing.get_context(method)
    value = mp.Value("i", 0)
    processes = [context.Process(target=add, args=(value, 10_000)) for _ in range(2)]
    for process in processes:
        process.start()
    thread = threading.Thread(target=add, args=(value, 10_000))
    thread.start()
    add(value, 10_000)
    thread.join(60)
    for process in processes:
        process.join(60)
    assert value.value == 40_000


def try_to_take(lock: Any, results: Any) -> None:
    results.send((lock.acquire(False), lock._is_mine(), repr(lock)))


@pytest.mark.parametrize("method", METHODS)
def test_row_35_a_child_is_no_owner_of_what_its_parent_holds(method: str) -> None:
    context = multiprocessing.get_context(method)
    lock = mp.RLock()
    here, there = context.Pipe()
    with lock:
        process = context.Process(target=try_to_take, args=(lock, there))
        process.start()
        assert here.recv() == (False, False, "<RLock(SomeOtherProcess, nonzero)>")
        process.join(60)
    assert lock.acquire(False)


def test_row_36_a_forked_child_is_no_owner_either() -> None:
    lock = mp.RLock()
    with lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                if not lock._is_mine() and not lock.acquire(False):
                    lock.release()
            except AssertionError:
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert lock.locked() and lock._count() == 1
    assert not lock.locked()


INTERRUPTED = """
import sys, time, threading
import shared_value.multiprocessing as mp
lock = mp.Lock()
taken = threading.Event()
def hold():
    lock.acquire(); taken.set(); time.sleep(60)
threading.Thread(target=hold, daemon=True).start()
taken.wait()
print("waiting", flush=True)
try:
    lock.acquire({arguments})
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
    import os; os._exit(0)
"""


@pytest.mark.parametrize("arguments", ["", "True, 50.0"])
def test_ctrl_c_ends_a_wait(arguments: str) -> None:
    delays = []
    for _ in range(5):
        command = [sys.executable, "-c", INTERRUPTED.format(arguments=arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout and process.stdout.readline() == "waiting\n"
            time.sleep(0.05)
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            delays.append(float(process.stdout.readline()) - sent)
            assert process.wait(30) == 0
    # The goal is 50 ms; a busy machine may take ten times as long.
    assert min(delays) < 0.5 and max(delays) < 10, delays


def test_a_handler_that_returns_does_not_end_a_wait() -> None:
    lock, calls = mp.Lock(), []
    held = threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            time.sleep(0.3)

    before = signal.signal(signal.SIGALRM, lambda *_: calls.append(1))
    try:
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert lock.acquire(timeout=30) and calls == [1]
        lock.release()
        thread.join(10)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_another_task_of_the_thread_does_not_get_in() -> None:
    value = mp.Value("i", 0)

    async def hold(taken: asyncio.Event, end: asyncio.Event) -> None:
        with value.get_lock():
            with value.get_lock():
                value.value += 1
            taken.set()
            await end.wait()

    async def enter(lock: Any) -> None:
        with lock:
            pass

    async def main() -> None:
        taken, end = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(hold(taken, end))
        await taken.wait()
        with pytest.raises(RuntimeError, match="another asyncio task or greenlet of this thread holds the lock"):
            await asyncio.create_task(enter(value.get_lock()))
        with pytest.raises(RuntimeError, match="another asyncio task"):
            value.value += 1
        assert value.get_lock()._count() == 1
        end.set()
        await holder
        await asyncio.create_task(enter(value.get_lock()))
        value.value += 1

    asyncio.run(main())
    assert value.value == 2


def test_a_task_that_is_started_under_the_lock_does_not_get_in() -> None:
    lock = mp.RLock()

    async def enter() -> None:
        with lock:
            pass

    async def main() -> None:
        with lock:
            with pytest.raises(RuntimeError, match="another asyncio task"):
                await asyncio.create_task(enter())
            await enter()

    asyncio.run(main())
    assert not lock.locked()


def test_another_greenlet_of_the_thread_does_not_get_in() -> None:
    greenlet = pytest.importorskip("greenlet")
    lock = mp.RLock()

    def enter() -> str:
        try:
            with lock:
                return "in"
        except RuntimeError as error:
            return str(error)

    with lock:
        assert "greenlet" in greenlet.greenlet(enter).switch()
        assert enter() == "in"
    assert greenlet.greenlet(enter).switch() == "in"


def test_two_wrappers_of_an_object_have_one_lock_and_one_holder() -> None:
    greenlet = pytest.importorskip("greenlet")
    raw = mp.RawValue("i", 5)
    one, other = mp.synchronized(raw), mp.synchronized(raw)

    def enter() -> None:
        for use in (other.acquire, lambda: other.value, lambda: setattr(other, "value", 7)):
            with pytest.raises(RuntimeError, match="another asyncio task or greenlet"):
                use()

    with one:
        greenlet.greenlet(enter).switch()
        with other:
            other.value += 1
    assert one.value == 6 and one.acquire(False)


def test_a_loop_that_runs_under_the_lock_gets_in() -> None:
    """The code that took the lock waits for the loop, so nothing else runs beside it."""
    value = mp.Value("i", 0)

    async def add() -> None:
        with value.get_lock():
            value.value += 1

    with value.get_lock():
        asyncio.run(add())
    assert value.value == 1
    assert contextvars.copy_context().run(value.get_lock().acquire) is True
    with value.get_lock():
        pass
    value.get_lock().release()


def test_a_callback_of_the_loop_is_no_holder() -> None:
    lock, errors = mp.RLock(), []

    def enter() -> None:
        try:
            lock.acquire()
        except RuntimeError as error:
            errors.append(str(error))

    async def main() -> None:
        with lock:
            asyncio.get_running_loop().call_soon(enter)
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert len(errors) == 1 and not lock.locked()


def test_a_condition_of_multiprocessing_takes_a_lock_of_ours() -> None:
    for lock in (mp.RLock(), mp.Lock()):
        condition = mp.Condition(lock)
        with condition:
            assert condition.wait(0.01) is False
            threading.Timer(0.05, lambda: [condition.acquire(), condition.notify(), condition.release()]).start()
            assert condition.wait(30)


def test_a_thread_holds_more_than_a_thousand_locks() -> None:
    locks = [mp.RLock() for _ in range(1_500)]
    for lock in locks:
        lock.acquire()
    assert not in_thread(lambda: any(lock.acquire(False) for lock in locks))
    for lock in locks:
        lock.release()
