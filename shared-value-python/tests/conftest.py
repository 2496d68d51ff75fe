"""What the tests share: names that are removed, and the Rust program beside the package."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import shared_value as sv

_numbers = itertools.count()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def name() -> Iterator[str]:
    """A name that no other test has, removed at the end."""
    name = f"shared-value-pytest-{os.getpid()}-{next(_numbers)}"
    yield name
    if name in sv.names():
        sv.unlink(name)


@pytest.fixture(scope="session")
def rust_account() -> str:
    """The path of the Rust program `account`, which is built first."""
    built = os.environ.get("SHARED_VALUE_PYTHON_ACCOUNT")
    if built:
        return built
    command = ["cargo", "build", "--quiet", "-p", "shared-value-python", "--example", "account"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "debug" / "examples" / "account")
