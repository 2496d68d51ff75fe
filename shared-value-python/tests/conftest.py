"""What the tests share: names that are removed, and the Rust programs beside the package."""

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
    return built("SHARED_VALUE_PYTHON_ACCOUNT", "shared-value-python", ["--example", "account"], "examples/account")


@pytest.fixture(scope="session")
def rust_mirror() -> str:
    """The path of the command `mirror`, which is built first."""
    return built("SHARED_VALUE_PYTHON_MIRROR", "shared-value-mirror", ["--bin", "mirror"], "mirror")


def built(variable: str, package: str, target: list[str], path: str) -> str:
    """Return the path of a Rust program: what the environment names, or else one that is built now."""
    given = os.environ.get(variable)
    if given:
        return given
    subprocess.run(["cargo", "build", "--quiet", "-p", package, *target], cwd=ROOT, check=True, timeout=1800)
    return str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / path)
