"""Many processes and many handles. The environment sets how many: SHARED_VALUE_PROCESSES (default 50), SHARED_VALUE_HANDLES (20,000)."""

import gc
import os
import signal
import sys
import threading
import time

import pytest
import shared_value as sv
import shared_value.multiprocessing as mp
from account import START

PROCESSES = int(os.environ.get("SHARED_VALUE_PROCESSES", "50"))
HANDLES = int(os.environ.get("SHARED_VALUE_HANDLES", "20000"))


def test_many_processes_hold_one_value_at_once(name: str) -> None:
    """Each opens it and adds, and lives until all have; then every third is killed while it holds the lock, or waits for it."""
    account = sv.create(name, START)
    here, there = os.pipe()
    pids = []
    for number in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            own = sv.open(name)
            own.part("balance").add(1)
            own.requests.add(1)
            os.close(there)
            # Until the parent closes its end.
            os.read(here, 1)
            if number % 3 == 0:
                with own.lock():
                    own.balance = -1
                    os.kill(os.getpid(), signal.SIGKILL)
            own.part("balance").add(1)
            os._exit(0)
        pids.append(pid)
    deadline = time.monotonic() + 120
    while account.requests != PROCESSES and time.monotonic() < deadline:
        time.sleep(0.01)
    assert account.balance == 100 + PROCESSES
    os.close(there)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    os.close(here)
    killed = codes.count(-signal.SIGKILL)
    assert killed == (PROCESSES + 2) // 3 and codes.count(0) == PROCESSES - killed
    with account.lock(60):
        assert account.balance == 100 + 2 * PROCESSES - killed
    assert account.recoveries == killed


def test_a_thousand_handles_of_one_value(name: str) -> None:
    account = sv.create(name, START)
    before = len(os.listdir("/proc/self/fd"))
    handles = [sv.open(name) for _ in range(1_000)]
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    for number, handle in enumerate(handles):
        handle.balance = number
    assert {handle.balance for handle in handles} == {999} and account.version == 1_000


def resources() -> tuple[int, int]:
    """Return the number of open files, and of pages in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return len(os.listdir("/proc/self/fd")), int(file.read().split()[1])


def test_handles_come_and_go_and_memory_stays(name: str) -> None:
    sv.create(name, START)
    arena = sv.create_arena(None, 1 << 24)
    arena["account"] = START
    arena.insert("hits", sv.counter())
    arena.insert("jobs", sv.vector(sv.u32), [1, 2], capacity=100)

    def rounds(handles: int) -> None:
        # Each round makes 20 handles; two of them are segments.
        for _ in range(handles // 20):
            opened, made = sv.open(name), sv.new(START)
            opened.limits[0], made.requests, opened.part("balance")
            arena["account"].limits, arena["account"].requests
            arena["hits"].add(1)
            arena["jobs"].append(3)
            arena["jobs"].pop()
            arena.insert("more", sv.i64, 7)
            del arena["more"]
            value, array = mp.Value("i", 7), mp.Array("d", 10)
            value.value += 1
            array[2:4] = [1, 2]
            with made.lock():
                made.frozen = True

    rounds(HANDLES // 5)
    before, used = resources(), arena.used
    rounds(HANDLES)
    after = resources()
    assert after[0] == before[0]
    assert after[1] - before[1] < 500, "pages of memory"
    assert arena.used <= used + 4_096


@pytest.mark.parametrize("is_read", [False, True])
@pytest.mark.parametrize("unlocked", [False, True])
def test_other_threads_run_while_much_is_copied(is_read: bool, unlocked: bool) -> None:
    """Without the release of the interpreter's lock, a server would stand still during each copy."""
    size = 1 << 22
    samples, data = sv.new(sv.array(sv.u8), length=size, unlocked=unlocked), bytes(size)
    ticks, ended = [0], threading.Event()

    def tick() -> None:
        while not ended.is_set():
            ticks[0] += 1
            time.sleep(0)

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=tick)
    # The other thread runs only when this one gives the interpreter's lock away.
    sys.setswitchinterval(1_000)
    try:
        thread.start()
        deadline = time.monotonic() + 60
        while True:
            before = ticks[0]
            if is_read:
                samples._read_elements(0, size)
            else:
                samples.write_bytes(data)
            if ticks[0] > before:
                break
            assert time.monotonic() < deadline, "no other thread ran"
    finally:
        sys.setswitchinterval(interval)
        ended.set()
        thread.join(60)
