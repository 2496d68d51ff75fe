"""Makes the classes that stand for layouts. The extension module calls this, once for each layout."""

from __future__ import annotations

from shared_value._core import Layout, add_fields, add_methods
from shared_value._handles import Array, Handle, Scalar, SharedCounter, Struct
from shared_value._vectors import SharedBytes, SharedString, Vector
from shared_value._records import enum_class, record_class

__all__ = ["enum_class", "handle_class", "record_class"]

_BASES: dict[str, type[Handle]] = {
    "struct": Struct, "array": Array, "slice": Array, "vector": Vector, "shared_string": SharedString, "shared_bytes": SharedBytes,
}


def handle_class(layout: Layout) -> type[Handle]:
    """Make the class of the handles of a layout."""
    base = SharedCounter if _is_counter(layout) else _BASES.get(layout.kind, Scalar)
    name = layout.name if base is Struct and layout.name.isidentifier() else base.__name__
    made = type(name, (base,), {"__slots__": (), "__module__": "shared_value", "__doc__": _doc(layout)})
    add_methods(made, layout)
    if base in (Struct, SharedCounter, Scalar):
        add_fields(made, layout)
    return made


def _is_counter(layout: Layout) -> bool:
    """Return whether the value is one counter, as Rust's `SharedCounter` is."""
    fields = layout.fields
    return layout.name == "Counter" and len(fields) == 1 and fields[0][0] == "total" and fields[0][3] == "counter"


def _doc(layout: Layout) -> str:
    lines = [f"A handle of a {layout.type_text} in shared memory."]
    if layout.fields:
        lines.append("")
    for name, offset, part, role in layout.fields:
        lines.append(f"    {name}: {'' if role == 'plain' else role + ' '}{part.type_text}, at byte {offset}")
    return "\n".join(lines)
