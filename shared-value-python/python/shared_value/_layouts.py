"""How Python names types: annotations, which become layouts."""

from __future__ import annotations

import builtins
import sys
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from shared_value._core import Layout

T = TypeVar("T")


Role = Literal["plain", "atomic", "counter"]
"""What a field is to its handles."""


class Mark:
    """The mark of an atomic field, or of a counter."""

    def __init__(self, role: Role) -> None:
        self.role: Role = role

    def __repr__(self) -> str:
        return self.role


ATOMIC = Mark("atomic")
COUNTER = Mark("counter")

bool = Annotated[builtins.bool, Layout.primitive("bool")]
char = Annotated[str, Layout.primitive("char")]
i8 = Annotated[int, Layout.primitive("i8")]
i16 = Annotated[int, Layout.primitive("i16")]
i32 = Annotated[int, Layout.primitive("i32")]
i64 = Annotated[int, Layout.primitive("i64")]
u8 = Annotated[int, Layout.primitive("u8")]
u16 = Annotated[int, Layout.primitive("u16")]
u32 = Annotated[int, Layout.primitive("u32")]
u64 = Annotated[int, Layout.primitive("u64")]
f32 = Annotated[float, Layout.primitive("f32")]
f64 = Annotated[float, Layout.primitive("f64")]

shared_string = Annotated[str, Layout.shared_string()]
"""A text whose length changes, Rust's `SharedString`: `create("motto", shared_string, "festina lente", capacity=1_000)`."""
shared_bytes = Annotated[bytes, Layout.shared_bytes()]
"""Bytes whose number changes, Rust's `SharedBytes`: `create("message", shared_bytes, capacity=1_000)`."""

Atomic = Annotated[T, ATOMIC]
"""An atomic field, such as `Atomic[u64]`: `u64`, `i64`, `f64`, `bool`, or an array of them."""
Counter = Annotated[T, COUNTER]
"""A field that counts in lanes, such as `Counter[u64]`: `u64`, or an array of them."""


def text(size: int) -> Layout:
    """Return the layout of text in this number of bytes of UTF-8, Rust's `FixedStr`: `Annotated[str, text(16)]`."""
    return Layout.text(size)


def raw(size: int, align: int = 1) -> Layout:
    """Return the layout of bytes whose meaning only the programs know: `Annotated[bytes, raw(32)]`."""
    return Layout.bytes(size, align)


def array(element: Any, length: int | None = None) -> Layout:
    """Return the layout of an array: `Annotated[list[int], array(u32, 4)]`.

    Without a length, the array can only be the whole value, and is as long as it is created.
    """
    return layout_of(element).array(length)


def vector(element: Any) -> Layout:
    """Return the layout of an array whose length changes, Rust's `SharedVec`. It can only be the whole value.

        create("jobs", vector(u32), [3, 4], capacity=1_000)
    """
    return layout_of(element).vector()


def counter(lanes: int = 16) -> Layout:
    """Return the layout of a value that is one counter, Rust's `SharedCounter`: `create("hits", counter())`."""
    return Layout.structure("Counter", [("total", Layout.primitive("u64"), "counter")], lanes=lanes)


def layout_of(kind: Any) -> Layout:
    """Return the layout of a type: a declared struct or enum, an annotation such as `i64`, or a layout itself."""
    return _with_mark(kind)[0]


def declared(kind: Any) -> tuple[Layout, Role]:
    """Return the layout of the annotation of a field, and what the field is to its handles."""
    return _with_mark(kind)


def _with_mark(kind: Any) -> tuple[Layout, Role]:
    if isinstance(kind, Layout):
        return kind, "plain"
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        roles = [mark.role for mark in marks if isinstance(mark, Mark)]
        layouts = [mark for mark in marks if isinstance(mark, Layout)]
        return (layouts[-1] if layouts else layout_of(inner)), roles[-1] if roles else "plain"
    layout = getattr(kind, "__shared_layout__", None)
    if isinstance(layout, Layout):
        return layout, "plain"
    raise TypeError(
        f"{kind!r} does not say how it lies in memory: expected a type such as shared_value.i64, a class with @struct or "
        "@enumeration, or Annotated[.., array(..)] or Annotated[.., text(..)]"
    )


# The format of `struct` and the name of numpy's type, by the name of a number.
_FORMATS = {
    "bool": ("?", "bool"),
    "i8": ("b", "int8"),
    "i16": ("h", "int16"),
    "i32": ("i", "int32"),
    "i64": ("q", "int64"),
    "u8": ("B", "uint8"),
    "u16": ("H", "uint16"),
    "u32": ("I", "uint32"),
    "u64": ("Q", "uint64"),
    "f32": ("f", "float32"),
    "f64": ("d", "float64"),
}


def format_of(layout: Layout) -> str | None:
    """Return the format character of a number, as `memoryview.cast` takes it."""
    return _FORMATS.get(layout.name, (None, None))[0] if layout.kind in ("bool", "integer", "float") else None


def dtype_of(layout: Layout) -> Any:
    """Return the numpy type whose items have exactly the bytes of a layout."""
    import numpy

    if layout.kind in ("bool", "integer", "float"):
        return numpy.dtype(_FORMATS[layout.name][1])
    if layout.kind == "enum":
        return numpy.dtype(f"{'i' if any(number < 0 for _, number in layout.variants) else 'u'}{layout.size}")
    if layout.kind == "array" and layout.element is not None:
        return numpy.dtype((dtype_of(layout.element), (layout.length,)))
    if layout.kind == "struct":
        names, formats, offsets = [], [], []
        for name, offset, part, _ in layout.fields:
            names.append(name)
            formats.append(dtype_of(part))
            offsets.append(offset)
        return numpy.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": layout.size})
    return numpy.dtype(f"V{layout.size}")


def layout_of_dtype(dtype: Any) -> Layout:
    """Return the layout of the items of a numpy array of numbers."""
    for name, (_, found) in _FORMATS.items():
        if dtype.name == found and dtype.isnative:
            return Layout.primitive(name)
    raise TypeError(f"a numpy array of {dtype} cannot be shared: expected numbers in the byte order of the machine")


assert sys.byteorder == "little"
