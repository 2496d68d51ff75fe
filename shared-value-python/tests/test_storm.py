"""A Rust and Python programs that change one struct at once, and are killed at random moments."""

import os
import random
import subprocess
import sys
import textwrap
import time

import shared_value as sv
from account import START

PYTHON = textwrap.dedent("""
    import sys
    import shared_value as sv
    account = sv.open(sys.argv[1])
    while True:
        with account.lock():
            account.balance += 1
            account.limits[0] = (account.limits[0] + 1) % (1 << 32)
        account.requests.add(1)
""")


def test_programs_of_both_languages_are_killed_and_no_change_is_seen_in_part(name: str, rust_account: str) -> None:
    seconds = float(os.environ.get("SHARED_VALUE_STORM_SECONDS", "3"))
    account = sv.create(name, START)
    commands = [[rust_account, "add", name, "1000000000"], [sys.executable, "-c", PYTHON, name]]
    randomness = random.Random(1)
    running = [(command, subprocess.Popen(command)) for command in commands * 2]
    kills, reads, end = 0, 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            deadline = time.monotonic() + randomness.uniform(0.02, 0.2)
            while time.monotonic() < deadline:
                record = account.load()
                assert record.balance - 100 == record.limits[0] - 10, record
                reads += 1
            index = randomness.randrange(len(running))
            command, process = running[index]
            process.kill()
            process.wait()
            kills += 1
            running[index] = (command, subprocess.Popen(command))
    finally:
        for _, process in running:
            process.kill()
            process.wait()
    with account.lock(60):
        record = account.load()
    assert record.balance - 100 == record.limits[0] - 10
    assert kills > 3 and reads > 100 and record.balance > 1000
    print(f"{kills} kills, {account.recoveries} in the middle of a change, {record.balance - 100} changes, {reads} reads")
