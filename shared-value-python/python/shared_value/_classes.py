"""Makes the classes that stand for layouts. The extension module calls this, once for each layout."""

from __future__ import annotations

from shared_value._core import Layout, add_fields
from shared_value._handles import Array, Handle, Scalar, Struct, Vector
from shared_value._records import enum_class, record_class

__all__ = ["enum_class", "handle_class", "record_class"]

_BASES: dict[str, type[Handle]] = {"struct": Struct, "array": Array, "slice": Array, "vector": Vector}


def handle_class(layout: Layout) -> type[Handle]:
    """Make the class of the handles of a layout."""
    base = _BASES.get(layout.kind, Scalar)
    name = layout.name if layout.kind == "struct" and layout.name.isidentifier() else base.__name__
    made = type(name, (base,), {"__slots__": (), "__module__": "shared_value", "__doc__": _doc(layout)})
    if base in (Struct, Scalar):
        add_fields(made, layout)
    return made


def _doc(layout: Layout) -> str:
    lines = [f"A handle of a {layout.type_text} in shared memory."]
    if layout.fields:
        lines.append("")
    for name, offset, part, is_atomic in layout.fields:
        lines.append(f"    {name}: {'atomic ' if is_atomic else ''}{part.type_text}, at byte {offset}")
    return "\n".join(lines)
