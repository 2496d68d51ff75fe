"""CPython's own tests of values and locks, unmodified, with each start method. See `conformance.py`."""

import pathlib
import re
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("conformance.py")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_tests_of_this_interpreter_pass(method: str) -> None:
    pytest.importorskip("test._test_multiprocessing", reason="this Python comes without its tests")
    ran = subprocess.run(
        [sys.executable, SCRIPT, method], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    count = re.search(r"^Ran (\d+) tests", ran.stderr, re.MULTILINE)
    assert count and int(count[1]) >= 25, "fewer tests than Python 3.11 has: are they found?"
    assert "skipped" not in ran.stderr
