"""Arenas: mappings from keys to values in one segment."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, ItemsView, Iterator, MutableMapping, ValuesView
from typing import Any, TypeVar

from shared_value import _core
from shared_value._changes import Change, found_by
from shared_value._core import ArenaChanges, Layout, Token
from shared_value._layouts import f64, i64, layout_of
from shared_value._layouts import bool as shared_bool
from shared_value._open import Source, _initial
from shared_value._vectors import Growing

R = TypeVar("R")
V = TypeVar("V", bound=_core.Value)


class Arena(_core.ArenaBase, MutableMapping[str, Any]):
    """A mapping from keys to values in one segment, for any number of values.

        arena = sv.create_arena("metrics", 1 << 30)     # address space; memory is taken as values are added
        arena["hits"] = 0                               # an i64, unless the key has a value that can hold it
        arena.insert("latency", sv.array(sv.f64), length=100)
        arena["hits"].add(1)                            # the handle of the value
        del arena["hits"]

    An assignment to a key that has a value sets that value, as `set` does: its atomic fields and counters stay as they are. Each
    value has a lock and a version of its own. A process that is killed at any moment leaves each value whole.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        found = self._get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: Any) -> None:
        found, is_new = self._get_or_add(key, value)
        # `arena["jobs"] += [3]` stores the handle that it has read and changed.
        if not (is_new or (isinstance(value, _core.Value) and found._is_same(value))):
            found.set(value.load() if isinstance(value, _core.Value) else value)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the handle of a key; if there is no such key, first add it with the default value."""
        return self._get_or_add(key, default)[0]

    def _get_or_add(self, key: str, value: Any) -> tuple[Any, bool]:
        """Return the handle of a key, which is added if it is missing, and whether this call has added it."""
        while True:
            found = self._get(key)
            if found is not None:
                return found, False
            try:
                return self._add(key, value), True
            except FileExistsError:
                # Another thread or process was faster.
                pass

    def _add(self, key: str, value: Any) -> Any:
        if isinstance(value, _core.Value):
            return self.insert(key, value, capacity=value.capacity if isinstance(value, Growing) else None)
        layout, first, data = _initial(_typed(value), value)
        return self._insert(key, layout, first, data=data)

    def insert(
        self, key: str, value: Any, initial: Any = None, *, length: int | None = None, capacity: int | None = None
    ) -> Any:
        """Add a value under a new key, and return its handle. The arguments are those of `create`."""
        layout, first, data = _initial(value, initial)
        layout = layout if length is None else _slice(layout)
        return self._insert(key, layout, first, length=length, capacity=capacity, data=data)

    def replace(
        self, key: str, value: Any, initial: Any = None, *, length: int | None = None, capacity: int | None = None
    ) -> Any:
        """Put a new value under a key, which may be of another type. Handles of the value before keep that one."""
        layout, first, data = _initial(value, initial)
        layout = layout if length is None else _slice(layout)
        return self._insert(key, layout, first, length=length, capacity=capacity, data=data, replace=True)

    def __delitem__(self, key: str) -> None:
        if not self._remove(key):
            raise KeyError(key)

    def pop(self, key: str, *default: Any) -> Any:
        """Remove a key, and return the handle of its value. If several processes pop a key at once, one of them gets the value."""
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        found = self._take(key)
        if found is not None:
            return found
        if default:
            return default[0]
        raise KeyError(key)

    def popitem(self) -> tuple[str, Any]:
        """Remove some key, and return it and the handle of its value. `KeyError` if the arena has no keys."""
        for key in self:
            found = self._take(key)
            if found is not None:
                return key, found
        raise KeyError("popitem(): the arena has no keys")

    def clear(self) -> None:
        """Remove all keys that are there when the call begins."""
        for key in self:
            self._remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def items(self) -> ItemsView[str, Any]:
        """Return a view of the keys and their handles. Keys that another process removes meanwhile are left out."""
        return _Items(self)

    def values(self) -> ValuesView[Any]:
        """Return a view of the handles. Those of keys that another process removes meanwhile are left out."""
        return _Values(self)

    def _entries(self) -> Iterator[tuple[str, Any]]:
        for key in self:
            value = self._get(key)
            if value is not None:
                yield key, value

    def transaction(self, change: Callable[[Transaction], R]) -> R:
        """Let a function change several values in one commit, and return what it returns.

            def pay(tx):
                tx["from"].value -= 3
                tx["to"].value += 3
                tx.insert("receipt", sv.i64, 3)

            arena.transaction(pay)

        `tx[key]` locks a value and returns its handle. All changes take effect at once when the function has returned; an
        exception discards them. If two transactions would wait for each other, or if others have added or removed a key that the
        function has asked for, it begins again: its function is called once more, so it must not do anything else that cannot be
        repeated. It adds and removes keys by `tx` and not by the arena, or it would begin again each time.
        """
        return _core.run_transaction(self, lambda tx: change(Transaction(tx)))

    async def changed(self, changes: ArenaChanges | None = None) -> Change:
        """Wait for the next change of a key without blocking the thread, and return it.

        Without `changes`, those of all keys from now on. To miss none between two calls, give the result of `arena.changes()`.
        """
        found: Change = await found_by((changes or self.changes())._begin())
        return found

    async def follow(self, pattern: str = "*") -> AsyncIterator[Change]:
        """Iterate over the changes of `changes(pattern)` in async code: `async for change in arena.follow("jobs.*")`.

        They count from the first step of the iteration on.
        """
        changes = self.changes(pattern)
        while True:
            yield await self.changed(changes)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as a token: another process of this user can open the arena while this one has it open."""
        return _open_token, (self.token(), self.is_read_only)

    def __repr__(self) -> str:
        return f"<Arena {self.segment_name}: {len(self)} values, {self.used} of {self.capacity} bytes>"

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class _Items(ItemsView[str, Any]):
    def __init__(self, arena: Arena) -> None:
        super().__init__(arena)
        self._arena = arena

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._arena._entries()


class _Values(ValuesView[Any]):
    def __init__(self, arena: Arena) -> None:
        super().__init__(arena)
        self._arena = arena

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._arena._entries())


class Transaction:
    """A transaction in progress: the argument of the function that `Arena.transaction` calls. It ends with that function."""

    __slots__ = ("_tx",)

    def __init__(self, tx: _core.Transaction) -> None:
        self._tx = tx

    def __getitem__(self, key: str) -> Any:
        """Lock the value of a key, and return its handle."""
        return self._tx[key]

    def __contains__(self, key: str) -> bool:
        return key in self._tx

    def lock(self, handle: V) -> V:
        """Lock the value of a handle of this arena, and return the handle. It may be removed: `tx[key]` locks the one of a key."""
        return self._tx.lock(handle)

    def remove(self, key: str) -> bool:
        """Remove a key; return whether there was one."""
        return self._tx.remove(key)

    def insert(
        self, key: str, value: Any, initial: Any = None, *, length: int | None = None, capacity: int | None = None
    ) -> Any:
        """Add a value under a new key, and return its handle. The arguments are those of `create`."""
        layout, first, data = _initial(value, initial)
        layout = layout if length is None else _slice(layout)
        return self._tx._insert(key, layout, first, length=length, capacity=capacity, data=data)

    def replace(
        self, key: str, value: Any, initial: Any = None, *, length: int | None = None, capacity: int | None = None
    ) -> Any:
        """Put a new value under a key, which may be of another type."""
        layout, first, data = _initial(value, initial)
        layout = layout if length is None else _slice(layout)
        return self._tx._insert(key, layout, first, length=length, capacity=capacity, data=data, replace=True)


def _slice(layout: Layout) -> Layout:
    return layout if layout.kind == "slice" else layout.array(None)


def _typed(value: Any) -> Any:
    """Return a type for a plain number."""
    for plain, kind in ((bool, shared_bool), (int, i64), (float, f64)):
        if type(value) is plain:
            return layout_of(kind)
    return value


def _open_token(text: str, read_only: bool) -> Any:
    return _core.open_arena(Token(text), read_only=read_only)


def create_arena(
    location: str | os.PathLike[str] | None, capacity: int, *, mode: int = 0o600, exist_ok: bool = False,
    unlink_on_drop: bool = False
) -> Arena:
    """Create an arena under a new name, in a new file, or with `None` without either. With `exist_ok`, open an existing one."""
    made: Arena = _core.create_arena(location, capacity, mode=mode, exist_ok=exist_ok, unlink_on_drop=unlink_on_drop)
    return made


def open_arena(source: Source, *, read_only: bool = False, wait: float | None = None) -> Arena:
    """Open an arena. The arguments are those of `open`."""
    found: Arena = _core.open_arena(source, read_only=read_only, wait=wait)
    return found


def passing(**values: Any) -> dict[str, Any]:
    """Return the arguments for `subprocess` that pass values and arenas to a program under these names.

        subprocess.Popen(["worker"], **sv.passing(ACCOUNT=account, METRICS=arena))

    The program opens them by `Inherited("ACCOUNT")`, or in Rust by `Source::inherited("ACCOUNT")`. Other programs get neither.
    Keep the handles until the program has started.
    """
    env = dict(os.environ)
    for name, value in values.items():
        env[name] = value._entry()
    return {"env": env, "pass_fds": tuple(value.fileno() for value in values.values())}
