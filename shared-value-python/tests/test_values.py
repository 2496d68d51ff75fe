"""Values: attributes, commits, parts, records."""

import enum
import weakref
from typing import Annotated

import pytest
import shared_value as sv
from account import START, Account


def test_attributes_read_and_write_the_value(name: str) -> None:
    account = sv.create(name, START)
    other = sv.open(name)
    other.balance += 5
    other.frozen = True
    other.limits[2] = 7
    other.limits[-1] = 8
    assert (account.balance, account.frozen, account.limits[:]) == (105, True, [10, 20, 7, 8])
    assert account.version == 4
    assert account["limits[2]"] == 7
    account["limits[0]"] = 1
    assert list(other.limits) == [1, 20, 7, 8]


def test_a_struct_of_an_unknown_type_has_attributes_too(name: str) -> None:
    layout = sv.Layout.structure(
        "Line", [("ends", sv.Layout.structure("Point", [("x", sv.layout_of(sv.f64), "plain")]).array(2), "plain")]
    )
    sv.create(name, layout)
    line = sv.open(name)
    line.ends[1].x = 2.5
    line["ends[0].x"] = 1
    record = line.load()
    assert (record.ends[0].x, record.ends[1].x) == (1.0, 2.5)
    assert record.to_dict() == {"ends": [{"x": 1.0}, {"x": 2.5}]}
    line.ends = [{"x": 3}, record.ends[0]]
    assert [end.x for end in line.ends] == [3.0, 1.0]


def test_a_block_commits_at_its_end_in_one_store() -> None:
    account = sv.new(START)
    reader = account.read_only()
    with account.lock() as held:
        held.balance -= 60
        held.frozen = True
        assert (account.balance, reader.balance, reader.frozen) == (40, 100, False)
        with account.lock():
            account.limits[0] = 1
        assert reader.limits[0] == 10
    assert (reader.balance, reader.frozen, reader.limits[0]) == (40, True, 1)
    assert account.version == 1


def test_a_block_keeps_no_handle_and_outlives_it(name: str) -> None:
    account = sv.new(START)
    reference, block = weakref.ref(account), account.lock()
    assert account.lock() is block
    del account
    assert reference() is None, "the handle is gone at once, without the garbage collector"
    for balance in (99, 98):
        with block as held:
            held.balance -= 1
            with block as inner:
                assert inner.balance == balance
    with sv.new(START).limits.lock() as limits:
        limits[0] = 7
        assert limits[0] == 7
    sv.create(name, START)
    with sv.open(name).lock() as held, sv.open(name).lock(1) as inner:
        held.balance = 1
        inner.balance += 1
    assert (sv.open(name).balance, sv.open(name).version) == (2, 1)


def test_an_exception_in_a_block_changes_nothing() -> None:
    account = sv.new(START)
    with pytest.raises(ZeroDivisionError), account.lock():
        account.balance = 0
        account.balance = 1 // account.balance
    assert (account.balance, account.version, account.lock_state) == (100, 0, "free")


def test_an_exception_in_an_inner_block_reaches_the_outer_one() -> None:
    account = sv.new(START)
    with pytest.raises(RuntimeError, match="inner block"):
        with account.lock():
            account.balance = 1
            with pytest.raises(KeyError), account.lock():
                account.frozen = True
                raise KeyError
            with pytest.raises(RuntimeError, match="inner block"):
                account.balance = 2
    assert (account.balance, account.frozen, account.lock_state) == (100, False, "free")
    with account.lock():
        with pytest.raises(KeyError), account.lock():
            raise KeyError
        account.rollback()
        account.balance = 3
    assert account.balance == 3


def test_commit_and_rollback_in_a_block() -> None:
    count = sv.new(sv.i64, 1)
    reader = count.read_only()
    with count.lock():
        count.value = 2
        count.commit()
        assert reader.value == 2
        count.value = 3
        count.rollback()
    assert count.value == 2
    with pytest.raises(RuntimeError, match="does not hold"):
        count.commit()


def test_update_and_add() -> None:
    account = sv.new(START)

    def pay(record: Account) -> str:
        record.balance -= 1
        record.limits.reverse()
        return "paid"

    assert account.update(pay) == "paid"
    assert (account.balance, account.limits[:], account.version) == (99, [40, 30, 20, 10], 1)
    count = sv.new(sv.u8, 250)
    assert (count.add(4), count.value) == (254, 254)
    with pytest.raises(OverflowError):
        count.add(2)
    assert count.value == 254
    assert count.update(lambda number: number - 1) == 253
    with pytest.raises(TypeError):
        account.add(1)


def test_wrong_values_are_refused_and_change_nothing() -> None:
    account = sv.new(START)
    for attribute, value, error in [
        ("balance", 1 << 63, OverflowError),
        ("balance", 1.5, TypeError),
        ("balance", None, TypeError),
        ("frozen", 1, TypeError),
        ("limits", [1, 2, 3], ValueError),
        ("limits", [1, 2, 3, -1], ValueError),
        ("limits", 5, TypeError),
        ("missing", 1, AttributeError),
    ]:
        with pytest.raises(error):
            setattr(account, attribute, value)
    with pytest.raises(AttributeError):
        del account.balance
    with pytest.raises(IndexError):
        account.limits[4] = 1
    assert account.load() == START
    assert account.version == 0


def test_a_handle_reads_instances_of_the_class_that_it_was_made_or_opened_with(name: str) -> None:
    """Two parts of a program may declare one struct of a Rust program, each with methods of its own."""

    def declare() -> type:
        @sv.struct
        class Twin:
            number: sv.i64
            word: Annotated[str, sv.text(4)] = ""

        return Twin

    one, other = declare(), declare()
    made, opened, plain = sv.create(name, one(1, "a")), sv.open(name, other), sv.open(name)
    for handle, kind in ((made, one), (opened, other), (plain, other), (sv.new(one), one), (made.read_only(), one)):
        changes = handle.changes()
        assert type(handle.load()) is kind
        if not handle.is_read_only:
            seen: list[type] = []
            handle.update(lambda record, seen=seen: seen.append(type(record)))
            assert seen == [kind] and type(changes.next(0)) is kind
        assert type(handle.wait_for(lambda record: True)) is kind
    with sv.open(name, one).lock() as held, sv.open(name, one).lock(1) as inner:
        assert type(held.load()) is one and type(inner.load()) is one, "the handle that was opened is gone"
    declare()
    assert type(made.load()) is one and type(plain.load()) is not other, "the class that was declared last"

    def number() -> type:
        @sv.enumeration(sv.u8)
        class Level(enum.IntEnum):
            Low = 0

        return Level

    low, last = number(), number()
    assert type(sv.new(low).load()) is low and type(sv.new(low(0)).load()) is low and type(sv.new(last).load()) is last


def test_a_new_value_leaves_atomic_fields_and_counters_as_they_are() -> None:
    @sv.struct
    class Tally:
        number: sv.i64
        hits: sv.Atomic[sv.u64] = 0
        misses: sv.Counter[sv.u64] = 0

    arena = sv.create_arena(None, 1 << 20)
    arena["tally"] = Tally(1, 5, 6)
    tally = arena["tally"]
    tally.set(Tally(2, 50, 60))
    assert (tally.number, tally.hits.load(), tally.misses.get()) == (2, 5, 6)

    def change(record: Tally) -> None:
        record.number, record.hits, record.misses = 3, 50, 60

    tally.update(change)
    assert (tally.number, tally.hits.load(), tally.misses.get()) == (3, 5, 6)
    arena["tally"] = Tally(4, 50, 60)
    assert (tally.number, tally.hits.load(), tally.misses.get()) == (4, 5, 6)


def test_atomics() -> None:
    account = sv.new(START)
    assert account.requests.add(3) == 0
    account.requests += 2
    assert (account.requests, int(account.requests), account.requests.load()) == (5, 5, 5)
    assert account.requests.compare_exchange(5, 7) and not account.requests.compare_exchange(5, 8)
    assert (account.requests.swap(1), account.requests.max(9), account.requests.min(3)) == (7, 1, 9)
    account.requests = 12
    assert (account.requests.fetch_and(8), account.requests.fetch_or(1), account.requests.load()) == (12, 8, 9)
    assert account.version == 0, "atomic fields are no part of a commit"
    with pytest.raises(TypeError):
        account.requests.add(1.5)
    with pytest.raises(OverflowError):
        account.requests.add(-1)

    @sv.struct
    class Server:
        by_status: Annotated[list[int], sv.array(sv.u64, 6), sv.Atomic[int].__metadata__[0]]
        draining: sv.Atomic[sv.bool] = False

    server = sv.new(Server([0] * 6))
    server.by_status[2] += 1
    server.by_status[-1].add(2)
    assert server.by_status.load() == [0, 0, 1, 0, 0, 2]
    assert server.draining.swap(True) is False and bool(server.draining)
    with pytest.raises(IndexError):
        server.by_status[6]


def test_enums_texts_and_bytes(name: str) -> None:
    @sv.enumeration(sv.u8)
    class State(enum.IntEnum):
        Open = 0
        Frozen = 7

    @sv.struct
    class Job:
        state: State
        title: Annotated[str, sv.text(8)]
        key: Annotated[bytes, sv.raw(4)]
        letter: sv.char

    job = sv.create(name, Job(State.Open, "héllo", b"\0\1\2\3", "ß"))
    assert (job.state, job.title, job.key, job.letter) == (State.Open, "héllo", b"\0\1\2\3", "ß")
    job.state = State.Frozen
    job.title = "x"
    job.key = bytearray(b"abcd")
    assert isinstance(job.state, State) and job.load() == Job(State.Frozen, "x", b"abcd", "ß")
    job.state = 0
    for attribute, value in [("state", 3), ("title", "123456789"), ("key", b"1"), ("letter", "ab")]:
        with pytest.raises(ValueError):
            setattr(job, attribute, value)
    assert job.state is State.Open


def test_fields_that_would_hide_a_method_are_found_by_path() -> None:
    layout = sv.Layout.structure("Odd", [(field, sv.layout_of(sv.i32), "plain") for field in ("lock", "class", "version")])
    odd = sv.new(layout)
    odd.class_ = 3
    odd["lock"] = 4
    with odd.lock():
        odd["version"] = 5
    assert (odd["class"], odd["lock"], odd["version"], odd.version) == (3, 4, 5, 3)
    assert odd.load().class_ == 3


def test_a_layout_that_differs_shows_both_sides(name: str) -> None:
    sv.create(name, START)
    with pytest.raises(sv.LayoutMismatch) as raised:
        sv.open(name, sv.f64)
    error = raised.value
    assert error.name == name and "balance: i64" in error.found and "f64" in error.expected
    assert "limits: [u32; 4] @12" in str(error) and "f64" in str(error)
    with pytest.raises(sv.LayoutMismatch):
        sv.create(name, sv.i64, 1, exist_ok=True)
    assert sv.create(name, Account(0, True, [0] * 4), exist_ok=True).balance == 100


def test_errors_of_names(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        sv.open(name)
    sv.create(name, sv.i64, 1)
    with pytest.raises(FileExistsError):
        sv.create(name, sv.i64, 1)
    for wrong in ("a/b", "", "x" * 256):
        with pytest.raises(ValueError):
            sv.create(wrong, sv.i64, 1)
    with pytest.raises(TypeError):
        sv.open(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        sv.open(sv.Token("shared-value:nonsense"))
    with pytest.raises(FileNotFoundError):
        sv.open(sv.Inherited("SHARED_VALUE_NOT_PASSED"))


def test_read_only_handles_write_nothing() -> None:
    account = sv.new(START)
    reader = account.read_only()
    assert reader.is_read_only and not account.is_read_only
    for write in (
        lambda: setattr(reader, "balance", 1),
        lambda: reader.limits.__setitem__(0, 1),
        lambda: setattr(reader, "limits", [0] * 4),
        lambda: reader.requests.add(1),
        lambda: reader.set(START),
        lambda: reader.lock().__enter__(),
    ):
        with pytest.raises(PermissionError):
            write()
    account.balance = 7
    assert reader.balance == 7


def test_values_without_a_lock(name: str) -> None:
    raw = sv.create(name, sv.f64, 1.5, unlocked=True)
    raw.value = 2.5
    assert sv.open(name, unlocked=True).value == 2.5
    with pytest.raises(RuntimeError, match="no lock"):
        raw.lock().__enter__()
    with pytest.raises(sv.InvalidSegment):
        sv.open(name)


def test_files_survive(tmp_path: object) -> None:
    path = tmp_path / "value"  # type: ignore[operator]
    sv.create(path, sv.i64, 5)
    assert sv.open(path).value == 5
    sv.unlink(path)


def test_handles_can_be_referred_to_weakly() -> None:
    account = sv.new(START)
    limits = account.limits
    reference = weakref.ref(limits)
    del limits
    assert reference() is None
    with pytest.raises(TypeError):
        type(account)()


def test_help_is_useful() -> None:
    account = sv.new(START)
    assert "balance: i64, at byte 0" in (type(account).__doc__ or "")
    assert "with account.lock()" in (account.lock.__doc__ or "")
    assert "i64 at byte 0" == type(account).balance.__doc__


def test_a_class_that_is_declared_later_is_that_of_the_next_records() -> None:
    """A handle keeps the class of its records, and must not keep it for ever."""
    layout = sv.Layout.structure("DeclaredLater", [("x", sv.layout_of(sv.i64), "plain")])
    value = sv.new(layout)
    assert type(value.load()).__mro__[1] is sv.Record

    @sv.struct
    class DeclaredLater:
        x: sv.i64

    assert value.load() == DeclaredLater(0)


def test_lock_takes_a_timeout_by_its_position_or_by_its_name() -> None:
    value = sv.new(sv.i64, 5)
    for block in (value.lock(), value.lock(1), value.lock(1.5), value.lock(None), value.lock(timeout=0)):
        with block as same:
            assert same is value
            same.value += 1
    assert value.value == 10
    bad: list[tuple[tuple[object, ...], dict[str, object]]] = [
        ((1, 2), {}), ((1,), {"timeout": 2}), ((), {"time": 1}), ((), {"timeout": 1, "other": 2}), (("1",), {}),
    ]
    for arguments, names in bad:
        with pytest.raises(TypeError):
            value.lock(*arguments, **names)
    assert type(value).lock.__doc__ and type(value).__dict__["add"].__text_signature__ == "($self, amount)"
    with pytest.raises(TypeError):
        type(value).lock(sv.new(sv.u8, 1))


def test_descriptors_of_wrappers_check_their_object() -> None:
    import shared_value.multiprocessing as mp

    value, text = mp.Value("i", 3), mp.Array("c", b"abc")
    with pytest.raises(TypeError):
        type(value).value.__get__(text)
    with pytest.raises(AttributeError):
        del value.value
    with pytest.raises(TypeError):
        value.value = "three"
    assert (value.value, text.value, text.raw) == (3, b"abc", b"abc")
