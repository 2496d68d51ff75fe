"""Compares this package with `multiprocessing` and, where it is installed, with `sharedbox`: all in one run, turn by turn.

    python compare.py [--rounds 40] [--results FILE] [--chart FILE] [PYTHON ..]

Each interpreter needs this package, numpy and sharedbox. Without interpreters, the one that runs this is measured. In each round, each
contestant of each operation gets a turn of 10 ms, after two calls that are not counted: memory that was not used for a while is slow
at first, most of all on a virtual machine. A ratio is the median over the rounds of ours divided by theirs in that round, so a
machine that slows down slows down both. Time is that of the processor, of this thread, without the time of an empty loop. A run with 40
rounds takes about 30 seconds for each interpreter. It prints the tables of docs/python.md.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import timeit
from pathlib import Path
from typing import Any, NamedTuple

import chart

TURN = 0.01
ELEMENTS = 1_000_000


class Budget(NamedTuple):
    """The greatest ratio that the project wants, for Python 3.11 and for newer ones."""

    old: float
    new: float


class Operation(NamedTuple):
    """An operation: its name, the statements of the contestants, and the budget. The first statement is ours."""

    name: str
    ours: str
    peers: dict[str, str]
    budget: Budget | None = None


MP, BOX, NUMPY = "multiprocessing", "sharedbox", "numpy.copyto"
# Beside a program that may run tasks: then a block also looks which task runs. sharedbox imports asyncio too.
ASYNCIO = "multiprocessing, with asyncio"

OPERATIONS = [
    Operation("read an attribute", "account.balance", {MP: "value.value", BOX: "record.balance"}, Budget(0.35, 0.5)),
    Operation("write an attribute", "account.balance = 5", {MP: "value.value = 5", BOX: "record.balance = 5"}),
    Operation(
        "add 1, and lose no addition", "balance.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}, Budget(0.1, 0.12)
    ),
    Operation(
        "a block: `with lock: v.value += 1`",
        "with number.lock():\n    number.value += 1",
        {MP: "with value.get_lock():\n    value.value += 1"},
        Budget(0.6, 0.6),
    ),
    Operation(
        "the same block, where asyncio is imported",
        "with number.lock():\n    number.value += 1",
        {ASYNCIO: "with value.get_lock():\n    value.value += 1"},
    ),
    Operation("count: an atomic field", "requests.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}),
    Operation("count: a counter in lanes", "hits.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}),
    Operation("all fields as one version", "account.load()", {BOX: "record.snapshot()"}),
    Operation("drop-in: read `value`", "drop_in.value", {MP: "value.value"}, Budget(0.5, 0.5)),
    Operation(
        "drop-in: `with get_lock(): value += 1`",
        "with drop_in.get_lock():\n    drop_in.value += 1",
        {MP: "with value.get_lock():\n    value.value += 1"},
    ),
    Operation("drop-in: create a value", "new_drop_in('q', 7)", {MP: "new_value('q', 7)"}, Budget(0.05, 0.05)),
    Operation("create a segment of its own", "new(i64, 7)", {MP: "new_value('q', 7)", BOX: "new_box()"}),
    Operation("add a value to an arena", "insert(next_key(), i64, 7)", {MP: "new_value('q', 7)"}),
    Operation("read 8 MB", "samples.to_numpy()", {NUMPY: "copyto(target, source)", BOX: "box.samples"}, Budget(1.2, 1.2)),
    Operation(
        "write 8 MB", "samples[:] = source", {NUMPY: "copyto(target, source)", BOX: "box.samples = source"}, Budget(2.5, 2.5)
    ),
]


def contestants() -> dict[str, Any]:
    """Make the values that the statements use."""
    import itertools
    import multiprocessing
    from typing import Annotated

    import numpy
    import shared_value as sv
    import shared_value.multiprocessing as drop_in

    @sv.struct
    class Account:
        balance: sv.i64
        rate: sv.f64
        requests: sv.Atomic[sv.u64] = 0
        hits: sv.Counter[sv.u64] = 0

    account = sv.new(Account(5, 0.5))
    arena = sv.create_arena(None, 1 << 30)
    source = numpy.arange(ELEMENTS, dtype="float64")
    keys = map(str, itertools.count())
    made = {
        "account": account,
        "balance": account.part("balance"),
        "requests": account.requests,
        "hits": account.hits,
        "number": sv.new(sv.i64, 5),
        "value": multiprocessing.Value("q", 5),
        "drop_in": drop_in.Value("q", 5),
        "new_drop_in": drop_in.Value,
        "new_value": multiprocessing.Value,
        "new": sv.new,
        "i64": sv.i64,
        "insert": arena.insert,
        "next_key": keys.__next__,
        "samples": sv.new(source),
        "source": source,
        "target": numpy.zeros(ELEMENTS),
        "copyto": numpy.copyto,
    }
    return made


def add_boxes(made: dict[str, Any]) -> None:
    """Add what the statements with sharedbox use, if it is installed."""
    import itertools
    from typing import Annotated

    import numpy

    try:
        import sharedbox
    except ImportError:
        return

    class Record(sharedbox.SharedBox):
        balance: int
        rate: float

    class Box(sharedbox.SharedBox):
        samples: Annotated[numpy.ndarray[Any, Any], sharedbox.Shape(ELEMENTS), sharedbox.DType("float64")]

    class SmallBox(sharedbox.SharedBox):
        balance: int

    numbers = itertools.count()

    def new_box() -> None:
        box = SmallBox.create(f"shared-value-bench-{os.getpid()}-{next(numbers)}", 7)
        box.unlink()
        box.close()

    made["record"] = Record.create(f"shared-value-bench-record-{os.getpid()}", 5, 0.5)
    made["record"].unlink()
    made["box"] = Box.create(f"shared-value-bench-samples-{os.getpid()}", made["source"])
    made["box"].unlink()
    made["new_box"] = new_box


def measured(rounds: int) -> dict[str, Any]:
    """Measure all operations with this interpreter: first those in a program that has not imported asyncio."""
    names = contestants()
    assert "asyncio" not in sys.modules
    results = in_turns(rounds, names, {MP, NUMPY})
    import asyncio  # noqa: F401

    add_boxes(names)
    later = in_turns(rounds, names, {ASYNCIO, BOX} if "box" in names else {ASYNCIO})
    for name, found in later.items():
        if name in results:
            results[name]["ratios"] |= found["ratios"]
        else:
            results[name] = found
    return {"python": platform.python_version(), "results": results}


def in_turns(rounds: int, names: dict[str, Any], peers: set[str]) -> dict[str, Any]:
    """Measure the operations that have one of these peers."""
    turns: list[tuple[str, str, timeit.Timer, int]] = []
    for operation in OPERATIONS:
        statements = {peer: statement for peer, statement in operation.peers.items() if peer in peers}
        for peer, statement in ({"": operation.ours} | statements).items() if statements else ():
            timer = timeit.Timer(statement, timer=time.thread_time, globals=names)
            # Otherwise, one that is slow at first would get short turns.
            timer.timeit(3)
            count = 1
            while (took := timer.timeit(count)) < TURN / 4:
                count *= 2
            turns.append((operation.name, peer, timer, max(1, round(count * TURN / took))))
    empty = timeit.Timer("pass", timer=time.thread_time)
    found: dict[str, dict[str, list[float]]] = {}
    gc.disable()
    for _ in range(rounds):
        nothing = min(empty.repeat(5, 100_000)) / 100_000
        for name, peer, timer, count in turns:
            timer.timeit(2)
            took = timer.timeit(count) / count - nothing
            found.setdefault(name, {}).setdefault(peer, []).append(took * 1e9)
        gc.collect()
    gc.enable()
    results: dict[str, Any] = {}
    for name, times in found.items():
        ratios = {
            peer: statistics.median(ours / theirs for ours, theirs in zip(times[""], times[peer], strict=True))
            for peer in times
            if peer
        }
        results[name] = {"ns": statistics.median(times[""]), "ratios": ratios}
    return results


def shown(operation: Operation, run: dict[str, Any]) -> str:
    """Return the cell of an operation in the table: the ratios to the peers in order."""
    found = run["results"][operation.name]
    ratios = [f"{ratio:.3g}" for ratio in found["ratios"].values()]
    return " / ".join(ratios)


def table(runs: list[dict[str, Any]]) -> str:
    """Return the table of docs/python.md."""
    lines = ["| | to | " + " | ".join(run["python"] for run in runs) + " | budget |", "|---|---|" + "---|" * len(runs) + "---|"]
    for operation in OPERATIONS:
        peers = " / ".join(peer for peer in operation.peers if any(peer in run["results"][operation.name]["ratios"] for run in runs))
        budget = "" if operation.budget is None else " / ".join(sorted({f"{limit:g}" for limit in operation.budget}))
        lines.append(f"| {operation.name} | {peers} | " + " | ".join(shown(operation, run) for run in runs) + f" | {budget} |")
    lines.append("")
    for run in runs:
        ns = {name: found["ns"] for name, found in run["results"].items()}
        lines.append(
            f"Python {run['python']}: a read takes {ns['read an attribute']:.0f} ns, `add(1)` {ns[OPERATIONS[2].name]:.0f} ns, a block "
            f"{ns[OPERATIONS[3].name]:.0f} ns."
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--results", type=Path, help="where to write all figures, as JSON")
    parser.add_argument("--chart", type=Path, help="where to write a chart, as SVG")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measured(arguments.rounds)))
        return
    runs = []
    for python in arguments.pythons or [sys.executable]:
        command = [python, __file__, "--alone", "--rounds", str(arguments.rounds)]
        runs.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout))
    if arguments.results:
        arguments.results.write_text(json.dumps(runs, indent=1) + "\n")
    if arguments.chart:
        arguments.chart.write_text(chart.drawn([(operation.name, list(operation.peers)) for operation in OPERATIONS], runs))
    print(table(runs))


if __name__ == "__main__":
    main()
