"""Changes of the keys of an arena."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import pytest
import shared_value as sv


def test_each_change_of_a_key_that_fits_is_reported_once() -> None:
    arena = sv.create_arena(None, 1 << 20)
    arena["jobs.old"] = 1
    changes = arena.changes("jobs.*")
    arena["jobs.new"] = 1
    arena["other"] = 1
    arena["jobs.old"].value += 1
    arena["jobs.old"].value += 1
    found = {changes.next(10), changes.next(10)}
    assert found == {sv.Change("added", "jobs.new"), sv.Change(kind="changed", key="jobs.old")}
    del arena["jobs.new"]
    arena.replace("jobs.old", sv.f64, 0.5)
    assert {tuple(changes.next(10)) for _ in range(2)} == {("removed", "jobs.new"), ("added", "jobs.old")}
    with pytest.raises(TimeoutError):
        changes.next(0.01)
    arena["jobs.third"] = 3
    for change in changes:
        assert (change.kind, change.key) == ("added", "jobs.third")
        break
    everything = arena.changes()
    arena["other"] = 2
    assert everything.next(10).key == "other"


def test_a_wait_lets_other_threads_run_and_another_process_is_seen(name: str) -> None:
    arena = sv.create_arena(name, 1 << 20)
    changes = arena.read_only().changes("a*")
    program = f"import shared_value as sv; sv.open_arena({name!r})['abc'] = 1"
    done: list[int] = []
    timer = threading.Timer(0.05, lambda: done.append(subprocess.run([sys.executable, "-c", program], timeout=60).returncode))
    timer.start()
    assert changes.next(60) == ("added", "abc")
    timer.join(60)
    assert done == [0]


def test_ctrl_c_ends_a_wait_and_no_change_is_lost() -> None:
    arena = sv.create_arena(None, 1 << 20)
    changes = arena.changes()
    begun = time.monotonic()
    timer = threading.Timer(0.1, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        changes.next(60)
    timer.join(60)
    assert time.monotonic() - begun < 30
    arena["hits"] = 1
    assert changes.next(10) == ("added", "hits")


def test_a_second_waiter_of_the_same_changes_gets_an_error() -> None:
    """Without it, one of the two would take away changes that the other waits for."""
    arena = sv.create_arena(None, 1 << 20)
    changes = arena.changes()
    found: list[sv.Change] = []
    thread = threading.Thread(target=lambda: found.append(changes.next(60)))
    thread.start()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            changes.next(0)
        except TimeoutError:
            time.sleep(0.01)
        except RuntimeError as error:
            assert "changes of its own" in str(error)
            break
    else:
        pytest.fail("the other thread does not wait")
    arena["hits"] = 1
    thread.join(60)
    assert found == [("added", "hits")]


def test_changes_are_awaited() -> None:
    arena = sv.create_arena(None, 1 << 20)

    async def main() -> None:
        changes = arena.changes("jobs.*")
        wait = asyncio.create_task(arena.changed(changes))
        await asyncio.sleep(0.05)
        wait.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await wait
        arena["jobs.first"] = 1
        # The wait that was cancelled has lost nothing, although its traceback is still there.
        assert await asyncio.wait_for(arena.changed(changes), 60) == ("added", "jobs.first")
        assert cancelled.value.__traceback__ is not None

        found: list[sv.Change] = []

        async def follow() -> None:
            async for change in arena.follow("jobs.*"):
                found.append(change)
                if len(found) == 2:
                    break

        async def find(count: int) -> None:
            end = time.monotonic() + 60
            while len(found) < count and time.monotonic() < end:
                await asyncio.sleep(0.01)

        follower = asyncio.create_task(follow())
        await asyncio.sleep(0)
        arena["jobs.first"].value += 1
        await find(1)
        del arena["jobs.first"]
        await asyncio.wait_for(follower, 60)
        assert found == [("changed", "jobs.first"), ("removed", "jobs.first")]

    asyncio.run(main())
