"""The arena in which metrics lie.

Each value has a key, whose first letter says what it is, and whose rest is JSON:

    M name                               a metric: its type, its help text, and how a gauge counts processes
    S [metric, name, labels]             a sample that all processes add to
    G [metric, name, labels, process]    a row of a gauge, which one process writes
    F [metric, name, labels]             what the processes that are gone have left of a gauge
    D hash                               the text of a key that is too long for the arena, and is a hash there
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from shared_value._arena import Arena, Transaction
from shared_value._layouts import Atomic, f64, text
from shared_value._records import struct
from shared_value.prometheus._process import Process

METRIC, SAMPLE, ROW, LEFT, TEXT = "MSGFD"
LIVE = "live"
MOST_RECENT = "mostrecent"
# The greatest length of a key of an arena, in bytes, without the letter.
LONGEST = 254


@struct(name="PrometheusSample")
class Sample:
    """A sample, or the row of a gauge."""

    value: Atomic[f64] = 0.0
    timestamp: Atomic[f64] = 0.0
    """When a gauge was set, in seconds since 1970; 0 if that does not matter."""


@struct(name="PrometheusLeft")
class Left:
    """What dead processes have left of a gauge."""

    value: f64
    timestamp: f64


class Store:
    """The metrics in an arena."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self._texts: dict[str, str] = {}
        self._metrics: dict[str, list[str]] = {}

    def declare(self, metric: str, typ: str, help_text: str, mode: str) -> None:
        """Note what a metric is. `ValueError` if another process has made a metric of this name that is another one."""
        declared = json.dumps([typ, help_text, mode])
        key = self.key(METRIC, metric)
        found = self.insert(key, text(len(declared.encode())), declared).value
        if json.loads(found)[::2] != [typ, mode]:
            raise ValueError(f"the metric {metric} is a {typ} {mode}".rstrip() + f", and another process has made it as {found}")

    def metric(self, name: str) -> list[str]:
        """Return type, help text and mode of a metric."""
        found = self._metrics.get(name)
        if found is None:
            found = self._metrics[name] = json.loads(self.arena[self.key(METRIC, name)].value)
        return found

    def sample(self, series: list[Any]) -> Any:
        """Return the sample of a series, which is made if it is new."""
        return self.insert(self.key(SAMPLE, _json(series)), Sample())

    def row(self, series: list[Any], process: Process) -> Any:
        """Return the row of a gauge that a process writes."""
        return self.insert(self.key(ROW, _json([*series, list(process)])), Sample())

    def insert(self, key: str, value: Any, initial: Any = None) -> Any:
        """Return the value of a key, which is added if it is missing. Other processes may do the same."""
        while True:
            found = self.arena._get(key)
            if found is not None:
                return found
            try:
                return self.arena.insert(key, value, initial)
            except FileExistsError:
                pass

    def key(self, letter: str, name: str) -> str:
        """Return the key for a text. One that is too long is kept as a value, so that a hash can be the key."""
        encoded = name.encode()
        if len(encoded) <= LONGEST:
            return letter + name
        digest = hashlib.sha256(encoded).hexdigest()
        # First the text: a process that is killed before the value is there leaves nothing that could not be read.
        self.insert(TEXT + digest, text(len(encoded)), name)
        return f"{letter}#{digest}"

    def text(self, key: str) -> str:
        """Return the text that a key stands for."""
        if not key.startswith("#", 1):
            return key[1:]
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self.arena[TEXT + key[2:]].value
        return found

    def bury(self, key: str, mode: str) -> None:
        """Remove the row of a process that is gone. What counts longer than the process joins what other processes have left.

        Both happen in one commit: whoever is killed here has done both or neither.
        """
        *series, _ = json.loads(self.text(key))
        left = self.key(LEFT, _json(series))

        def move(tx: Transaction) -> None:
            if key not in tx:
                return
            row = tx[key].load()
            if not mode.startswith(LIVE):
                if left in tx:
                    whole = tx[left]
                    joined = join(mode, (whole.value, whole.timestamp), (row.value, row.timestamp))
                    whole.value, whole.timestamp = joined
                else:
                    tx.insert(left, Left(row.value, row.timestamp))
            tx.remove(key)

        self.arena.transaction(move)


def join(mode: str, one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return value and timestamp of two rows of a gauge together."""
    mode = mode.removeprefix(LIVE)
    if mode == "sum":
        return one[0] + other[0], 0.0
    if mode == "min":
        return min(one, other)
    if mode == "max":
        return max(one, other)
    return other if other[1] > one[1] else one


def _json(series: list[Any]) -> str:
    return json.dumps(series, sort_keys=True, separators=(",", ":"))


def location_of(location: str | os.PathLike[str] | None) -> str | os.PathLike[str] | None:
    """Return the place of an arena, with a clear error for what is none."""
    if location is None or isinstance(location, (str, os.PathLike)):
        return location
    raise TypeError(f"expected a name, a path or None, found {type(location).__name__}")
