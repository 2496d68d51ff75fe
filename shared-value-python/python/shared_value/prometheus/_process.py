"""Which processes exist."""

from __future__ import annotations

import os
from typing import NamedTuple


class Process(NamedTuple):
    """A process, which no other one is ever equal to while the machine runs: process ids are used again."""

    pid: int
    start: int
    """When it started, in ticks since the machine was booted."""
    namespace: int
    """The namespace in which the process id counts."""


_current: Process | None = None


def current() -> Process:
    """Return this process."""
    global _current
    pid = os.getpid()
    if _current is None or _current.pid != pid:
        found = _stat(pid)
        _current = Process(pid, found[0] if found else 0, os.stat("/proc/self/ns/pid").st_ino)
    return _current


def is_gone(process: Process) -> bool:
    """Return whether a process has ended. One of another namespace, of which nothing is known, counts as alive."""
    if process.namespace != current().namespace:
        return False
    found = _stat(process.pid)
    if found is None:
        return True
    start, is_zombie = found
    return is_zombie or start != process.start


def _stat(pid: int) -> tuple[int, bool] | None:
    """Return when a process started, and whether it has ended and only waits for its parent."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name of the program stands in parentheses, and may hold anything.
    fields = text[text.rindex(b")") + 2 :].split()
    state, threads, start = fields[0], int(fields[17]), int(fields[19])
    return start, state in (b"Z", b"X") and threads <= 1
