"""Handles of values whose length changes: vectors, texts and bytes."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from shared_value._handles import Handle

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Growing(Handle):
    """A value whose length changes, up to a capacity. Each change is one commit, unless a block holds the lock."""

    __slots__ = ()

    @property
    def capacity(self) -> int:
        """The greatest number of elements, or of bytes. It never changes."""
        return self._vector_capacity()

    def clear(self) -> None:
        """Remove everything. The memory stays with the value."""
        self._truncate(0)

    __hash__ = Handle.__hash__


class Vector(Growing):
    """An array whose length changes, Rust's `SharedVec`. It is used as a list is.

        jobs = sv.create("jobs", sv.vector(sv.u32), [3, 4], capacity=1_000)
        jobs.append(5)
        jobs[0] = 30
        last = jobs.pop()

    Elements are copies. `append`, `extend`, `truncate` and the assignment to an element write only what changes. All else copies
    the elements out and in.
    """

    __slots__ = ()

    def __len__(self) -> int:
        return self._vector_length()

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if isinstance(index, slice):
            return self.load()[index]
        number = operator.index(index)
        # Another process may remove elements between the look at the length and that at the element.
        return self._element_at(number if number >= 0 else len(self) + number)

    def _element_at(self, index: int) -> Any:
        try:
            return self._vector_element(index)
        except (LookupError, OverflowError):
            raise _out_of_range() from None

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if isinstance(index, slice):
            with self.lock():
                elements = self.load()
                elements[index] = value
                self.set(elements)
            return
        number = operator.index(index)
        if number < 0:
            with self.lock():
                self._set_element_at(len(self) + number, value)
        else:
            self._set_element_at(number, value)

    def _set_element_at(self, index: int, value: Any) -> None:
        try:
            self._set_vector_element(index, value)
        except LookupError:
            raise _out_of_range() from None
        except OverflowError:
            if index < 0:
                raise _out_of_range() from None
            raise

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        with self.lock():
            elements = self.load()
            del elements[index]
            self.set(elements)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over a copy of the elements, which is one version."""
        return iter(self.load())

    def __contains__(self, value: Any) -> bool:
        return value in self.load()

    def __iadd__(self, elements: Iterable[Any]) -> Self:
        self.extend(elements)
        return self

    def append(self, element: Any) -> None:
        """Add an element at the end. `ArenaFull` if the vector is as long as its capacity."""
        self._push(element)

    def extend(self, elements: Iterable[Any]) -> None:
        """Add elements at the end, all in one commit: all of them, or none if there is no room."""
        self._extend(list(elements))

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Remove an element, the last one without an index, and return it. `IndexError` if there is none."""
        number = operator.index(index)
        with self.lock():
            length = len(self)
            if number in (-1, length - 1) and length > 0:
                last = self._vector_element(length - 1)
                self._truncate(length - 1)
                return last
            elements: list[Any] = self.load()
            removed = elements.pop(number)
            self.set(elements)
            return removed

    def insert(self, index: SupportsIndex, element: Any) -> None:
        """Put an element before that of the index."""
        with self.lock():
            elements: list[Any] = self.load()
            elements.insert(index, element)
            self.set(elements)

    def remove(self, element: Any) -> None:
        """Remove the first element that is equal. `ValueError` if there is none."""
        with self.lock():
            elements: list[Any] = self.load()
            elements.remove(element)
            self.set(elements)

    def truncate(self, length: int) -> None:
        """Keep the first elements, and remove the others."""
        self._truncate(length)

    def index(self, element: Any) -> int:
        """Return the index of the first element that is equal. `ValueError` if there is none."""
        elements: list[Any] = self.load()
        return elements.index(element)

    def count(self, element: Any) -> int:
        """Return how many elements are equal."""
        elements: list[Any] = self.load()
        return elements.count(element)


class SharedString(Growing):
    """A text whose length changes, Rust's `SharedString`. `value` reads and replaces it; `append` and `+=` write only what is new.

        motto = sv.create("motto", sv.shared_string, "per aspera", capacity=1_000)
        motto += " ad astra"
        print(motto.value, len(motto))

    Its capacity is in bytes of UTF-8; its length, as that of a `str`, is in characters.
    """

    __slots__ = ()

    @property
    def value(self) -> str:
        """The text."""
        text: str = self.load()
        return text

    @value.setter
    def value(self, text: str) -> None:
        self.set(text)

    def __str__(self) -> str:
        return self.value

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: SupportsIndex | slice) -> str:
        return self.value[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.value)

    def __contains__(self, text: str) -> bool:
        return text in self.value

    def __iadd__(self, text: str) -> Self:
        self._extend(text)
        return self

    def append(self, text: str) -> None:
        """Add text at the end. `ArenaFull` if the capacity is exceeded."""
        self._extend(text)

    def truncate(self, length: int) -> None:
        """Keep the first characters, and remove the others."""
        with self.lock():
            self._truncate(len(self.value[:length].encode()))


class SharedBytes(Growing):
    """Bytes whose number changes, Rust's `SharedBytes`. It is used as a `bytearray` is; `value` reads and replaces all of it.

        message = sv.create("message", sv.shared_bytes, b"abc", capacity=1_000)
        message += b"def"
        message[0] = 65
    """

    __slots__ = ()

    @property
    def value(self) -> bytes:
        """The bytes."""
        data: bytes = self.load()
        return data

    @value.setter
    def value(self, data: Buffer) -> None:
        self.set(data)

    def __bytes__(self) -> bytes:
        return self.value

    def __len__(self) -> int:
        return self._vector_length()

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        return self.value[index]

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        with self.lock():
            data = bytearray(self.value)
            data[index] = value
            self.set(data)

    def __iter__(self) -> Iterator[int]:
        return iter(self.value)

    def __contains__(self, value: int | Buffer) -> bool:
        return value in self.value

    def __iadd__(self, data: Buffer) -> Self:
        self._extend(data)
        return self

    def append(self, byte: int) -> None:
        """Add a byte at the end. `ArenaFull` if the capacity is exceeded."""
        self._push(byte)

    def extend(self, data: Buffer) -> None:
        """Add bytes at the end, all in one commit."""
        self._extend(data)

    def pop(self) -> int:
        """Remove the last byte, and return it. `IndexError` if there is none."""
        with self.lock():
            data = self.value
            if not data:
                raise IndexError("pop from an empty value")
            self._truncate(len(data) - 1)
            return data[-1]

    def truncate(self, length: int) -> None:
        """Keep the first bytes, and remove the others."""
        self._truncate(length)


def _out_of_range() -> IndexError:
    return IndexError("vector index out of range")
