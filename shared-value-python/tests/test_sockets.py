"""Values over Unix sockets: a call that waits for the other end lets threads run, and ends in time and by Ctrl-C."""

import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import shared_value as sv
from account import START

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def fill(sender: socket.socket) -> int:
    """Send bytes until the socket takes no more, not even one; return their number."""
    sent = 0
    for size in (1 << 16, 1):
        try:
            while True:
                sent += sender.send(bytes(size), socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
    return sent


def drain(receiver: socket.socket, count: int) -> None:
    while count:
        count -= len(receiver.recv(min(count, 1 << 16)))


# What a program does with a socket to which nothing was sent (`empty`) and with one that is full (`full`).
WAITS = [
    "sv.open(empty)", "sv.open_arena(empty)", "sv.new(sv.i64, 5).send_to(full)", "sv.create_arena(None, 1 << 20).send_to(full)",
]

PROGRAM = """
    import _thread, os, signal, socket, sys, threading, time
    import shared_value as sv
    from test_sockets import drain, fill
    other, empty = socket.socketpair()
    full, another = socket.socketpair()
    count = fill(full)
"""


def run(program: str) -> str:
    """Run a program that would wait for ever if it kept the interpreter's lock."""
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM) + textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=__file__.rpartition("/")[0])
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("wait", WAITS)
def test_other_threads_run_while_a_socket_is_awaited(wait: str) -> None:
    assert run(f"""
        def help():
            time.sleep(0.2)
            (sv.create_arena(None, 1 << 20) if "arena" in {wait!r} else sv.new(sv.i64, 5)).send_to(other)
            drain(another, count)
        threading.Thread(target=help).start()
        {wait}
        print("done")
    """) == "done\n"


@pytest.mark.parametrize("interrupt", ["os.kill(os.getpid(), signal.SIGINT)", "_thread.interrupt_main()"])
@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_the_wait_for_a_socket(wait: str, interrupt: str) -> None:
    """`interrupt_main` sets what the handler of the signal sets, and wakes no thread that sleeps."""
    assert run(f"""
        def interrupt():
            time.sleep(0.2)
            {interrupt}
        threading.Thread(target=interrupt).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
    """) == "interrupted\n"


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_the_wait_for_a_socket_that_another_thread_has_used_first(wait: str) -> None:
    """`poll` finds a message, or room, which is gone when the call is made."""
    assert run(f"""
        import select
        class Poll:
            def register(self, *arguments): pass
            def poll(self, *arguments): return [1]
        select.poll = Poll
        def interrupt():
            time.sleep(0.3)
            _thread.interrupt_main()
        threading.Thread(target=interrupt).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
    """) == "interrupted\n"


def test_the_timeout_of_a_socket_counts(pair: Pair) -> None:
    here, there = pair
    account = sv.new(START)
    there.settimeout(0.2)
    receive: list[Callable[[], object]] = [lambda: sv.open(there), lambda: sv.open_arena(there)]
    for wait in receive:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            wait()
        assert time.monotonic() - start > 0.15
    there.settimeout(60)
    threading.Timer(0.2, account.send_to, [here]).start()
    assert sv.open(there).balance == 100
    there.setblocking(False)
    for wait in receive:
        with pytest.raises(BlockingIOError):
            wait()
    account.send_to(here)
    assert sv.open(there).balance == 100
    fill(here)
    here.settimeout(0.2)
    with pytest.raises(TimeoutError):
        account.send_to(here)
    here.setblocking(False)
    with pytest.raises(BlockingIOError):
        account.send_to(here)


def test_wait_counts_for_a_socket_too(pair: Pair) -> None:
    here, there = pair
    with pytest.raises(TimeoutError):
        sv.open(there, wait=0.2)
    with pytest.raises(BlockingIOError):
        sv.open_arena(there, wait=0)
    there.setblocking(False)
    threading.Timer(0.2, sv.new(START).send_to, [here]).start()
    assert sv.open(there, wait=60).balance == 100


def test_the_end_of_the_other_side_is_an_error(pair: Pair) -> None:
    here, there = pair
    here.close()
    with pytest.raises(OSError, match="closed"):
        sv.open(there)
    with pytest.raises(BrokenPipeError):
        sv.new(START).send_to(there)
