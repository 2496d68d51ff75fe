"""Handles: values in shared memory, and parts of them."""

from __future__ import annotations

import operator
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from shared_value import _core
from shared_value._changes import found_by
from shared_value._core import Changes, Token
from shared_value._layouts import dtype_of, format_of


class Handle(_core.Value):
    """A value in shared memory, or a part of one. `open()`, `create()` and `new()` return it."""

    __slots__ = ()

    def update(self, change: Callable[[Any], Any]) -> Any:
        """Let a function change a copy of the value, and write it back, in one commit.

        A record or a list is changed in place; of a number or a text, the function returns the new one. An exception of the
        function changes nothing. Atomic fields and counters stay as they are. Returns what the function returns.
        """
        with self.lock():
            value = self.load()
            result = change(value)
            self.set(value if _is_mutable(value) else result)
        return result

    def wait_for(self, condition: Callable[[Any], Any], timeout: float | None = None) -> Any:
        """Wait until the condition is true of the value, and return that value.

        The condition gets a copy after each commit; it may miss values if commits come faster. `TimeoutError` after a timeout
        in seconds. Changes of atomic fields do not count as commits.
        """
        end = None if timeout is None else time.monotonic() + timeout
        changes = self.changes()
        value = self.load()
        while not condition(value):
            rest = None if end is None else max(0.0, end - time.monotonic())
            value = changes.next(rest)
        return value

    def changes(self) -> Changes:
        """Return the changes from now on: an iterator whose `next(timeout)` waits for the next one."""
        return _core.changes_of(self)

    async def changed(self, changes: Changes | None = None) -> Any:
        """Wait for the next commit without blocking the thread, and return the value."""
        return await found_by((changes or self.changes())._begin())

    async def follow(self) -> AsyncIterator[Any]:
        """Iterate over the values after each commit, in async code: `async for value in account.follow()`."""
        changes = self.changes()
        while True:
            yield await self.changed(changes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a token: another process of this user can open the value while this one has it open."""
        return _open_token, (self.token(), self.is_read_only, self._is_unlocked())

    def __repr__(self) -> str:
        path = f" {self.part_path}" if self.part_path else ""
        try:
            shown = _short(self.load())
        except Exception as error:
            shown = f"({type(error).__name__}: {error})"
        return f"<{self.layout.type_text}{path} in {self.segment_name}: {shown}>"


def _open_token(text: str, read_only: bool, unlocked: bool) -> Any:
    return _core.open_value(Token(text), read_only=read_only, unlocked=unlocked)


def _is_mutable(value: Any) -> bool:
    return isinstance(value, list) or hasattr(type(value), "__dataclass_fields__")


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > 20:
        return f"[{', '.join(map(repr, value[:20]))}, ..]"
    text = repr(value)
    return text if len(text) <= 1000 else text[:1000] + ".."


class Struct(Handle):
    """A struct: an attribute for each field. Parts at any depth are found by paths too: `account["corners[1].x"]`."""

    __slots__ = ()

    def __getitem__(self, path: str) -> Any:
        part = self.part(path)
        return part if isinstance(part, (Struct, Array)) else part.load()

    def __setitem__(self, path: str, value: Any) -> None:
        self.part(path).set(value)

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()))


class Scalar(Handle):
    """A single value: a number, a truth value, a character, a text, an enum. Its attribute `value` reads and writes it."""

    __slots__ = ()

    value: Any


class SharedCounter(Struct):
    """A value that is one counter. Many threads and processes add to it at once, each in a lane of its own, without a lock.

    A process that is killed loses at most the addition that it was making. `hits.total` is the counter as a field.
    """

    __slots__ = ()

    total: _core.Counter

    def add(self, amount: Any = 1) -> None:
        """Add to the counter, without a lock. Where it matters, keep `hits.total` and call its `add()`: that is faster."""
        self.total.add(amount)

    def get(self) -> int:
        """Return the total: what was added since the last reset."""
        total: int = self.total.get()
        return total

    def reset(self) -> int:
        """Make the total zero, in one commit, and return what it was."""
        total: int = self.total.reset()
        return total


class Array(Handle):
    """An array. Elements and slices are read and written as those of a list; a slice is one version, and one commit."""

    __slots__ = ()

    def __len__(self) -> int:
        return self._length()

    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return self._element(operator.index(index))
        start, stop, step = index.indices(len(self))
        if step == 1:
            return self._list_elements(start, max(0, stop - start))
        return self._list_elements(0, len(self))[index]

    def __setitem__(self, index: int | slice, value: Any) -> None:
        if not isinstance(index, slice):
            if isinstance(value, _core.Value):
                value = value.load()
            self._set_element(operator.index(index), value)
            return
        start, stop, step = index.indices(len(self))
        count = len(range(start, stop, step))
        data = self._bytes_of(value)
        if data is None:
            value = list(value)
        given = len(value)
        if given != count:
            raise ValueError(f"the slice has {count} elements, and {given} were given: an array keeps its length")
        if step == 1:
            if data is not None:
                self._write_elements(start, data)
            else:
                self._store_elements(start, value)
            return
        with self.lock():
            elements = self._list_elements(0, len(self))
            elements[index] = list(value)
            self._store_elements(0, elements)

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])

    def __contains__(self, value: Any) -> bool:
        return value in self[:]

    def _bytes_of(self, value: Any) -> Any:
        """Return a contiguous buffer, if the value is a numpy array of the elements' type."""
        element = self.layout.element
        if element is None or not hasattr(value, "dtype"):
            return None
        import numpy

        if value.dtype != dtype_of(element) or value.ndim != 1:
            return None
        return numpy.ascontiguousarray(value).view(numpy.uint8)

    def to_numpy(self, start: int = 0, stop: int | None = None) -> Any:
        """Return a copy of some elements as a numpy array, which is one version. It needs numpy."""
        import numpy

        element = self.layout.element
        assert element is not None
        start, stop, _ = slice(start, stop).indices(len(self))
        data = self._read_elements(start, max(0, stop - start))
        return numpy.frombuffer(data, dtype=dtype_of(element))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("an array in shared memory can only be copied: its bytes change while they are looked at")
        made = self.to_numpy()
        return made if dtype is None else made.astype(dtype)

    def view(self, timeout: float | None = None) -> View:
        """Return a block that holds the lock and gives a private copy to change: `with samples.view() as view: view[:] *= 2`.

        The copy is a numpy array, or without numpy a `memoryview`. The end of the block writes it back and commits it; an
        exception changes nothing. It is a copy because a view of the memory itself could be kept beyond the block.
        """
        return View(self, timeout)


class View:
    """A private copy of an array under its lock. Returned by `Array.view()`."""

    __slots__ = ("_array", "_timeout", "_copy")

    def __init__(self, array: Array, timeout: float | None) -> None:
        self._array = array
        self._timeout = timeout
        self._copy: Any = None

    def __enter__(self) -> Any:
        self._array._enter(self._timeout)
        try:
            self._copy = self._private()
        except BaseException:
            self._array._leave(True)
            raise
        return self._copy

    def _private(self) -> Any:
        try:
            return self._array.to_numpy()
        except ImportError:
            element = self._array.layout.element
            format = format_of(element) if element is not None else None
            copy = memoryview(self._array._read_elements(0, len(self._array)))
            return copy if format is None else copy.cast(cast(Any, format))

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: object) -> None:
        copy, self._copy = self._copy, None
        failed = True
        try:
            if kind is None:
                self._array._write_elements(0, copy)
                failed = False
        finally:
            self._array._leave(failed)
