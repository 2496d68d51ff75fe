"""Counters: additions without a lock, from many processes, in Rust and in Python."""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from typing import Annotated

import pytest
import shared_value as sv


@sv.struct(lanes=4)
class Server:
    """The `Server` of the Rust program."""

    port: sv.u16
    hits: sv.Counter[sv.u64] = 0
    by_status: sv.Counter[Annotated[list[int], sv.array(sv.u64, 6)]] = None  # type: ignore[assignment]


def test_a_field_counts() -> None:
    server = sv.new(Server(80, 5, [0, 0, 1, 0, 0, 0]))
    server.hits.add()
    server.hits.add(3)
    server.hits += 1
    server.by_status[2] += 4
    server.by_status[-1].add()
    assert (server.hits.get(), server.by_status.get(), len(server.by_status)) == (10, [0, 0, 5, 0, 0, 1], 6)
    assert server.hits == 10 and server.hits > 9 and int(server.hits) == 10 and bool(server.by_status[0]) is False
    assert repr(server.hits) == "Counter(10)"
    assert server.load() == Server(80, 10, [0, 0, 5, 0, 0, 1])
    assert server.version == 0


def test_a_reset_is_a_commit() -> None:
    server = sv.new(Server(80, 5, [0, 0, 1, 0, 0, 2]))
    assert server.by_status.reset() == [0, 0, 1, 0, 0, 2]
    assert (server.by_status.get(), server.version) == ([0] * 6, 1)
    with pytest.raises(ZeroDivisionError), server.lock():
        assert server.hits.reset() == 5
        server.hits.add(2)
        assert server.hits.get() == 2 and server.read_only().hits.get() == 7
        raise ZeroDivisionError
    assert (server.hits.get(), server.version) == (7, 1)
    assert server.hits.reset() == 7
    assert (server.hits.get(), server.version) == (0, 2)


def test_a_commit_of_the_struct_leaves_its_counters() -> None:
    server = sv.new(Server(80, 5, [1] * 6))
    server.update(lambda record: setattr(record, "port", 8080))
    server.set({"port": 81})
    assert server.load() == Server(81, 5, [1] * 6)


def test_mistakes_are_told() -> None:
    server = sv.new(Server(80, 5, [1] * 6))
    with pytest.raises(TypeError, match="a counter is not set"):
        server.hits = 3
    with pytest.raises(TypeError, match="a counter is not set"):
        server.by_status[1] = 3
    with pytest.raises(TypeError, match="several counters"):
        server.by_status.add(1)
    with pytest.raises(TypeError, match="use the attribute"):
        server.part("hits")
    with pytest.raises(OverflowError, match="counts up"):
        server.hits.add(-1)
    with pytest.raises(IndexError):
        server.by_status[6]
    with pytest.raises(PermissionError):
        server.read_only().hits.add(1)
    with pytest.raises(ValueError, match="counter of type `u64`"):
        sv.Layout.structure("Odd", [("hits", sv.layout_of(sv.i64), "counter")])
    with pytest.raises(ValueError, match="only counters have lanes"):
        sv.Layout.structure("Odd", [("hits", sv.layout_of(sv.i64), "plain")], lanes=4)
    with pytest.raises(ValueError, match="atomic"):
        sv.Layout.structure("Odd", [("hits", sv.layout_of(sv.i64), "counted")])
    assert server.load() == Server(80, 5, [1] * 6)


def test_a_counter_is_a_value_of_its_own_and_of_an_arena(name: str) -> None:
    hits = sv.create(name, sv.counter())
    hits.add(2)
    hits.add()
    assert (hits.get(), sv.open(name, sv.counter()).total.get(), hits.reset(), hits.get()) == (3, 3, 3, 0)
    with pytest.raises(sv.LayoutMismatch):
        sv.open(name, sv.counter(lanes=4))
    arena = sv.create_arena(None, 1 << 20)
    arena.insert("hits", sv.counter(lanes=2)).add(4)
    arena.insert("server", Server(80))
    arena["server"].hits.add(5)
    assert (arena["hits"].get(), arena["server"].hits.get()) == (4, 5)


def test_unlocked_values_count_too() -> None:
    server = sv.new(Server(80), unlocked=True)
    server.hits.add(3)
    assert (server.hits.reset(), server.hits.get()) == (3, 0)


def test_threads_count_exactly() -> None:
    server = sv.new(Server(80))

    def work() -> None:
        hits = server.hits
        for _ in range(10_000):
            hits.add(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.hits.get() == 60_000


def test_the_schemas_of_both_languages_are_equal(name: str, rust_account: str) -> None:
    with subprocess.Popen([rust_account, "serve", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rust:
        assert rust.stdout and rust.stdin and rust.stdout.readline() == "created\n"
        server = sv.open(name, Server)
        assert server.layout == Server.__shared_layout__  # type: ignore[attr-defined]
        assert (server.port, server.hits.get()) == (80, 5)
        counting = subprocess.Popen([rust_account, "count", name, "100000"])
        for _ in range(10_000):
            server.hits.add(1)
            server.by_status[3].add(2)
        assert counting.wait(60) == 0
        assert server.hits.get() == 110_005
        rust.stdin.close()
        assert rust.stdout.read() == "110005 [0, 0, 100000, 20000, 0, 0]\n"


def _count(hits: sv.SharedCounter, done: object) -> None:
    """Count for ever, and write down each addition when it is done."""
    counter, acknowledged = hits.total, done.value  # type: ignore[attr-defined]
    while True:
        counter.add(1)
        acknowledged.add(1)


def test_killed_processes_lose_at_most_one_addition_each() -> None:
    """Without the lane of a dead owner being kept, what it had counted would be gone."""
    fork = multiprocessing.get_context("fork")
    hits = sv.new(sv.counter(lanes=2))
    done = [sv.new(sv.Layout.structure("Done", [("value", sv.layout_of(sv.u64), "atomic")])) for _ in range(6)]
    workers = [fork.Process(target=_count, args=(hits, one)) for one in done]
    for worker in workers:
        worker.start()
    while any(one.value == 0 for one in done):
        time.sleep(0.01)
    for worker in workers:
        assert worker.pid
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    acknowledged = sum(int(one.value) for one in done)
    assert acknowledged <= hits.get() <= acknowledged + len(workers)
    before = hits.get()
    hits.add(1)
    assert hits.get() == before + 1
