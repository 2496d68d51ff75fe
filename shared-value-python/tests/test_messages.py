"""Messages of errors: what they tell a program to do is something that Python has."""

import pathlib
from collections.abc import Callable

import pytest
import shared_value as sv


def wait_under_the_lock(value: sv.Scalar) -> None:
    with value.lock():
        value.changes().next(1)


def test_messages_name_functions_of_python(name: str) -> None:
    named, arena, unlocked = sv.create(name, sv.i64, 1), sv.create_arena(None, 1 << 16), sv.new(sv.i64, unlocked=True)
    arena["key"] = 1
    errors: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (FileNotFoundError, "create it first, or let `open` wait", lambda: sv.open(f"{name}-missing")),
        (FileNotFoundError, "create it first, or let `open` wait", lambda: sv.open_arena(pathlib.Path("/missing"))),
        (FileExistsError, "with `exist_ok=True`, `create` opens", lambda: sv.create(name, sv.i64)),
        (FileExistsError, "open it, or remove it first", lambda: arena.insert("key", sv.i64)),
        (ValueError, r"pass a path, as in `pathlib.Path\(", lambda: sv.create("one/other", sv.i64)),
        (ValueError, r"open it by `open\(Token\(", lambda: sv.open(named.token())),
        (FileNotFoundError, "is not of the form that tokens have", lambda: sv.open(sv.Token("text"))),
        (FileNotFoundError, "was passed under the name", lambda: sv.open(sv.Inherited("SHARED_VALUE_MISSING"))),
        (sv.InvalidSegment, "opened by `open_arena`", lambda: sv.open(sv.Token(arena.token()))),
        (sv.LayoutMismatch, "open it by `open`", lambda: sv.open_arena(name)),
        (sv.InvalidSegment, "open it with `unlocked=True`", lambda: sv.open(sv.Token(unlocked.token()))),
        (sv.InvalidSegment, "because of `unlocked=True`", lambda: sv.open(name, unlocked=True)),
        (RuntimeError, "leave the block before waiting", lambda: wait_under_the_lock(named)),
    ]
    for kind, text, use in errors:
        with pytest.raises(kind, match=text) as error:
            use()
        message = str(error.value)
        assert not any(rust in message for rust in ("::", "open_or_create", "guard", "closure", "Unlocked")), message
