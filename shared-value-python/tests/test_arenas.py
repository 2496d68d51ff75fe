"""Arenas: mappings, transactions, snapshots."""

import multiprocessing
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import shared_value as sv
from account import START, Account


def test_an_arena_is_a_mutable_mapping(name: str) -> None:
    arena = sv.create_arena(name, 1 << 20)
    arena["hits"] = 3
    arena["ratio"] = 0.5
    arena["account"] = START
    other = sv.open_arena(name)
    assert (other["hits"].value, other["ratio"].value, other["account"].load()) == (3, 0.5, START)
    handle = other["hits"]
    arena["hits"] = 4
    assert handle.add(1) == 5
    assert sorted(arena) == ["account", "hits", "ratio"] and len(arena) == 3 and "hits" in arena
    assert {key: value.layout.name for key, value in arena.items()} == {"account": "Account", "hits": "i64", "ratio": "f64"}
    arena.insert("samples", sv.array(sv.f32), length=10)
    assert len(arena["samples"]) == 10
    arena.replace("samples", sv.u8, 1)
    del arena["hits"]
    assert handle.value == 5, "the handle keeps its value"
    with pytest.raises(KeyError):
        arena["hits"]
    with pytest.raises(KeyError):
        del arena["hits"]
    with pytest.raises(FileExistsError):
        arena.insert("ratio", sv.f64, 1.0)
    assert arena.pop("ratio").value == 0.5 and "ratio" not in arena
    assert (arena.pop("ratio", None), arena.pop("ratio", 5)) == (None, 5)
    with pytest.raises(KeyError):
        arena.pop("ratio")
    assert arena.setdefault("new", 1).value == 1 and arena.setdefault("new", 2).value == 1
    assert arena["new"].add(1) == 2
    with pytest.raises(sv.ArenaFull):
        arena.insert("large", sv.array(sv.u8), length=1 << 20)


def test_a_value_is_stored_under_another_key() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["account"], arena["number"] = START, 5
    arena.insert("samples", sv.array(sv.u8), length=3)[:] = [1, 2, 3]
    arena.insert("jobs", sv.vector(sv.u32), [3, 4], capacity=100)
    arena.insert("motto", sv.shared_string, "festina", capacity=100)
    for key in list(arena):
        arena[f"copy of {key}"] = arena[key]
        assert arena.setdefault(f"another copy of {key}", arena[key]).load() == arena[key].load()
        assert arena[f"copy of {key}"].layout == arena[key].layout
    arena["limits"] = arena["account"].limits
    assert arena["limits"][:] == START.limits
    arena["copy of jobs"].extend(range(98))
    arena["copy of number"].value = 6
    assert len(arena["jobs"]) == 2 and arena["number"].value == 5
    arena["number"] = arena["copy of number"]
    assert arena["number"].value == 6


def test_an_arena_is_emptied() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["other"] = 1, 2
    key, value = arena.popitem()
    assert key not in arena and value.value == {"one": 1, "other": 2}[key]
    arena.clear()
    assert len(arena) == 0
    with pytest.raises(KeyError):
        arena.popitem()


def test_threads_may_add_and_take_the_same_keys() -> None:
    """Each step of one thread comes between two of another."""
    arena = sv.create_arena(None, 1 << 22)
    steps, failed, taken = threading.Barrier(4), [], []

    def work(number: int) -> None:
        try:
            for step in range(200):
                steps.wait(60)
                arena[f"assigned {step}"] = number
                arena.setdefault(f"counted {step}", 0).add(1)
                found = arena.pop(f"taken {step}", None)
                if found is not None:
                    taken.append(found.value)
                arena.update(updated=number)
                list(arena.values())
                arena.pop("updated", None)
        except BaseException as error:
            failed.append(error)
            steps.abort()

    for step in range(200):
        arena[f"taken {step}"] = step
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed
    assert {arena[f"counted {step}"].value for step in range(200)} == {4}
    assert sorted(taken) == list(range(200)), "each is taken once"
    arena.clear()
    assert not arena


def test_a_transaction_changes_all_or_nothing() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["other"] = 30, 70

    def move(tx: sv.Transaction) -> int:
        tx["one"].value += 10
        tx["other"].value -= 10
        tx.insert("receipt", sv.i64, 10)
        return 5

    assert arena.transaction(move) == 5
    assert arena.snapshot() == {"one": 40, "other": 60, "receipt": 10}

    def fail(tx: sv.Transaction) -> None:
        move_again = tx["one"]
        move_again.value = 0
        tx.remove("receipt")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        arena.transaction(fail)
    assert arena.snapshot(["one", "receipt"]) == {"one": 40, "receipt": 10}
    kept: list[sv.Transaction] = []
    arena.transaction(kept.append)
    with pytest.raises(RuntimeError, match="ended"):
        kept[0]["one"]
    with pytest.raises(KeyError):
        arena.transaction(lambda tx: tx["missing"])


def test_a_transaction_begins_again_if_its_keys_have_changed() -> None:
    """Between two steps of its function, another process may remove a key that was there, or add one that was not."""
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["total"] = 1, 0
    attempts: list[int] = []

    def meanwhile(change: Callable[[], Any]) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            change()

    def take(tx: sv.Transaction) -> str:
        if "one" not in tx:
            return "nothing"
        meanwhile(lambda: arena.pop("one"))
        tx["total"].value += tx["one"].value
        tx.remove("one")
        return "taken"

    assert arena.transaction(take) == "nothing"
    assert arena.snapshot() == {"total": 0}

    def count(tx: sv.Transaction) -> int:
        found = int("one" in tx)
        meanwhile(lambda: arena.update(one=1))
        return found

    attempts.clear()
    assert arena.transaction(count) == 1 and len(attempts) == 2


def test_a_snapshot_sees_no_part_of_a_change_of_keys() -> None:
    """Between the look for a key and the copy of its value, another process may replace or move the value."""
    arena = sv.create_arena(None, 1 << 20)
    arena["count"], arena["latest"], arena["here"] = 0, 0, 0

    def work() -> None:
        for number in range(1, 10_001):
            place, other = ("here", "there") if number % 2 else ("there", "here")

            def change(tx: sv.Transaction, number: int = number, place: str = place, other: str = other) -> None:
                tx.replace("latest", sv.i64, number)
                tx.remove(place)
                tx.insert(other, sv.i64, number)
                tx["count"].value = number

            arena.transaction(change)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    snapshots = 0
    while child.is_alive():
        some = arena.snapshot(["count", "latest"])
        assert some["count"] == some["latest"]
        found = arena.snapshot()
        assert "count" in found and len(set(found.values())) == 1, found
        snapshots += 1
    child.join(60)
    assert child.exitcode == 0 and snapshots
    assert arena.snapshot() == {"count": 10_000, "latest": 10_000, "here": 10_000}
    with pytest.raises(KeyError, match="there"):
        arena.snapshot(["count", "there"])


def test_a_transaction_belongs_to_its_greenlet() -> None:
    greenlet = pytest.importorskip("greenlet")
    arena = sv.create_arena(None, 1 << 20)
    arena["one"] = 1
    refused: list[str] = []

    def intrude(tx: sv.Transaction) -> None:
        for use in (lambda: tx["one"], lambda: tx.remove("one"), lambda: "one" in tx):
            with pytest.raises(RuntimeError, match="the greenlet that began it") as error:
                use()
            refused.append(str(error.value))

    def change(tx: sv.Transaction) -> None:
        greenlet.greenlet(intrude).switch(tx)
        tx["one"].value += 1

    arena.transaction(change)
    assert len(refused) == 3
    assert arena["one"].value == 2


def test_another_greenlet_cannot_use_what_a_transaction_has_locked() -> None:
    greenlet = pytest.importorskip("greenlet")
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["other"], arena["third"] = 1, 2, 3
    refused: list[str] = []

    def intrude() -> None:
        one = arena["one"]
        for use in (
            lambda: setattr(one, "value", 50),
            lambda: one.value,
            lambda: one.add(5),
            lambda: one.lock().__enter__(),
            lambda: one.update(lambda value: value + 5),
        ):
            with pytest.raises(RuntimeError, match="another greenlet") as error:
                use()
            refused.append(str(error.value))
        arena["other"].value = 20

        def change(tx: sv.Transaction) -> None:
            tx["third"].value = 30
            # Back into the transaction, whose locks are its own.
            parent.switch()
            tx["third"].value += 1

        arena.transaction(change)

    def change(tx: sv.Transaction) -> None:
        tx["one"].value = 5
        child.switch()
        arena["one"].value += 1
        with arena["one"].lock():
            arena["one"].value += 1
        with pytest.raises(RuntimeError, match="another greenlet"):
            arena["third"].value = 0
        child.switch()

    parent, child = greenlet.getcurrent(), greenlet.greenlet(intrude)
    arena.transaction(change)
    assert arena["one"].value == 7
    arena["one"].value = 8
    assert arena.snapshot() == {"one": 8, "other": 20, "third": 31}
    assert len(refused) == 5


def test_another_greenlet_cannot_use_what_a_transaction_locks_when_it_begins_again() -> None:
    """The locks that it lacked are taken before its function runs."""
    greenlet = pytest.importorskip("greenlet")
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["other"] = 1, 2
    held, release, runs = threading.Event(), threading.Event(), []

    def hold() -> None:
        with arena["one"].lock():
            held.set()
            release.wait(60)

    def intrude() -> None:
        with pytest.raises(RuntimeError, match="another greenlet"):
            arena["one"].value = 50

    def change(tx: sv.Transaction) -> None:
        runs.append(1)
        if len(runs) == 2:
            greenlet.greenlet(intrude).switch()
        tx["other"].value += 1
        threading.Timer(0.2, release.set).start()
        tx["one"].value += 1

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    arena.transaction(change)
    holder.join(60)
    assert len(runs) == 2 and arena.snapshot() == {"one": 2, "other": 3}


def test_transactions_of_greenlets_overlap() -> None:
    """They end in the order in which they have begun, so none of them is inside of another."""
    greenlet = pytest.importorskip("greenlet")
    arena = sv.create_arena(None, 1 << 20)
    keys = [f"key {number}" for number in range(3)]
    arena.update(dict.fromkeys(keys, 0))
    main = greenlet.getcurrent()

    def work(key: str) -> None:
        def change(tx: sv.Transaction) -> None:
            tx[key].value += 1
            main.switch()
            tx[key].value += 1

        arena.transaction(change)

    for _ in range(3):
        running = [greenlet.greenlet(work) for _ in keys]
        for run, key in zip(running, keys, strict=True):
            run.switch(key)
        for run in running:
            run.switch()
        assert all(run.dead for run in running)
    assert arena.snapshot() == dict.fromkeys(keys, 6)


def test_signals_do_not_make_a_transaction_begin_again() -> None:
    """It waits for the lock that it lacked, again after each signal, and its function is called when it has the lock."""
    arena = sv.create_arena(None, 1 << 20)
    arena["one"], arena["other"] = 1, 2
    held, release, seen, runs = threading.Event(), threading.Event(), [], []

    def hold() -> None:
        with arena["one"].lock():
            held.set()
            release.wait(60)

    def handle(number: int, frame: object) -> None:
        seen.append(number)
        if len(seen) == 20:
            release.set()

    def change(tx: sv.Transaction) -> None:
        runs.append(len(seen))
        tx["other"].value += 1
        if len(runs) == 1:
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        tx["one"].value += 1

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    before = signal.signal(signal.SIGALRM, handle)
    try:
        arena.transaction(change)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        release.set()
        holder.join(60)
    assert len(runs) == 2 and runs[1] >= 20
    assert arena.snapshot() == {"one": 2, "other": 3}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_ends_a_transaction_that_would_begin_again(kind: type[BaseException]) -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["one"] = 1
    runs = []

    def change(tx: sv.Transaction) -> None:
        runs.append(1)
        tx.insert("new", sv.i64, 1)
        if len(runs) == 1:
            thread = threading.Thread(target=lambda: arena.insert("new", sv.i64, 2))
            thread.start()
            thread.join()
            raise kind

    with pytest.raises(kind):
        arena.transaction(change)
    assert runs == [1] and arena.snapshot() == {"one": 1, "new": 2}


def test_transactions_of_threads_conserve_the_sum() -> None:
    arena = sv.create_arena(None, 1 << 20)
    keys = [f"account {number}" for number in range(4)]
    for key in keys:
        arena[key] = 100
    sums = set()

    def work(seed: int) -> None:
        for step in range(200):
            # In opposite orders, so that they would wait for each other.
            one, other = keys[(seed + step) % 4], keys[(seed * 3 + 1) % 4]
            if one != other:

                def move(tx: sv.Transaction, one: str = one, other: str = other) -> None:
                    tx[one].value -= 1
                    tx[other].value += 1

                arena.transaction(move)
            sums.add(sum(arena.snapshot(keys).values()))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sums == {400}


def test_a_transaction_belongs_to_its_thread() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["one"] = 1
    raised: list[BaseException] = []

    def elsewhere(tx: sv.Transaction) -> None:
        try:
            tx["one"]
        except RuntimeError as error:
            raised.append(error)

    def change(tx: sv.Transaction) -> None:
        thread = threading.Thread(target=elsewhere, args=(tx,))
        thread.start()
        thread.join()

    arena.transaction(change)
    assert len(raised) == 1


def test_values_and_arenas_are_passed_to_programs(name: str) -> None:
    program = (
        "import shared_value as sv\n"
        "account, arena = sv.open(sv.Inherited('ACCOUNT')), sv.open_arena(sv.Inherited('ARENA'))\n"
        "account.balance += 1\n"
        "arena['hits'] = 5\n"
    )
    account, arena = sv.new(START), sv.create_arena(None, 1 << 20)
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, **sv.passing(ACCOUNT=account, ARENA=arena))
    assert account.balance == 101 and arena["hits"].value == 5


def test_tokens_and_pickles_lead_to_the_same_value() -> None:
    account, arena = sv.new(START), sv.create_arena(None, 1 << 20)
    sv.open(sv.Token(account.token()), Account).balance += 1
    pickle.loads(pickle.dumps(account)).balance += 1
    pickle.loads(pickle.dumps(arena))["hits"] = 1
    assert account.balance == 102 and arena["hits"].value == 1
    assert pickle.loads(pickle.dumps(account.read_only())).is_read_only
    unlocked = sv.new(START, unlocked=True)
    again = pickle.loads(pickle.dumps(unlocked))
    again.balance += 1
    assert unlocked.balance == 101
    with pytest.raises(RuntimeError, match="no lock"):
        again.lock().__enter__()
    sv.open(sv.Descriptor(account.fileno())).balance += 1
    assert account.balance == 103


def test_sockets_carry_values() -> None:
    import socket

    here, there = socket.socketpair()
    with here, there:
        account = sv.new(START)
        account.send_to(here)
        sv.open(there).balance = 5
        assert account.balance == 5
        arena = sv.create_arena(None, 1 << 20)
        arena.send_to(here)
        sv.open_arena(there)["hits"] = 1
        assert arena["hits"].value == 1
        account.read_only().send_to(here)
        assert sv.open(there, read_only=True).balance == 5
