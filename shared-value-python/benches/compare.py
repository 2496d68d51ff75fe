"""Compares this package with `multiprocessing` and, where it is installed, with `sharedbox`: all in one run, turn by turn.

    python compare.py [--rounds 40] [--results FILE] [--chart FILE] [PYTHON ..]

Each interpreter needs this package, numpy and sharedbox. Without interpreters, the one that runs this is measured. In each round, each
contestant of each operation gets a turn of 10 ms. A ratio is the median over the rounds of ours divided by theirs in that round, so a
machine that slows down slows down both. The time of an empty loop is subtracted. A run with 40 rounds takes a minute and a half for each
interpreter. It prints the tables of docs/python.md.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
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

OPERATIONS = [
    Operation("read an attribute", "account.balance", {MP: "value.value", BOX: "box.balance"}, Budget(0.35, 0.5)),
    Operation("write an attribute", "account.balance = 5", {MP: "value.value = 5", BOX: "box.balance = 5"}),
    Operation(
        "add 1, and lose no addition", "balance.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}, Budget(0.1, 0.12)
    ),
    Operation(
        "a block: `with lock: v.value += 1`",
        "with number.lock():\n    number.value += 1",
        {MP: "with value.get_lock():\n    value.value += 1"},
        Budget(0.6, 0.6),
    ),
    Operation("count: an atomic field", "requests.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}),
    Operation("count: a counter in lanes", "hits.add(1)", {MP: "with value.get_lock():\n    value.value += 1"}),
    Operation("all fields as one version", "account.load()", {BOX: "box.snapshot()"}),
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
    try:
        import sharedbox
    except ImportError:
        return made

    class Box(sharedbox.SharedBox):
        balance: int
        rate: float
        samples: Annotated[numpy.ndarray[Any, Any], sharedbox.Shape(ELEMENTS), sharedbox.DType("float64")]

    class SmallBox(sharedbox.SharedBox):
        balance: int

    numbers = itertools.count()

    def new_box() -> None:
        box = SmallBox.create(f"shared-value-bench-{os.getpid()}-{next(numbers)}", 7)
        box.unlink()
        box.close()

    made["box"] = Box.create(f"shared-value-bench-{os.getpid()}", 5, 0.5, source)
    made["box"].unlink()
    made["new_box"] = new_box
    return made


def measured(rounds: int) -> dict[str, Any]:
    """Measure all operations with this interpreter."""
    names = contestants()
    turns: list[tuple[str, str, timeit.Timer, int]] = []
    for operation in OPERATIONS:
        for peer, statement in {"": operation.ours, **operation.peers}.items():
            if peer == BOX and "box" not in names:
                continue
            timer = timeit.Timer(statement, globals=names)
            count = 1
            while (took := timer.timeit(count)) < TURN / 4:
                count *= 2
            turns.append((operation.name, peer, timer, max(1, round(count * TURN / took))))
    empty = timeit.Timer("pass")
    found: dict[str, dict[str, list[float]]] = {}
    gc.disable()
    for _ in range(rounds):
        nothing = min(empty.repeat(5, 100_000)) / 100_000
        for name, peer, timer, count in turns:
            took = timer.timeit(count) / count - nothing
            found.setdefault(name, {}).setdefault(peer, []).append(took * 1e9)
        gc.collect()
    results: dict[str, Any] = {}
    for name, times in found.items():
        peers = {
            peer: statistics.median(ours / theirs for ours, theirs in zip(times[""], times[peer], strict=True))
            for peer in times
            if peer
        }
        results[name] = {"ns": statistics.median(times[""]), "ratios": peers}
    return {"python": platform.python_version(), "results": results}


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
