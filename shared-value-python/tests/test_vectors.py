"""Values whose length changes: vectors, texts, bytes."""

import subprocess
import sys
import threading

import pytest
import shared_value as sv


@sv.struct
class Job:
    number: sv.u32
    cost: sv.f64


def test_a_vector_is_used_as_a_list_is(name: str) -> None:
    jobs = sv.create(name, sv.vector(sv.u32), [3, 4], capacity=100)
    model = [3, 4]
    jobs.append(5)
    model.append(5)
    jobs.extend(range(6, 10))
    model.extend(range(6, 10))
    jobs += [1, 2]
    model += [1, 2]
    jobs[0] = 30
    model[0] = 30
    jobs[-1] = 20
    model[-1] = 20
    jobs[1:3] = [7]
    model[1:3] = [7]
    del jobs[0]
    del model[0]
    jobs.insert(2, 9)
    model.insert(2, 9)
    jobs.remove(9)
    model.remove(9)
    assert (jobs.pop(), jobs.pop(0)) == (model.pop(), model.pop(0))
    other = sv.open(name, sv.vector(sv.u32))
    assert other.load() == model == list(other) == other[:]
    assert (len(other), other.capacity, other[1], other[-1], 9 in other) == (len(model), 100, model[1], model[-1], 9 in model)
    assert (other.index(6), other.count(6)) == (model.index(6), model.count(6))
    other.truncate(2)
    assert jobs[:] == model[:2]
    other.truncate(50)
    jobs.clear()
    assert (len(other), list(other), bool(other)) == (0, [], False)
    assert repr(other) == f"<[u32; ..] in {name}: []>"


def test_each_change_of_a_vector_is_one_commit() -> None:
    jobs = sv.new(sv.vector(sv.i64), capacity=100)
    versions = []
    for change in (
        lambda: jobs.append(1), lambda: jobs.extend([2, 3, 4]), lambda: jobs.set([5, 6, 7]), lambda: jobs.pop(), lambda: jobs.pop(0),
        lambda: jobs.insert(0, 1), lambda: jobs.truncate(1),
    ):
        change()
        versions.append(jobs.version)
    assert versions == list(range(1, 8)) and jobs.load() == [1]
    with pytest.raises(ZeroDivisionError), jobs.lock():
        jobs.append(2)
        assert jobs[:] == [1, 2] and sv.open(sv.Token(jobs.token()), read_only=True).load() == [1]
        raise ZeroDivisionError
    assert jobs[:] == [1]
    assert jobs.update(lambda elements: elements.append(9)) is None
    assert jobs[:] == [1, 9]


def test_mistakes_change_nothing() -> None:
    jobs = sv.new(sv.vector(sv.u8), [1, 2], capacity=3)
    for wrong, error in (
        (lambda: jobs.append(300), ValueError), (lambda: jobs.append("x"), TypeError), (lambda: jobs.extend([3, 4]), sv.ArenaFull),
        (lambda: jobs[2], IndexError), (lambda: jobs[-3], IndexError), (lambda: jobs.part("[0]"), TypeError),
        (lambda: jobs.__setitem__(2, 1), IndexError), (lambda: jobs.__setitem__(-3, 1), IndexError),
        (lambda: jobs.read_only().append(1), PermissionError),
    ):
        with pytest.raises(error):
            wrong()
    empty = sv.new(sv.vector(sv.u8), capacity=3)
    with pytest.raises(IndexError):
        empty.pop()
    assert (jobs[:], jobs.version, empty.version) == ([1, 2], 0, 0)
    with pytest.raises(ValueError, match="needs a capacity"):
        sv.new(sv.vector(sv.u8), [1])
    with pytest.raises(ValueError, match="capacity"):
        sv.new(sv.u8, 1, capacity=3)
    with pytest.raises(TypeError, match="fixed"):
        sv.new(sv.array(sv.u8), length=3)._push(1)


def test_a_vector_of_structs() -> None:
    jobs = sv.new(sv.vector(Job), [Job(1, 0.5)], capacity=10)
    jobs.append(Job(2, 1.5))
    jobs.append({"number": 3, "cost": 2.5})
    jobs[0] = Job(7, 0.25)
    assert jobs[:] == [Job(7, 0.25), Job(2, 1.5), Job(3, 2.5)] and jobs.pop() == Job(3, 2.5)


def test_a_text_grows(name: str) -> None:
    motto = sv.create(name, sv.shared_string, "per aspera", capacity=20)
    same = sv.open(name, sv.shared_string)
    motto += " ä"
    motto.append("d")
    assert (str(same), same.value, len(same), same[-2:], "aspera" in same) == ("per aspera äd", "per aspera äd", 13, "äd", True)
    same.truncate(12)
    assert motto.value == "per aspera ä"
    with pytest.raises(sv.ArenaFull):
        motto.value = "ä" * 11
    with pytest.raises(TypeError):
        motto.value = b"bytes"
    motto.value = "x"
    motto.clear()
    assert (same.value, same.version, same.capacity) == ("", 5, 20)


def test_bytes_grow(name: str) -> None:
    message = sv.create(name, sv.shared_bytes, b"abc", capacity=20)
    same = sv.open(name, sv.shared_bytes)
    message += memoryview(b"de")
    message.extend(bytearray(b"f"))
    message.append(103)
    message[0] = 65
    message[1:3] = b"-"
    assert (bytes(same), same.value, len(same), same[0], same[-2:]) == (b"A-defg", b"A-defg", 6, 65, b"fg")
    assert message.pop() == 103 and list(same) == list(b"A-def") and 65 in same and b"de" in same
    same.truncate(2)
    message.value = same.value * 2
    assert same.value == b"A-A-"
    with pytest.raises(TypeError):
        message.value = "text"
    message.clear()
    with pytest.raises(IndexError):
        message.pop()
    assert same.value == b""


def test_arenas_hold_them() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena.insert("jobs", sv.vector(sv.u32), [1], capacity=100)
    arena.insert("motto", sv.shared_string, capacity=100)
    arena["jobs"] += [2, 3]
    assert arena["jobs"].version == 1
    arena["motto"] += "festina"
    arena["jobs"].append(4)

    def change(tx: sv.Transaction) -> None:
        tx["jobs"].pop()
        tx["motto"].append(" lente")
        tx.insert("message", sv.shared_bytes, b"x", capacity=10)

    arena.transaction(change)
    assert arena.snapshot() == {"jobs": [1, 2, 3], "motto": "festina lente", "message": b"x"}


def test_threads_append_and_pop_exactly() -> None:
    jobs = sv.new(sv.vector(sv.u32), capacity=10_000)
    popped: list[int] = []
    done = threading.Event()

    def produce(first: int) -> None:
        for number in range(first, first + 500):
            jobs.append(number)

    def consume() -> None:
        while not done.is_set() or len(jobs):
            try:
                popped.append(jobs.pop())
            except IndexError:
                pass

    producers = [threading.Thread(target=produce, args=(first,)) for first in (0, 500)]
    consumer = threading.Thread(target=consume)
    interval = sys.getswitchinterval()
    # So that threads take turns in the middle of `pop` too.
    sys.setswitchinterval(1e-6)
    try:
        for thread in (*producers, consumer):
            thread.start()
        for thread in producers:
            thread.join(60)
        done.set()
        consumer.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert sorted(popped) == list(range(1_000)) and len(jobs) == 0


def test_another_thread_does_not_come_between_the_steps_of_a_pop(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = sv.new(sv.vector(sv.u32), [1, 2], capacity=10)
    other = threading.Thread(target=jobs.append, args=(9,))
    element = sv.Vector._vector_element

    def element_and_an_append(self: sv.Vector, index: int) -> object:
        other.start()
        other.join(0.2)
        return element(self, index)

    monkeypatch.setattr(sv.Vector, "_vector_element", element_and_an_append)
    assert jobs.pop() == 2
    other.join(60)
    assert jobs[:] == [1, 9]


def test_rust_appends_to_what_python_has_created(name: str, rust_account: str) -> None:
    jobs = sv.create(f"{name}-jobs", sv.vector(sv.u32), [3, 4], capacity=100)
    motto = sv.create(f"{name}-motto", sv.shared_string, "per aspera", capacity=100)
    message = sv.create(f"{name}-message", sv.shared_bytes, b"ab", capacity=100)
    try:
        jobs.append(5)
        shown = subprocess.run([rust_account, "grow", name], capture_output=True, text=True, check=True, timeout=60)
        assert shown.stdout == '[3, 4, 5, 7] "per aspera!" [97, 98, 255]\n'
        assert (jobs.pop(), motto.value, message.value) == (7, "per aspera!", b"ab\xff")
    finally:
        for value in (jobs, motto, message):
            value.unlink()
