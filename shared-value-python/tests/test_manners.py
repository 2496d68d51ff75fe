"""How the package behaves among threads, tasks, signals, processes."""

import asyncio
import contextvars
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable

import pytest
import shared_value as sv
from account import START


def run(program: str, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run a Python program, and return what it has written."""
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


HOLDER = """
    import sys, time
    import shared_value as sv
    account = sv.open(sys.argv[1])
    with account.lock():
        account.balance = -1
        print("held", flush=True)
        time.sleep(600)
"""


def hold(name: str) -> "subprocess.Popen[str]":
    """Start a process that holds the lock of a value."""
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), name]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout and holder.stdout.readline() == "held\n"
    return holder


def test_waits_for_a_thread_of_the_same_interpreter_let_it_run() -> None:
    account = sv.new(START)
    waits: list[Callable[[], object]] = [
        lambda: setattr(account, "balance", 5),
        lambda: account.limits.__setitem__(0, 5),
        lambda: account.set(START),
        lambda: account.update(lambda record: None),
        lambda: account.lock().__enter__() and account._leave(False),
    ]
    for wait in waits:
        held, release = threading.Event(), threading.Event()

        def keep(held: threading.Event = held, release: threading.Event = release) -> None:
            with account.lock():
                held.set()
                release.wait(60)
                # Pure Python: it needs the interpreter's lock.
                sum(range(100_000))

        holder, waiter = threading.Thread(target=keep), threading.Thread(target=wait)
        holder.start()
        held.wait(60)
        waiter.start()
        time.sleep(0.1)
        assert waiter.is_alive()
        release.set()
        for thread in (holder, waiter):
            thread.join(60)
            assert not thread.is_alive()


def test_timeouts(name: str) -> None:
    account = sv.create(name, START)
    holder = hold(name)
    try:
        with pytest.raises(BlockingIOError):
            account.lock(0).__enter__()
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            account.lock(0.3).__enter__()
        assert 0.25 < time.monotonic() - start < 10
        with pytest.raises(TimeoutError):
            account.wait_for(lambda record: record.balance == 5, 0.1)
        with pytest.raises(TimeoutError):
            account.changes().next(0.1)
        assert "balance=100" in repr(account), "it does not wait"
    finally:
        holder.kill()
        holder.wait()
    assert account.add is not None and account.balance == 100
    account.balance = 3
    assert account.recoveries == 1


@pytest.mark.parametrize("wait", [
    "account.lock().__enter__()",
    "account.balance = 1",
    "account.limits[1] = 1",
    "account.wait_for(lambda record: False)",
    "next(account.changes())",
    "sv.open('shared-value-pytest-missing', wait=600)",
])
def test_ctrl_c_ends_a_wait(name: str, wait: str) -> None:
    """The time from the signal to the exception is the median of some, because the machine may be busy."""
    sv.create(name, START)
    holder = hold(name)
    program = f"""
        import os, signal, sys, threading, time
        import shared_value as sv
        account = sv.open(sys.argv[1])
        times = []
        for _ in range(5):
            sent = []
            def interrupt():
                time.sleep(0.15)
                sent.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=interrupt).start()
            try:
                {wait}
            except KeyboardInterrupt:
                times.append(time.monotonic() - sent[0])
        print(sorted(times)[2])
    """
    try:
        done = run(program, name)
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < 0.5, "budget: 0.05 on a machine that is idle"
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.parametrize("interrupt", ["os.kill(os.getpid(), signal.SIGINT)", "_thread.interrupt_main()"])
@pytest.mark.parametrize("first", ["pass", 'tx["other"].value = 5'])
def test_ctrl_c_ends_the_wait_of_a_transaction(interrupt: str, first: str) -> None:
    """`interrupt_main` sets what the handler of a signal sets, and wakes no thread that sleeps: as a signal does that comes right
    before the thread falls asleep. With another lock first, the transaction begins again, and waits before it calls the
    function."""
    done = run(f"""
        import _thread, os, signal, threading, time
        import shared_value as sv
        arena = sv.create_arena(None, 1 << 20)
        arena["one"], arena["other"] = 1, 2
        held, release, calls = threading.Event(), threading.Event(), []
        def hold():
            with arena["one"].lock():
                held.set()
                release.wait(60)
        def interrupt():
            time.sleep(0.3)
            {interrupt}
        threads = [threading.Thread(target=hold), threading.Thread(target=interrupt)]
        threads[0].start()
        held.wait(60)
        threads[1].start()
        def change(tx):
            calls.append(1)
            {first}
            tx["one"].value = 5
        try:
            arena.transaction(change)
        except KeyboardInterrupt:
            print("interrupted", len(calls), arena["one"].value, arena["other"].value)
        release.set()
    """)
    assert done.stdout == "interrupted 1 1 2\n", done.stderr


@pytest.mark.parametrize("interrupt", ["os.kill(os.getpid(), signal.SIGINT)", "_thread.interrupt_main()"])
def test_ctrl_c_ends_the_commit_of_a_transaction(interrupt: str, name: str) -> None:
    """The commit waits for a process that was stopped while it added a value."""
    adder = """
        import sys
        import shared_value as sv
        arena = sv.open_arena(sys.argv[1])
        while True:
            arena.replace("big", sv.array(sv.u8), bytes(1 << 20))
    """
    done = run(f"""
        import _thread, os, signal, subprocess, sys, textwrap, threading, time
        import shared_value as sv
        arena = sv.create_arena(sys.argv[1], 1 << 28)
        arena["one"], arena["other"] = 1, 2
        adder = subprocess.Popen([sys.executable, "-c", textwrap.dedent({adder!r}), sys.argv[1]])
        while "big" not in arena:
            assert adder.poll() is None
            time.sleep(0.01)
        while True:
            os.kill(adder.pid, signal.SIGSTOP)
            probe = threading.Thread(target=lambda: arena.replace("probe", sv.i64, 1), daemon=True)
            probe.start()
            probe.join(0.3)
            if probe.is_alive():
                break
            os.kill(adder.pid, signal.SIGCONT)
            time.sleep(0.01)
        def interrupt():
            time.sleep(0.3)
            {interrupt}
        threading.Thread(target=interrupt).start()
        def change(tx):
            tx["one"].value = 5
            tx.remove("other")
        try:
            arena.transaction(change)
        except KeyboardInterrupt:
            print("interrupted", arena["one"].value, "other" in arena, arena["one"].lock_state)
        adder.kill()
        adder.wait()
    """, name)
    assert done.stdout == "interrupted 1 True free\n", done.stderr


def test_other_signal_handlers_run_and_the_wait_goes_on(name: str) -> None:
    account = sv.create(name, START)
    holder = hold(name)
    seen: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        with pytest.raises(TimeoutError):
            account.lock(0.5).__enter__()
        assert len(seen) > 2
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        holder.kill()
        holder.wait()


def test_another_task_of_the_thread_gets_an_error() -> None:
    account = sv.new(START)
    reader = account.read_only()

    async def intrude(inside: asyncio.Event) -> None:
        await inside.wait()
        for use in (
            lambda: account.lock().__enter__(),
            lambda: setattr(account, "balance", 5),
            lambda: account.balance,
            lambda: account.commit(),
            lambda: account.rollback(),
        ):
            with pytest.raises(RuntimeError, match="another task"):
                use()
        assert reader.balance == 100

    async def main() -> None:
        inside = asyncio.Event()
        before = asyncio.create_task(intrude(inside))
        with account.lock():
            account.balance = 1
            # Also a task that is started by the holder, and so has its context variables.
            after = asyncio.create_task(intrude(inside))
            inside.set()
            await asyncio.gather(before, after)
            assert account.balance == 1
        assert account.balance == 1

    asyncio.run(main())

    # Without a loop, as in other frameworks: another context.
    with account.lock():

        def use() -> None:
            with pytest.raises(RuntimeError, match="another task"):
                account.balance = 2

        contextvars.Context().run(use)
    other = sv.new(START)
    with account.lock():
        contextvars.Context().run(lambda: setattr(other, "balance", 7))
    assert other.balance == 7


def test_another_greenlet_of_the_thread_gets_an_error() -> None:
    greenlet = pytest.importorskip("greenlet")
    account = sv.new(START)

    def intrude() -> None:
        with pytest.raises(RuntimeError, match="another task"):
            account.balance = 5

    with account.lock():
        child = greenlet.greenlet(intrude)
        child.gr_context = contextvars.copy_context()
        child.switch()
    assert account.balance == 100


def test_a_block_belongs_to_its_thread() -> None:
    account = sv.new(START)
    block = account.lock()
    block.__enter__()
    raised: list[BaseException] = []

    def leave() -> None:
        try:
            block.__exit__(None, None, None)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert len(raised) == 1 and account.lock_state == "held here"
    block.__exit__(None, None, None)
    with pytest.raises(RuntimeError):
        block.__exit__(None, None, None)


def test_changes_are_awaited() -> None:
    account = sv.new(START)

    async def main() -> None:
        changes = account.changes()
        waits = [asyncio.create_task(account.changed(changes)) for _ in range(3)]
        await asyncio.sleep(0.05)
        cancelled = waits.pop()
        cancelled.cancel()
        account.balance = 1
        assert [record.balance for record in await asyncio.wait_for(asyncio.gather(*waits), 60)] == [1, 1]
        threading.Timer(0.05, lambda: setattr(account, "balance", 2)).start()
        assert (await asyncio.wait_for(account.changed(changes), 60)).balance == 2
        threading.Timer(0.05, lambda: setattr(account, "balance", 3)).start()
        async for record in account.follow():
            assert record.balance == 3
            break

    asyncio.run(main())
    changes = account.changes()
    account.balance = 4
    assert next(changes).balance == 4
    assert account.wait_for(lambda record: record.balance == 4).balance == 4


def count(account: object, times: int) -> None:
    for _ in range(times):
        with account.lock():  # type: ignore[attr-defined]
            account.balance += 1  # type: ignore[attr-defined]
        account.requests.add(1)  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_all_start_methods_share_a_value(method: str) -> None:
    context = multiprocessing.get_context(method)
    account = sv.new(START)
    processes = [context.Process(target=count, args=(account, 1000)) for _ in range(2)]
    for process in processes:
        process.start()
    count(account, 1000)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert (account.balance, account.requests.load()) == (3100, 3000)


def test_a_forked_child_holds_nothing() -> None:
    account = sv.new(START)
    with account.lock():
        account.balance = 1
        child = os.fork()
        if child == 0:
            # Whatever happens here, the child ends.
            status = 1
            try:
                with pytest.raises(BlockingIOError):
                    account.lock(0).__enter__()
                with pytest.raises(RuntimeError):
                    account._leave(False)
                status = 0 if account.balance == 100 else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert account.balance == 1
    assert account.balance == 1


def test_a_killed_holder_leaves_the_last_commit(name: str) -> None:
    account = sv.create(name, START)
    for killed in range(5):
        holder = hold(name)
        holder.kill()
        holder.wait()
        with account.lock():
            assert account.recovered and account.balance == 100
        assert account.recoveries == killed + 1


def test_a_thread_that_ends_inside_of_a_block_commits_nothing() -> None:
    account = sv.new(START)

    def enter() -> None:
        account.lock().__enter__()
        account.balance = 1

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    # The end of a thread of Python comes a moment before that of the thread of the system.
    with account.lock(60):
        assert account.recovered and account.balance == 100


def test_handles_leak_nothing() -> None:
    def rounds(times: int) -> None:
        for _ in range(times):
            account = sv.new(START)
            account.limits[0] = account.balance
            with account.lock():
                account.requests += 1
            account.load()
            repr(account)

    def resources() -> tuple[int, int]:
        with open("/proc/self/statm") as file:
            return len(os.listdir("/proc/self/fd")), int(file.read().split()[1])

    rounds(500)
    before = resources()
    rounds(3000)
    after = resources()
    assert after[0] == before[0]
    assert after[1] - before[1] < 500, "pages of memory"


@pytest.mark.parametrize("before", ["import shared_value", ""])
def test_subinterpreters_get_an_error(before: str) -> None:
    done = run(f"""
        {before}
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import sys
        other = interpreters.create()
        program = (
            "try:\\n    import shared_value\\nexcept ImportError as error:\\n    print('refused', flush=True)\\n"
            "else:\\n    print('imported', flush=True)\\n"
        )
        interpreters.run_string(other, f"import sys; sys.path[:] = {{sys.path!r}}\\n" + program)
        import shared_value
        print("imported by the main one")
    """)
    assert done.stdout == "refused\nimported by the main one\n", done.stderr


def test_free_threaded_interpreters_get_an_error_that_says_what_to_do() -> None:
    """They look for another file than `_core`, and would say that there is none. SHARED_VALUE_FREE_THREADED names such an
    interpreter; without one, this interpreter takes itself for one."""
    python = os.environ.get("SHARED_VALUE_FREE_THREADED")
    place = os.path.dirname(os.path.dirname(sv.__file__))
    program = f"import sys; sys.path.append({place!r}); "
    if not python:
        program += "sys.abiflags = 't'; "
    done = subprocess.run(
        [python or sys.executable, "-c", program + "import shared_value"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "ImportError: shared_value has no build for free-threaded Python" in done.stderr
    assert "use an interpreter with the global interpreter lock" in done.stderr


def test_the_package_needs_nothing_but_python() -> None:
    """A module that only the test environment has would make `import shared_value` fail everywhere else."""
    done = run("""
        import sys
        before = set(sys.modules)
        import shared_value, shared_value.multiprocessing
        added = {name.partition(".")[0] for name in set(sys.modules) - before} - {"__mp_main__"}
        print(sorted(added - sys.stdlib_module_names))
    """)
    assert done.stdout == "['shared_value']\n", done.stderr
