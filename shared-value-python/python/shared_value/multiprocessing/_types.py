"""Types of values: typecodes, and which types can be shared."""

import ctypes
import weakref
from typing import Any

_POINTERS = (ctypes._Pointer, ctypes._CFuncPtr)  # type: ignore[attr-defined]
_POINTER_CODES = {"z", "Z", "P", "O"}

TYPECODES: dict[str, type[Any]] = {
    "c": ctypes.c_char,
    "u": ctypes.c_wchar,
    "b": ctypes.c_byte,
    "B": ctypes.c_ubyte,
    "h": ctypes.c_short,
    "H": ctypes.c_ushort,
    "i": ctypes.c_int,
    "I": ctypes.c_uint,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "q": ctypes.c_longlong,
    "Q": ctypes.c_ulonglong,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}

_shareable: "weakref.WeakSet[type[Any]]" = weakref.WeakSet()


def type_of(typecode_or_type: Any) -> Any:
    """Returns the ctypes type of a typecode, or the type itself.

    Raises TypeError if it holds a pointer, which means nothing in another process.
    """
    known = TYPECODES.get(typecode_or_type)
    if known is not None:
        return known
    kind = typecode_or_type
    if kind not in _shareable:
        _check(kind, getattr(kind, "__name__", repr(kind)))
        _shareable.add(kind)
    return kind


def fields_of(kind: Any) -> list[tuple[str, Any]]:
    """Returns the names and types of a Structure's or Union's fields, those of its base classes first."""
    return [
        (field[0], field[1]) for base in reversed(kind.__mro__) for field in vars(base).get("_fields_", ())
    ]


def names_of(kind: Any) -> list[str]:
    """Returns the names by which the fields of a Structure or Union are reached: also those of anonymous parts."""
    anonymous = {name for base in kind.__mro__ for name in vars(base).get("_anonymous_", ())}
    return [
        name
        for field, part in fields_of(kind)
        for name in ([field, *names_of(part)] if field in anonymous else [field])
    ]


def _check(kind: Any, place: str) -> None:
    ctypes.sizeof(kind)  # TypeError if this is no ctypes type.
    if issubclass(kind, ctypes.Array):
        _check(kind._type_, f"{place}[..]")
    elif issubclass(kind, (ctypes.Structure, ctypes.Union)):
        for name, part in fields_of(kind):
            _check(part, f"{place}.{name}")
    elif issubclass(kind, _POINTERS) or getattr(kind, "_type_", None) in _POINTER_CODES:
        raise TypeError(
            f"{place} is a pointer ({kind.__name__}): its address means nothing in another process; share what it points to"
        )
