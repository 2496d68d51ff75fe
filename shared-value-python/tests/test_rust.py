"""Rust and Python programs share values."""

import re
import subprocess
import sys
from pathlib import Path

import shared_value as sv
from account import START, Account


def test_each_opens_what_the_other_has_created(name: str, rust_account: str) -> None:
    with subprocess.Popen([rust_account, "create", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rust:
        assert rust.stdout and rust.stdout.readline() == "created\n"
        account = sv.open(name, Account)
        assert account.load() == START
        assert account.layout.schema == Account.__shared_layout__.schema  # type: ignore[attr-defined]
        account.balance += 23
        account.requests.add(2)
        shown = subprocess.run([rust_account, "show", name], capture_output=True, text=True, check=True, timeout=60)
        assert shown.stdout == "Account { balance: 123, frozen: false, limits: [10, 20, 30, 40], requests: 2 }\n"
    assert rust.returncode == 0

    account = sv.create(name, Account(5, True, [1, 2, 3, 4]))
    subprocess.run([rust_account, "add", name, "100"], check=True, timeout=60)
    assert account.load() == Account(105, True, [101, 2, 3, 4], requests=100)


def test_a_killed_rust_program_leaves_the_last_commit(name: str, rust_account: str) -> None:
    account = sv.create(name, START)
    with subprocess.Popen([rust_account, "hold", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rust:
        assert rust.stdout and rust.stdout.readline() == "held\n"
        assert account.balance == 100 and account.lock_state.startswith("held by thread")
        rust.kill()
    with account.lock():
        assert account.recovered and account.recoveries == 1
        assert account.balance == 100


def test_the_first_program_of_the_readme_changes_a_rust_struct(name: str, rust_account: str) -> None:
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text()
    program = re.search(r"## A Rust struct from Python.*?```python\n(.*?)```", readme, re.DOTALL)
    assert program and len(program[1].splitlines()) <= 12
    with subprocess.Popen([rust_account, "create", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rust:
        assert rust.stdout and rust.stdout.readline() == "created\n"
        command = [sys.executable, "-c", program[1].replace('"account"', repr(name))]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        expected = {"balance": 50, "frozen": True, "limits": [10, 20, 30, 40], "requests": 1}
        assert done.stdout == f"100 [10, 20, 30, 40]\n{expected}\n"
        shown = subprocess.run([rust_account, "show", name], capture_output=True, text=True, check=True, timeout=60)
        assert shown.stdout == "Account { balance: 50, frozen: true, limits: [10, 20, 30, 40], requests: 1 }\n"
