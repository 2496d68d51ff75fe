"""Python programs on both machines: one writes a value, and the other reads its replica."""

import socket
import subprocess
import time
from collections.abc import Iterator

import pytest
import shared_value as sv
from account import START, Account


@pytest.fixture
def replica(name: str, rust_mirror: str) -> Iterator[str]:
    """The name of a replica of the value `name`: both commands of the mirror run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"tcp/127.0.0.1:{free.getsockname()[1]}"
    publish = subprocess.Popen([rust_mirror, "publish", name, "--listen", endpoint])
    follow = subprocess.Popen([rust_mirror, "follow", name, "--connect", endpoint, "--prefix", "r-"])
    try:
        yield f"r-{name}"
    finally:
        for process in (follow, publish):
            process.kill()
            process.wait(60)
        subprocess.run([rust_mirror, "remove", f"r-{name}"], check=True, timeout=60)


def test_a_replica_is_an_ordinary_value(name: str, replica: str) -> None:
    account = sv.create(name, START)
    copy = sv.open(replica, Account, read_only=True, wait=60)
    assert copy.load() == START
    account.balance = 123
    assert copy.wait_for(lambda record: record.balance == 123, 60).limits == [10, 20, 30, 40]
    # Without the class, by the schema.
    assert sv.open(replica, read_only=True).balance == 123
    with pytest.raises(sv.LayoutMismatch):
        sv.open(replica, sv.u64, read_only=True)

    status = sv.open(f"{replica}.mirror", read_only=True)
    shown = status.wait_for(lambda status: status.version == account.version, 60)
    assert shown.is_reachable and shown.refused == 0 and shown.applied >= 1


def test_the_values_of_an_arena_have_replicas(name: str, replica: str) -> None:
    arena = sv.create_arena(name, 1 << 20)
    arena.insert("first", START)
    copy = sv.open_arena(replica, read_only=True, wait=60)
    deadline = time.monotonic() + 60
    while "first" not in copy:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert copy["first"].balance == 100
    arena["first"].balance = 5
    copy["first"].wait_for(lambda record: record.balance == 5, 60)
