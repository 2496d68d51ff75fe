"""Reading the metrics of all processes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import CollectorRegistry
from prometheus_client.utils import floatToGoString

from shared_value._arena import Arena
from shared_value.prometheus._burial import Labels, bury, bury_gone, pairs
from shared_value.prometheus._process import Process, is_gone
from shared_value.prometheus._store import LEFT, LIVE, ROW, SAMPLE, Store, join
from shared_value.prometheus._values import installed

Samples = dict[tuple[str, Labels], float]
# How often a collection begins again, because rows went meanwhile.
ATTEMPTS = 10


class Collector:
    """Collects the metrics of all processes: in place of `prometheus_client.multiprocess.MultiProcessCollector`.

        registry = CollectorRegistry()
        Collector(registry)
        text = generate_latest(registry)

    Without an arena, it collects from that of `install()`. It can be kept and used again. A read-only arena can be collected too, by a
    program that only exports.
    """

    def __init__(self, registry: CollectorRegistry | None = None, arena: Arena | None = None) -> None:
        self._store = installed() if arena is None else Store(arena)
        self._known: dict[str, tuple[list[Any], Any]] = {}
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, with the samples of all processes."""
        if not self._store.arena.is_read_only:
            bury_gone(self._store)
        # A row that another process buries while this goes on might be counted twice, or not at all.
        for _ in range(ATTEMPTS):
            keys = self._keys()
            families = self._families(keys)
            if [key for key in keys if key[0] != SAMPLE] == [key for key in self._keys() if key[0] != SAMPLE]:
                break
        return [family.metric() for family in families.values()]

    def _keys(self) -> list[str]:
        return sorted(key for key in self._store.arena if key[0] in (SAMPLE, ROW, LEFT))

    def _families(self, keys: list[str]) -> dict[str, Family]:
        families: dict[str, Family] = {}
        for letter, described, handle in self._values(keys):
            metric, name, labels, *process = described
            family = families.get(metric)
            if family is None:
                family = families[metric] = Family(metric, *self._store.metric(metric))
            timestamp = handle.timestamp
            value = handle.value
            if letter == SAMPLE:
                family.samples[(name, pairs(labels))] = float(value)
            else:
                family.add_row(name, labels, Process(*process[0]) if process else None, (float(value), float(timestamp)))
        return families

    def _values(self, keys: list[str]) -> Iterable[tuple[str, list[Any], Any]]:
        """List letter, description and handle of each key."""
        known, self._known = self._known, {}
        for key in keys:
            found = known.get(key)
            if found is None:
                handle = self._store.arena._get(key)
                if handle is None:
                    continue
                found = json.loads(self._store.text(key)), handle
            self._known[key] = found
            yield key[0], *found


class Family:
    """A metric with the samples of all processes."""

    def __init__(self, name: str, typ: str, help_text: str, mode: str) -> None:
        self.name = name
        self.typ = typ
        self.help_text = help_text
        self.mode = mode
        self.samples: Samples = {}
        self._rows: dict[tuple[str, Labels], tuple[float, float]] = {}
        self._starts: dict[tuple[str, Labels], int] = {}

    def add_row(self, name: str, labels: dict[str, str], process: Process | None, row: tuple[float, float]) -> None:
        """Add the row of a process to a gauge, or what dead processes have left."""
        if self.mode.startswith(LIVE) and process is not None and is_gone(process):
            return
        if self.mode in ("all", "liveall"):
            if process is None:
                return
            key = name, pairs(labels) + (("pid", str(process.pid)),)
            # Of two processes that had this number, one after the other, the last one counts.
            if process.start >= self._starts.get(key, 0):
                self._starts[key] = process.start
                self._rows[key] = row
            return
        key = name, pairs(labels)
        self._rows[key] = join(self.mode, self._rows[key], row) if key in self._rows else row

    def metric(self) -> Metric:
        """Return the metric as `prometheus_client` exports it."""
        made = Metric(self.name, self.help_text, self.typ)
        for (name, labels), (value, timestamp) in self._rows.items():
            # As in `prometheus_client`, a gauge that nobody has set has no most recent value.
            if not self.mode.endswith("mostrecent") or timestamp > 0:
                self.samples[(name, labels)] = value
        samples = self._accumulated() if self.typ == "histogram" else self.samples
        for (name, labels), value in samples.items():
            made.add_sample(name, dict(labels), value)
        return made

    def _accumulated(self) -> Samples:
        """Return the samples of a histogram: each bucket with those below it, and the count, for the labels together."""
        buckets: dict[Labels, dict[float, float]] = {}
        others: Samples = {}
        for (name, labels), value in self.samples.items():
            bound = dict(labels).get("le")
            if bound is None:
                others[(name, labels)] = value
            else:
                without = tuple(pair for pair in labels if pair[0] != "le")
                buckets.setdefault(without, {})[float(bound)] = value
        made: Samples = {}
        for labels, values in buckets.items():
            total = 0.0
            for number, value in sorted(values.items()):
                total += value
                bound_text: str = floatToGoString(number)  # type: ignore[no-untyped-call]
                made[(f"{self.name}_bucket", (*labels, ("le", bound_text)))] = total
            made[(f"{self.name}_count", labels)] = total
            made[(f"{self.name}_sum", labels)] = others.get((f"{self.name}_sum", labels), 0.0)
        return made


def mark_process_dead(pid: int, arena: Arena | None = None) -> None:
    """Remove the rows of a process that has ended, as `prometheus_client.multiprocess.mark_process_dead` does.

    It is needed only for a process whose process id this process cannot see, because it was in another namespace. All others are
    found to be gone by themselves.
    """
    bury(installed() if arena is None else Store(arena), lambda process: process.pid == pid)
