"""Records: copies of structs."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, dataclass_transform, get_type_hints, overload

from shared_value._core import Layout, attribute_of, declare
from shared_value._layouts import declared, layout_of

T = TypeVar("T")
E = TypeVar("E", bound=type[enum.IntEnum])


def _as_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, list):
        return [_as_plain(element) for element in value]
    return value


def to_dict(record: Any) -> dict[str, Any]:
    """Return the fields of a record as a dictionary, nested structs too."""
    return {field.name: _as_plain(getattr(record, field.name)) for field in dataclasses.fields(record)}


class Record:
    """A copy of a struct that this program has not declared: a dataclass with an attribute for each field."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary, nested structs too."""
        return to_dict(self)


def record_class(layout: Layout) -> type:
    """Make the class of the records of a struct that the program has not declared."""
    fields: list[tuple[str, Any, Any]] = []
    for name, _, _, role in layout.fields:
        # All or none have a default, so that the order does not matter.
        fields.append((attribute_of(name), Any, dataclasses.field(default=None, kw_only=role != "plain")))
    name = layout.name if layout.name.isidentifier() else "Record"
    made = dataclasses.make_dataclass(name, fields, bases=(Record,), slots=True)
    made.__doc__ = f"A copy of the struct {layout.type_text}."
    made.__shared_layout__ = layout  # type: ignore[attr-defined]
    return made


def enum_class(layout: Layout) -> type[enum.IntEnum]:
    """Make the class of an enum that the program has not declared."""
    members: Iterable[tuple[str, int]] = ((attribute_of(name), number) for name, number in layout.variants)
    made = enum.IntEnum(layout.name, list(members))  # type: ignore[misc]
    made.__shared_layout__ = layout  # type: ignore[attr-defined]
    return made


@overload
def struct(cls: type[T], /) -> type[T]: ...
@overload
def struct(*, name: str | None = None, evolves: bool = False, lanes: int | None = None) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(kw_only_default=False)
def struct(
    cls: type[T] | None = None, /, *, name: str | None = None, evolves: bool = False, lanes: int | None = None
) -> Any:
    """Declare a struct that lies in memory as Rust's `#[repr(C)]` struct with the same fields does.

    The class becomes a dataclass, whose instances are copies of values. `create(name, instance)` shares one. A Rust program
    with `#[derive(SharedValue)]` and the same names and types opens it, and the other way round.

        @sv.struct
        class Account:
            balance: sv.i64
            limits: Annotated[list[int], sv.array(sv.u32, 4)]
            requests: sv.Atomic[sv.u64] = 0
            hits: sv.Counter[sv.u64] = 0

    A handle reads instances of the class that it was created or opened with: `open(name, Account)`. All else, such as nested structs
    and values of arenas, is read as the class that the program has declared last for the same name and fields.

    `name` is the name of the struct in Rust, if it differs. `evolves` is `#[shared(evolves)]`, and `lanes` is `#[shared(lanes = ..)]`,
    the number of cache lines in which its counters count: 16 without it.
    """

    def decorate(cls: type[T]) -> type[T]:
        hints = get_type_hints(cls, include_extras=True)
        made: type[T] = dataclasses.dataclass(slots=True)(cls)
        fields = []
        for field in dataclasses.fields(made):  # type: ignore[arg-type]
            layout, role = declared(hints[field.name])
            fields.append((_name_of(field.name), layout, role))
        layout = Layout.structure(name or cls.__name__, fields, evolves=evolves, lanes=lanes)
        made.__shared_layout__ = layout  # type: ignore[attr-defined]
        declare(layout, made)
        return made

    return decorate if cls is None else decorate(cls)


def _name_of(attribute: str) -> str:
    """Return the field that an attribute stands for."""
    if attribute.endswith("_") and attribute_of(attribute[:-1]) == attribute:
        return attribute[:-1]
    if attribute.startswith("_") and attribute[1:].isdigit():
        return attribute[1:]
    return attribute


def enumeration(repr: Any) -> Callable[[E], E]:
    """Declare an enum whose numbers are stored as an integer type, as Rust's `#[repr(u8)]` enum of the same variants.

        @sv.enumeration(sv.u8)
        class State(enum.IntEnum):
            Open = 0
            Frozen = 7
    """

    def decorate(cls: E) -> E:
        variants = [(_name_of(member.name), int(member)) for member in cls]
        layout = Layout.enumeration(cls.__name__, layout_of(repr).name, variants)
        cls.__shared_layout__ = layout  # type: ignore[attr-defined]
        declare(layout, cls)
        return cls

    return decorate
