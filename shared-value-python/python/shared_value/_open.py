"""Opening and creating values."""

from __future__ import annotations

import builtins
import os
import socket
from typing import Any

from shared_value import _core
from shared_value._core import Descriptor, Inherited, Layout, Token
from shared_value._errors import LayoutMismatch
from shared_value._layouts import layout_of, layout_of_dtype

Source = str | os.PathLike[str] | Token | Inherited | Descriptor | socket.socket


def open(
    source: Source, type: Any = None, *, read_only: bool = False, unlocked: bool = False, wait: float | None = None
) -> Any:
    """Open the value at a source, whatever program has created it.

    A `str` is a name, a path a file; a `Token`, an `Inherited`, a `Descriptor` and a Unix socket are other ways to hand a
    value over. The handle has an attribute for each field of the struct that is there.

    With `type`, a class with `@struct`, an annotation such as `i64`, or a `Layout`, the value must be of this type, else
    `LayoutMismatch` is raised. `read_only` needs permission to read only. `unlocked` is for values that were created without a
    lock. `wait` is how many seconds to wait until there is such a value; without it, `FileNotFoundError` is raised at once. From
    a socket, the next value that the other end sends is opened: the call waits as long as `wait` says, or else the socket's own
    timeout.
    """
    value = _core.open_value(source, read_only=read_only, unlocked=unlocked, wait=wait)
    if type is not None:
        _expect(value, layout_of(type))
        _choose_class(value, type)
    return value


def _choose_class(handle: Any, named: Any) -> None:
    """Let a handle read instances of the class that the program has named, or has given an instance of."""
    kind = named if isinstance(named, builtins.type) else builtins.type(named)
    if "__shared_layout__" in vars(kind):
        handle._read_as(kind)


def _expect(value: Any, expected: Layout) -> None:
    found: Layout = value.layout
    if found == expected or (expected.kind == "slice" and found.kind == "array" and found.element == expected.element):
        return
    sides = _side_by_side(expected.schema.splitlines(), found.schema.splitlines())
    message = (
        f"`{value.segment_name}` holds another layout: expected `{expected.type_text}`, found `{found.type_text}`\n"
        f"{sides}"
    )
    raise LayoutMismatch(message, value.segment_name, expected.schema, found.schema)


def _side_by_side(expected: list[str], found: list[str]) -> str:
    width = max(map(len, [*expected, "expected"]))
    lines = [f"  {'expected':{width}}  | found"]
    for index in range(max(len(expected), len(found))):
        one = expected[index] if index < len(expected) else ""
        other = found[index] if index < len(found) else ""
        lines.append(f"{' ' if one == other else '>'} {one:{width}}  | {other}")
    return "\n".join(lines)


def create(
    location: str | os.PathLike[str] | None,
    value: Any,
    initial: Any = None,
    *,
    length: int | None = None,
    capacity: int | None = None,
    mode: int = 0o600,
    unlocked: bool = False,
    exist_ok: bool = False,
    unlink_on_drop: bool = False,
    recursive: bool = True,
    no_new_writers: bool = False,
) -> Any:
    """Create a value under a new name, or in a new file, and return its handle.

        create("bank", Account(balance=100, frozen=False, limits=[1, 2, 3, 4]))
        create("count", sv.i64, 5)
        create("samples", sv.array(sv.f64), length=1_000_000)
        create("samples", numpy_array)
        create("jobs", sv.vector(sv.u32), [3, 4], capacity=1_000)

    Without an initial value it is all zeros, or empty. `capacity` is the greatest number of elements or bytes of a value whose
    length changes: address space, of which memory is taken as the value grows. The name appears when the value is complete; `mode` are its permissions.
    `FileExistsError` if it exists already; with `exist_ok`, the existing value is opened, which must have the same layout.
    """
    layout, first, data = _initial(value, initial)
    if length is not None and layout.kind != "slice":
        layout = layout.array(None)
    made = _core.create_value(
        location,
        layout,
        first,
        length=length,
        capacity=capacity,
        data=data,
        mode=mode,
        unlocked=unlocked,
        exist_ok=exist_ok,
        unlink_on_drop=unlink_on_drop,
        recursive=recursive,
        no_new_writers=no_new_writers,
    )
    if exist_ok:
        _expect(made, layout)
    _choose_class(made, value)
    return made


def new(
    value: Any,
    initial: Any = None,
    *,
    length: int | None = None,
    capacity: int | None = None,
    unlocked: bool = False,
    recursive: bool = True,
) -> Any:
    """Create a value without a name: for this process, its forked children, and processes that it is handed to."""
    return create(None, value, initial, length=length, capacity=capacity, unlocked=unlocked, recursive=recursive)


def _initial(value: Any, initial: Any) -> tuple[Layout, Any, Any]:
    """Return the layout, the value, and the value as bytes."""
    if hasattr(value, "dtype") and hasattr(value, "ndim"):
        if value.ndim != 1:
            raise TypeError(f"expected a numpy array of one dimension, found {value.ndim}: share a.ravel()")
        import numpy

        return layout_of_dtype(value.dtype).array(None), None, numpy.ascontiguousarray(value).view(numpy.uint8)
    if isinstance(value, _core.Value):
        return value.layout, value.load() if initial is None else initial, None
    layout = getattr(type(value), "__shared_layout__", None)
    if isinstance(layout, Layout) and not isinstance(value, type):
        return layout, value, None
    return layout_of(value), initial, None
