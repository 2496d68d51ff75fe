"""Removing the rows of processes that are gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared_value.prometheus._process import Process, is_gone
from shared_value.prometheus._store import LIVE, ROW, Store

Labels = tuple[tuple[str, str], ...]


def bury_gone(store: Store) -> None:
    """Remove the rows of processes that are gone; see `Store.bury`."""
    known: dict[Process, bool] = {}

    def is_known_gone(process: Process) -> bool:
        if process not in known:
            known[process] = is_gone(process)
        return known[process]

    bury(store, is_known_gone)


def bury(store: Store, is_dead: Callable[[Process], bool]) -> None:
    """Remove the rows of these processes."""
    newest: dict[tuple[Any, ...], tuple[int, str]] = {}
    for key in list(store.arena):
        if key[0] != ROW:
            continue
        *series, described = json.loads(store.text(key))
        process, mode = Process(*described), store.metric(series[0])[2]
        if mode != "all":
            if is_dead(process):
                store.bury(key, mode)
            continue
        # These rows stay, except that a process takes the place of an earlier one of the same number.
        place = (series[1], pairs(series[2]), process.pid)
        earlier = newest.get(place)
        newest[place] = max(earlier, (process.start, key)) if earlier else (process.start, key)
        if earlier:
            store.bury(min(earlier, (process.start, key))[1], LIVE)


def pairs(labels: dict[str, str]) -> Labels:
    """Return labels in the order in which samples are compared."""
    return tuple(sorted(labels.items()))
