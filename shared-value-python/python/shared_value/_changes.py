"""Changes: which key of an arena, and waiting for changes in async code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import asyncio

    from shared_value._core import _Wait


class Change(NamedTuple):
    """What has happened to a key of an arena. Returned by the changes of `Arena.changes()`."""

    kind: Literal["added", "changed", "removed"]
    """What has happened: a value was added or has replaced another one, a value was committed, or there is none any more."""
    key: str
    """The key."""


async def found_by(wait: _Wait) -> Any:
    """Wait without blocking the thread, and return what the wait has found."""
    # Not before it is needed: in a program without it, blocks have less to compare.
    import asyncio

    loop = asyncio.get_running_loop()
    try:
        while True:
            found = wait.poll()
            if found is not None:
                return found[0]
            ready: asyncio.Future[None] = loop.create_future()
            loop.add_reader(wait.fileno(), _set, ready)
            try:
                await ready
            finally:
                loop.remove_reader(wait.fileno())
    finally:
        # The traceback of a task that was cancelled may keep the wait for longer.
        wait.close()


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
