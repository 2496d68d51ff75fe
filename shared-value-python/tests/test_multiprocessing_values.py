"""Values and arrays: what they hold, what they refuse, what can be seen of them. Numbers of rows are those of docs/python.md."""

import array
import ctypes
import gc
import multiprocessing.sharedctypes
import os
import threading
import weakref
from typing import Any

import pytest

import shared_value.multiprocessing as mp


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("y", ctypes.c_double)]


class Named(Point):
    _fields_ = [("count", ctypes.c_int)]


class Line(ctypes.Structure):
    _anonymous_ = ["start"]
    _fields_ = [("start", Point), ("end", Point)]


class Log:
    """A lock that is not of this package."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def acquire(self) -> bool:
        self.calls.append("acquire")
        return True

    def release(self) -> None:
        self.calls.append("release")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


@pytest.mark.parametrize("code", "bBhHiIlLqQ")
def test_numbers_of_each_typecode_are_kept(code: str) -> None:
    assert mp.Value(code).value == 0
    assert mp.Value(code, 100).value == 100
    assert mp.Array(code, [1, 2, 3])[:] == [1, 2, 3]


def test_floats_characters_and_booleans_are_kept() -> None:
    assert (mp.Value("d", 0.1).value, mp.Value("f", 0.5).value) == (0.1, 0.5)
    assert (mp.Value("c", b"x").value, mp.Value("u", "\u20ac").value) == (b"x", "\u20ac")
    assert mp.Value(ctypes.c_bool, True).value is True


class Doubled(ctypes.c_int):
    """A number that is read in a way of its own."""

    value = property(lambda self: 2 * ctypes.c_int.value.__get__(self), ctypes.c_int.value.__set__)  # type: ignore[attr-defined]


NUMBERS: list[tuple[Any, list[Any]]] = [
    (ctypes.c_byte, [-128, 127]), (ctypes.c_ubyte, [255]), (ctypes.c_short, [-(1 << 15)]), (ctypes.c_ushort, [(1 << 16) - 1]),
    (ctypes.c_int, [-(1 << 31)]), (ctypes.c_uint, [(1 << 32) - 1]), (ctypes.c_long, [-(1 << 63)]), (ctypes.c_ulong, [(1 << 64) - 1]),
    (ctypes.c_longlong, [-(1 << 63), 1 << 40]), (ctypes.c_ulonglong, [(1 << 64) - 1]), (ctypes.c_size_t, [(1 << 64) - 1]),
    (ctypes.c_float, [0.1, float("inf"), -0.0]), (ctypes.c_double, [0.1, 1e300]), (ctypes.c_bool, [True, False]),
    (ctypes.c_longdouble, [0.5]), (ctypes.c_char, [b"x"]), (ctypes.c_wchar, ["x"]), (Doubled, [4]),
    (ctypes.c_int.__ctype_be__, [0x01020304]), (ctypes.c_double.__ctype_be__, [0.1]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values"), NUMBERS)
def test_a_value_is_read_as_ctypes_reads_it(kind: Any, values: list[Any]) -> None:
    """Numbers of ctypes itself are read without it."""
    made, elsewhere = mp.Value(kind), mp.Value("q", 99)
    for value in values:
        made.value = value
        obj = made.get_obj()
        assert (made.value, type(made.value)) == (obj.value, type(obj.value))
        obj.value = values[0]
        assert repr(made.value) == repr(obj.value)
    # The class of an object may change.
    made.get_obj().__class__ = ctypes.c_byte if ctypes.sizeof(kind) == 1 else Doubled if kind is ctypes.c_int else kind
    assert repr(made.value) == repr(made.get_obj().value)
    # Objects in other memory: an element, one whose attribute names memory that it does not lie in, one of ctypes alone.
    array = mp.RawArray(kind, 2)
    second = kind.from_buffer(array, ctypes.sizeof(kind))
    named = kind(values[0])
    named._wrapper = elsewhere.get_obj()._wrapper
    for obj in (second, named, kind(values[0])):
        obj.value = values[-1]
        assert repr(mp.synchronized(obj).value) == repr(obj.value)


def test_a_structure_has_its_fields() -> None:
    point = mp.Value(Point, 1, 2)
    point.x += 0.5
    assert (point.x, point.y, point.get_obj().x) == (1.5, 2.0, 1.5)
    raw = mp.RawValue(Point, 3)
    assert (raw.x, raw.y) == (3.0, 0.0)
    points = mp.Array(Point, [(1, 2), (3, 4)])
    assert [(point.x, point.y) for point in points] == [(1, 2), (3, 4)]


def test_row_5_to_8_each_kind_of_lock() -> None:
    own = mp.Value("i", 5)
    assert own.get_lock() is own.get_lock() and own.get_obj().value == 5
    assert mp.Array("i", 3, lock=None).get_lock() is not own.get_lock()
    shared = mp.Lock()
    first, second = mp.Value("i", 1, lock=shared), mp.Array("i", [2], lock=shared)
    assert first.get_lock() is shared and second.get_lock() is shared
    for raw in (mp.Value("i", 5, lock=False), mp.Array("i", 5, lock=False)):
        assert not hasattr(raw, "get_lock") and not hasattr(raw, "get_obj")
    with pytest.raises(AttributeError, match="'navalue' has no method 'acquire'"):
        mp.Value("i", 5, lock="navalue")


def test_a_foreign_lock_is_taken_for_each_access() -> None:
    log = Log()
    value, items = mp.Value("i", 1, lock=log), mp.Array("i", [1, 2], lock=log)
    value.value += items[1]
    items[0:1] = [7]
    assert log.calls == ["acquire", "release"] * 4
    with value:
        assert log.calls[-1] == "acquire"
    guarded = mp.Value("i", 1, lock=threading.RLock())
    with guarded.get_lock():
        guarded.value += 1
    assert guarded.value == 2


def test_a_lock_is_a_keyword_except_for_synchronized() -> None:
    lock = mp.Lock()
    for make in (lambda: mp.Value("i", 5, lock), lambda: mp.Array("i", 5, lock)):
        with pytest.raises(TypeError):
            make()
    assert mp.synchronized(mp.RawValue("i", 1), lock).get_lock() is lock
    raw = mp.RawValue("i", 1)
    assert mp.synchronized(raw).get_obj() is raw
    with pytest.raises(AssertionError, match="object already synchronized"):
        mp.synchronized(mp.Value("i"))
    assert mp.synchronized(ctypes.c_int(3)).value == 3


def test_two_wrappers_of_one_object_share_its_lock() -> None:
    raw = mp.RawValue("i", 1)
    first, second = mp.synchronized(raw), mp.synchronized(raw)
    with first.get_lock():
        assert second.get_lock().locked()


def test_row_13_and_14_indices_and_lengths() -> None:
    items = mp.Array("i", range(10))
    assert items[-1] == 9 and len(items) == 10 and items[8:20] == [8, 9]
    for index in (10, -11):
        with pytest.raises(IndexError):
            items[index]
    with pytest.raises(IndexError):
        items[10] = 1
    with pytest.raises(ValueError):
        items[2:4] = [1, 2, 3]
    assert items[:] == list(range(10))
    items[::2] = [0] * 5
    assert items[:4] == [0, 1, 0, 3]


def test_row_15_a_slice_with_a_bad_element_writes_nothing() -> None:
    items = mp.Array("i", range(4))
    with pytest.raises(TypeError):
        items[0:3] = [7, 8, "x"]
    assert items[:] == [0, 1, 2, 3]
    text = mp.Array("c", b"abcd")
    text[1:3] = b"xy"
    assert text.value == b"axyd"


def test_row_16_lengths_of_zero_and_below() -> None:
    assert len(mp.Array("i", 0)) == 0 and len(mp.RawArray("d", [])) == 0
    with pytest.raises(ValueError):
        mp.Array("i", -1)
    with pytest.raises(TypeError):
        mp.Array("i", 1.5)


def test_row_12_new_memory_is_zero() -> None:
    for _ in range(50):
        items = mp.RawArray("B", 100)
        assert bytes(items) == bytes(100)
        items[:] = b"\xff" * 100
        del items


def test_row_21_a_copy_is_a_copy() -> None:
    point = mp.RawValue(Point, 1, 2)
    copied = mp.copy(point)
    point.x = 5
    assert (copied.x, copied.y) == (1, 2)


def test_rows_22_to_24_texts_are_those_of_ctypes() -> None:
    text = mp.Array("c", 5)
    text.value = b"12345"
    assert text.value == b"12345"
    with pytest.raises(ValueError):
        text.value = b"123456"
    text.raw = b"a\0b\0c"
    assert (text.value, text.raw) == (b"a", b"a\0b\0c")


def test_row_40_inherited_fields_are_shared_and_others_refused() -> None:
    named = mp.Value(Named, 1, 2, 3)
    named.x = 7
    assert named.get_obj().x == 7 and named.count == 3
    with pytest.raises(AttributeError):
        named.misspelled = 1
    line = mp.Value(Line, Point(1, 2), Point(3, 4))
    line.x = 9
    assert line.start.x == 9


def test_row_41_names_of_fields() -> None:
    class Odd(ctypes.Structure):
        _fields_ = [("class", ctypes.c_int), ("value", ctypes.c_int)]

    odd = mp.Value(Odd, 1, 2)
    setattr(odd, "class", 5)
    assert (getattr(odd, "class"), odd.value) == (5, 2)
    for name in ("acquire", "release", "get_lock", "get_obj"):
        hidden = type("Hidden", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_int)]})
        with pytest.raises(ValueError, match=f"field `{name}` of Hidden would hide"):
            mp.Value(hidden)
        assert getattr(mp.RawValue(hidden, 3), name) == 3


def test_row_46_memory_is_aligned() -> None:
    for size in (1, 3, 64, 100):
        assert ctypes.addressof(mp.RawArray("B", size)) % 64 == 0


def test_row_47_pointers_are_refused() -> None:
    class Node(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("number", ctypes.c_int)]

    for kind in (ctypes.c_char_p, ctypes.c_void_p, ctypes.py_object, ctypes.POINTER(ctypes.c_int), Node, Node * 2):
        with pytest.raises(TypeError, match="pointer"):
            mp.Value(kind)
    with pytest.raises(TypeError, match=r"Node\.name is a pointer \(c_char_p\)"):
        mp.RawValue(Node)


def test_what_is_no_type_is_refused() -> None:
    for wrong in ("x", 3, int, None):
        with pytest.raises(TypeError):
            mp.Value(wrong)


def test_views_are_live_and_outlive_their_array() -> None:
    numpy = pytest.importorskip("numpy")
    items = mp.Array("d", range(5))
    view = numpy.frombuffer(items.get_obj())
    view[0] = 7.5
    items[4] = 9.5
    assert items[0] == 7.5 and view[4] == 9.5
    imported = numpy.from_dlpack(items)
    imported[1] = 3.5
    assert items[1] == 3.5
    raw = mp.RawArray("i", [1, 2, 3])
    kept = memoryview(raw)
    numbers = numpy.ctypeslib.as_array(raw)
    del raw, items
    gc.collect()
    for _ in range(100):
        mp.RawArray("i", [9, 9, 9])
    assert list(numbers) == [1, 2, 3] and kept.cast("B").nbytes == 12 and view[0] == 7.5


def test_memory_is_given_back_with_the_last_view() -> None:
    raw = mp.RawArray("i", 3)
    memory = weakref.ref(raw._wrapper)
    view = memoryview(raw)
    del raw
    gc.collect()
    assert memory() is not None
    del view
    gc.collect()
    assert memory() is None


def fork_of_c() -> int:
    """Fork as C code does, of which Python does not know."""
    return ctypes.CDLL(None).fork()


@pytest.mark.parametrize("fork", [os.fork, fork_of_c])
def test_memory_that_a_child_has_is_not_used_again(fork: Any) -> None:
    """Memory of dropped values is used again: not while a forked child may have the value too."""
    values = [mp.Value("q", number) for number in range(100)]
    (asked, ask), (told, tell) = os.pipe(), os.pipe()
    child = fork()
    if child == 0:
        os.read(asked, 1)
        os.write(tell, bytes([values[number].value == number for number in range(100)]))
        os._exit(0)
    del values
    others = [mp.Value("q", -1) for _ in range(300)]
    os.write(ask, b"x")
    assert os.read(told, 100) == bytes([1] * 100)
    assert os.waitpid(child, 0)[1] == 0 and len(others) == 300
    for end in (asked, ask, told, tell):
        os.close(end)


def test_memory_that_is_used_again_is_as_new() -> None:
    def address_of(value: Any) -> int:
        return ctypes.addressof(value.get_obj())

    def is_as_new(value: Any) -> bool:
        lock = value.get_lock()
        return value.value == 0 and not lock.locked() and lock.recoveries == 0

    places = set()
    for _ in range(100):
        value = mp.Value("q")
        assert is_as_new(value)
        places.add(address_of(value))
        value.value = -1
    assert len(places) < 5, "the memory is used again"
    # A lock that its thread holds for ever, and one whose owner has died.
    kept, died = mp.Value("q"), mp.Value("q")
    thread = threading.Thread(target=died.get_lock().acquire)
    thread.start()
    thread.join()
    kept.get_lock().acquire()
    with died.get_lock():
        assert died.get_lock().recoveries == 1
    held = address_of(kept)
    del kept, died
    made = [mp.Value("q") for _ in range(100)]
    assert all(is_as_new(value) for value in made)
    assert held not in {address_of(value) for value in made}
    # Values of other lengths, and other locks.
    assert bytes(mp.Array("B", 8)) == bytes(8) and not mp.Lock().locked() and not mp.RLock().locked()


def test_elements_come_from_any_sequence() -> None:
    assert mp.Array("i", array.array("i", [1, 2]))[:] == [1, 2]
    assert mp.Array("i", (1, 2))[:] == [1, 2]
    assert mp.Array("i", range(3))[:] == [0, 1, 2]
    numpy = pytest.importorskip("numpy")
    assert mp.Array("d", numpy.arange(3.0))[:] == [0, 1, 2]
    assert len(mp.Array("d", numpy.int64(4))) == 4


def test_row_50_printing_waits_for_nothing() -> None:
    value = mp.Value("i", 5)
    with value:
        printed: list[str] = []
        thread = threading.Thread(target=lambda: printed.append(repr(value) + repr(value.get_lock())))
        thread.start()
        thread.join(10)
    assert printed == ["<Synchronized wrapper for c_int(5)><RLock(SomeOtherThread, nonzero)>"]


def test_the_other_names_are_those_of_multiprocessing() -> None:
    assert mp.Process is multiprocessing.Process and mp.Queue
    assert "Pool" in dir(mp) and "Value" in dir(mp)
    with pytest.raises(AttributeError):
        mp.no_such_name
