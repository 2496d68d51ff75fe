"""Processes share an account. One is killed in the middle of a change, and nothing is lost."""

import multiprocessing
import os
import signal
from typing import Annotated

import shared_value as sv


@sv.struct
class Account:
    """An account, as the README of the Rust library declares it."""

    balance: sv.i64
    frozen: sv.bool
    limits: Annotated[list[int], sv.array(sv.u32, 4)]
    requests: sv.Atomic[sv.u64] = 0


def deposit(name: str, times: int) -> None:
    """Add 1 again and again."""
    account = sv.open(name, Account)
    for _ in range(times):
        with account.lock():
            account.balance += 1
        account.requests.add(1)


def die(name: str) -> None:
    """Die while holding the lock, with a change that is not committed."""
    account = sv.open(name, Account)
    with account.lock():
        account.balance = 0
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    name = f"bank.{os.getpid()}"
    account = sv.create(name, Account(100, False, [10, 20, 30, 40]))
    work = [multiprocessing.Process(target=deposit, args=(name, 10_000)) for _ in range(3)]
    work.append(multiprocessing.Process(target=die, args=(name,)))
    for process in work:
        process.start()
    for process in work:
        process.join()
    print(f"{account.balance=}, {account.requests=}, {account.recoveries=}")
    assert account.balance == 100 + 30_000 and account.recoveries == 1
    sv.unlink(name)


if __name__ == "__main__":
    main()
