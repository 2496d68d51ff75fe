"""The values of metrics."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import prometheus_client.values

from shared_value._arena import Arena, create_arena
from shared_value.prometheus._burial import bury_gone
from shared_value.prometheus._process import current
from shared_value.prometheus._store import MOST_RECENT, Store, location_of

_installed: Store | None = None


def install(
    location: str | os.PathLike[str] | None = None, *, capacity: int = 1 << 28, mode: int = 0o600, arena: Arena | None = None
) -> Arena:
    """Let all metrics that are made from now on lie in an arena, and return the arena.

    Call it before the first metric is made, because those that exist keep their values.

    Without a location, the arena has no name: this process and the workers that it forks share it, and it is gone when the last of
    them is. With a name or a path, the processes that give the same one share an arena, which stays until it is unlinked.
    `capacity` is address space in bytes; memory is taken as series are added, about 200 bytes for each. Or give an `arena` that
    there is already.

    A metric in a full arena raises `ArenaFull` when it is made, or when new labels are used.
    """
    global _installed
    if arena is None:
        place = location_of(location)
        arena = create_arena(place, capacity, mode=mode, exist_ok=place is not None)
    _installed = Store(arena)
    prometheus_client.values.ValueClass = _value_class(_installed)
    return arena


def installed() -> Store:
    """Return the store of the installed arena."""
    if _installed is None:
        raise ValueError("no arena for metrics: call shared_value.prometheus.install() first, or give an arena")
    return _installed


def _value_class(store: Store) -> Any:
    """Return the function that `prometheus_client` calls for the value of each sample."""

    def value(
        typ: str,
        metric_name: str,
        name: str,
        labelnames: Any,
        labelvalues: Any,
        help_text: str,
        multiprocess_mode: str = "",
        **_: Any,
    ) -> Value | GaugeValue:
        store.declare(metric_name, typ, help_text, multiprocess_mode)
        series = [metric_name, name, dict(zip(labelnames, labelvalues, strict=False))]
        return GaugeValue(store, series, multiprocess_mode) if typ == "gauge" else Value(store, series)

    return value


class Value:
    """The value of a sample that all processes add to."""

    __slots__ = ("inc", "get", "_cell")

    inc: Callable[[float], Any]
    """Add, by one atomic addition."""
    get: Callable[[], float]
    """Return the sum of all processes."""

    def __init__(self, store: Store, series: list[Any]) -> None:
        self._cell = store.sample(series).value
        # The functions themselves, so that an addition costs one call.
        self.inc = self._cell.add
        self.get = self._cell.load

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set the sum, for all processes: what `Counter.reset()` calls."""
        self._cell.store(value)

    def set_exemplar(self, exemplar: Any) -> None:
        """Do nothing: `prometheus_client` has no exemplars in its multiprocess mode."""

    def get_exemplar(self) -> None:
        """Return `None`: `prometheus_client` has no exemplars in its multiprocess mode."""


class GaugeValue:
    """The value of a gauge: a row that this process writes."""

    __slots__ = ("_store", "_series", "_mode", "_pid", "_row")

    def __init__(self, store: Store, series: list[Any], mode: str) -> None:
        self._store = store
        self._series = series
        self._mode = mode
        self._pid = 0
        self._row: Any = None
        self._of_this_process()

    def _of_this_process(self) -> Any:
        """Return the row of this process. A forked child begins one of its own."""
        pid = os.getpid()
        if pid != self._pid:
            _bury_once(self._store)
            self._row = self._store.row(self._series, current())
            self._pid = pid
        return self._row

    def inc(self, amount: float) -> None:
        """Add, by one atomic addition."""
        self._of_this_process().value.add(amount)

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Set the value of this process."""
        row = self._of_this_process()
        row.value.store(value)
        if timestamp is not None and self._mode.endswith(MOST_RECENT):
            row.timestamp.store(timestamp)

    def get(self) -> float:
        """Return the value of this process."""
        value: float = self._of_this_process().value.load()
        return value

    def set_exemplar(self, exemplar: Any) -> None:
        """Do nothing: gauges have no exemplars."""

    def get_exemplar(self) -> None:
        """Return `None`: gauges have no exemplars."""


_buried_by = 0


def _bury_once(store: Store) -> None:
    """Remove the rows of processes that are gone, when a process makes its first row: even if nobody collects, they do not pile up."""
    global _buried_by
    if _buried_by != os.getpid():
        _buried_by = os.getpid()
        bury_gone(store)
