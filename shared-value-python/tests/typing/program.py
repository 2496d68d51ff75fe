"""A program that mypy and pyright accept in their strict modes."""

import asyncio
import enum
from typing import Annotated

import shared_value as sv


@sv.enumeration(sv.u8)
class State(enum.IntEnum):
    Open = 0
    Frozen = 7


@sv.struct
class Point:
    x: sv.f64
    y: sv.f64


@sv.struct(evolves=True)
class Account:
    balance: sv.i64
    state: State
    corners: Annotated[list[Point], sv.array(Point, 2)]
    title: Annotated[str, sv.text(16)]
    requests: sv.Atomic[sv.u64] = 0
    hits: sv.Counter[sv.u64] = 0


@sv.struct(lanes=4)
class Server:
    hits: sv.Counter[sv.u64] = 0


def balance_of(record: Account) -> int:
    return record.balance


def main() -> None:
    start = Account(100, State.Open, [Point(0.0, 0.0), Point(1.0, y=1.0)], "mine")
    number: int = start.balance
    account = sv.create("account", start, mode=0o660)
    account.balance += number
    with account.lock(timeout=0.5):
        account.corners[1].x = 2.5
    print(sv.to_dict(start), account.update(balance_of), account.wait_for(bool, 1.0))
    arena = sv.create_arena(None, 1 << 20)
    arena["hits"] = 1

    def pay(tx: sv.Transaction) -> int:
        tx["hits"].value += 1
        tx.insert("receipt", sv.i64, 3)
        return 5

    paid: int = arena.transaction(pay)
    print(paid, arena.snapshot(["hits"]), sv.passing(ACCOUNT=account)["env"])
    try:
        sv.open(sv.Token("text"), Account, read_only=True, wait=1.0)
    except sv.LayoutMismatch as error:
        print(error.expected, error.found, error.name)
    samples = sv.new(sv.array(sv.f32), length=10)
    with samples.view() as view:
        view[:] *= 2

    hits: sv.SharedCounter = sv.new(sv.counter(lanes=4), 3)
    hits.add(2)
    counted: int = hits.get() + hits.reset()
    counter: sv.CounterHandle = sv.new(Server()).hits
    counter.add(counted)
    jobs: sv.Vector = sv.new(sv.vector(sv.u32), [1, 2], capacity=10)
    jobs.append(3)
    jobs[1:] = [4]
    motto: sv.SharedString = sv.new(sv.shared_string, "festina", capacity=100)
    motto += " lente"
    message: sv.SharedBytes = sv.new(sv.shared_bytes, b"x", capacity=100)
    message.value = bytes(message) + motto.value.encode()
    print(jobs.pop(), len(jobs), str(motto), message.pop())

    change: sv.Change = arena.changes("h*").next(timeout=1.0)
    kind, key = change
    print(change.key, f"{kind}: {key}", [change.kind for change in arena.changes()])

    async def follow() -> None:
        print((await arena.changed()).key)
        async for change in arena.follow("jobs.*"):
            print(change.kind)
        async for record in account.follow():
            print(record)

    asyncio.run(follow())


if __name__ == "__main__":
    main()
