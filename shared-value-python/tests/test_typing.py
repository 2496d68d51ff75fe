"""Type checkers accept the package, and programs that use it, in their strict modes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import shared_value
from shared_value import _core

HERE = Path(__file__).resolve().parent


def check(*arguments: str) -> None:
    """Run a type checker where the package lies beside it."""
    env = dict(os.environ, MYPYPATH=str(HERE.parent / "python"))
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=HERE.parent, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_accepts_the_package_and_a_program(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    check("mypy", "--strict", "--cache-dir", str(tmp_path), "-p", "shared_value")
    check("mypy", "--strict", "--cache-dir", str(tmp_path), "tests/typing/program.py")


def test_pyright_accepts_a_program() -> None:
    pytest.importorskip("pyright")
    check("pyright", "--pythonpath", sys.executable)


def test_the_stubs_name_what_is_there() -> None:
    """A stub for something that is gone, or none for something new, would mislead users."""
    stubs = ast.parse((HERE.parent / "python" / "shared_value" / "_core.pyi").read_text())
    classes = {node.name: node for node in stubs.body if isinstance(node, ast.ClassDef) and node.name != "_Wait"}
    functions = {node.name for node in stubs.body if isinstance(node, ast.FunctionDef)}
    public = {name for name in dir(_core) if not name.startswith("__")}
    assert functions | set(classes) == public
    for name, node in classes.items():
        stubbed = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
        # `multiprocessing` itself calls some methods with an underscore.
        found = {part for part in vars(getattr(_core, name)) if not part.startswith("_")}
        assert {part for part in stubbed if not part.startswith("_")} == found, name


def test_all_public_names_have_docstrings() -> None:
    for name in shared_value.__all__:
        found = getattr(shared_value, name)
        if isinstance(found, type) or callable(found):
            assert found.__doc__, name
