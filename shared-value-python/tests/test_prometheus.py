"""Metrics of many processes in one arena, through `prometheus_client`."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shared_value as sv

pytest.importorskip("prometheus_client")

import prometheus_client  # noqa: E402
import shared_value.prometheus  # noqa: E402
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest, values  # noqa: E402
from prometheus_client.openmetrics import exposition  # noqa: E402
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics  # noqa: E402
from prometheus_client.parser import text_string_to_metric_families as parse  # noqa: E402
from shared_value.prometheus import Collector, mark_process_dead  # noqa: E402
from shared_value.prometheus._burial import bury_gone  # noqa: E402
from shared_value.prometheus._values import installed  # noqa: E402

fork = multiprocessing.get_context("fork")
MODES = ["all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"]


@pytest.fixture
def arena() -> Iterator[sv.Arena]:
    """An arena in which the metrics that the test makes lie."""
    before = values.ValueClass
    yield shared_value.prometheus.install(capacity=1 << 24)
    values.ValueClass = before  # type: ignore[misc]


def scrape() -> dict[tuple[str, str], float]:
    """Return all samples as both parsers read them: name and labels, and the value."""
    registry = CollectorRegistry()
    Collector(registry)
    found = {}
    for family in parse(generate_latest(registry).decode()):
        for sample in family.samples:
            found[(sample.name, json.dumps(sample.labels, sort_keys=True))] = sample.value
    again = {}
    for family in parse_openmetrics(exposition.generate_latest(registry).decode()):
        for sample in family.samples:
            again[(sample.name, json.dumps(sample.labels, sort_keys=True))] = sample.value
    assert found == again
    return found


def in_children(*works: Callable[[], Any]) -> list[int]:
    """Run each function in a child of its own, which then ends, and return their process ids."""
    pids = []
    for work in works:
        child = fork.Process(target=work)
        child.start()
        child.join(60)
        assert child.exitcode == 0
        pids.append(child.pid)
    return pids


def test_all_types_are_the_sums_of_all_processes(arena: sv.Arena) -> None:
    registry = CollectorRegistry()
    requests = Counter("requests", "All of them.", ["method", "path"], registry=registry)
    sizes = Summary("sizes", "Bytes.", registry=registry)
    seconds = Histogram("seconds", "How long.", ["method"], buckets=(0.1, 1.0), registry=registry)

    def work() -> None:
        requests.labels("GET", '/"ä"\n').inc()
        requests.labels("PUT", "/").inc(2.5)
        sizes.observe(10)
        for took in (0.05, 0.5, 5):
            seconds.labels("GET").observe(took)

    work()
    in_children(work, work)
    assert scrape() == {
        ("requests_total", json.dumps({"method": "GET", "path": '/"ä"\n'})): 3,
        ("requests_total", json.dumps({"method": "PUT", "path": "/"})): 7.5,
        ("sizes_count", "{}"): 3,
        ("sizes_sum", "{}"): 30,
        ("seconds_bucket", '{"le": "0.1", "method": "GET"}'): 3,
        ("seconds_bucket", '{"le": "1.0", "method": "GET"}'): 6,
        ("seconds_bucket", '{"le": "+Inf", "method": "GET"}'): 9,
        ("seconds_count", '{"method": "GET"}'): 9,
        ("seconds_sum", '{"method": "GET"}'): pytest.approx(16.65),
    }


SCRIPT = textwrap.dedent(
    """
    import json, os, sys, time
    if sys.argv[1] == "shared":
        import shared_value.prometheus
        shared_value.prometheus.install()
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
    registry = CollectorRegistry()
    gauges = {mode: Gauge(f"g_{mode}", "A gauge.", ["k"], multiprocess_mode=mode, registry=registry) for mode in sys.argv[2].split(",")}
    unset = {mode: Gauge(f"u_{mode}", "A gauge.", multiprocess_mode=mode, registry=registry) for mode in gauges}
    hits = Counter("hits", "Hits.", ["k"], registry=registry)
    seconds = Histogram("seconds", "Seconds.", ["k"], registry=registry)
    sizes = Summary("sizes", "Sizes.", registry=registry)

    def work(number):
        for mode, gauge in gauges.items():
            gauge.labels("a").set(number)
            if not mode.endswith("mostrecent"):
                gauge.labels("a").inc(0.5)
        hits.labels("x").inc(number)
        seconds.labels("y").observe(number)
        sizes.observe(number)

    pids = {}
    for number in (3, -1, 2):
        pid = os.fork()
        if not pid:
            work(number)
            os._exit(0)
        os.waitpid(pid, 0)
        pids[str(pid)] = f"child {number}"
        if sys.argv[1] != "shared":
            mark_process_dead(pid)
    work(1)
    pids[str(os.getpid())] = "parent"
    found = CollectorRegistry()
    if sys.argv[1] == "shared":
        shared_value.prometheus.Collector(found)
    else:
        MultiProcessCollector(found)
    lines = generate_latest(found).decode().splitlines()
    print(json.dumps([sorted(lines), pids]))
    """
)


def test_the_output_is_that_of_prometheus_client(tmp_path: Any) -> None:
    """All types and all modes of gauges, with living and dead processes, against the files of `prometheus_client`."""

    def lines_of(kind: str, **more: str) -> list[str]:
        command = [sys.executable, "-c", SCRIPT, kind, ",".join(MODES)]
        done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, check=True, timeout=60)
        lines, pids = json.loads(done.stdout)
        for pid, role in pids.items():
            lines = [line.replace(f'pid="{pid}"', f'pid="{role}"') for line in lines]
        return sorted(lines)

    expected = lines_of("files", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    # There, a forked process has a row of each gauge, and here of those that it uses.
    expected = [line for line in expected if not line.startswith('u_all{pid="child')]
    assert lines_of("shared") == expected
    assert 'g_all{k="a",pid="child -1"} -0.5' in expected and 'g_livesum{k="a"} 1.5' in expected


def test_rows_of_dead_processes_are_removed_or_joined(arena: sv.Arena) -> None:
    gauges = [Gauge(f"g_{mode}", "A gauge.", multiprocess_mode=mode, registry=None) for mode in MODES if mode != "all"]
    rows = lambda: [key for key in arena if key[0] == "G"]  # noqa: E731
    own = len(rows())
    assert own == len(gauges)

    def work() -> None:
        for gauge in gauges:
            gauge.set(2)

    in_children(*[work] * 3)
    used = arena.used
    scrape()
    assert len(rows()) == own
    in_children(*[work] * 20)
    scrape()
    # Without the removal, there would be 180 rows of 200 bytes more.
    assert len(rows()) == own and arena.used <= used + 4_096
    assert scrape()[("g_sum", "{}")] == 46


def test_rows_are_joined_once_although_many_remove_them(arena: sv.Arena) -> None:
    """Workers that start at the same time find the same rows, of the same dead processes."""
    rounds, at_once = 40, 4
    gauge = Gauge("g", "A gauge.", multiprocess_mode="sum", registry=None)
    gauge.set(0)
    key = next(key for key in arena if key[0] == "G")
    *series, (pid, start, namespace) = json.loads(key[1:])
    barrier = fork.Barrier(at_once + 1)

    def remove() -> None:
        for _ in range(rounds):
            barrier.wait(60)
            bury_gone(installed())
            barrier.wait(60)

    removers = [fork.Process(target=remove) for _ in range(at_once)]
    for remover in removers:
        remover.start()
    row = arena[key].load()
    row.value = 1.0
    for number in range(rounds):
        for ago in range(1, 21):
            # They had the number of this process, before it.
            gone = [pid, start - 20 * number - ago, namespace]
            arena.insert("G" + json.dumps([*series, gone], separators=(",", ":")), row)
        barrier.wait(60)
        barrier.wait(60)
    for remover in removers:
        remover.join(60)
        assert remover.exitcode == 0
    assert scrape() == {("g", "{}"): 20 * rounds}


def test_a_process_that_nobody_has_waited_for_is_gone_too(arena: sv.Arena) -> None:
    """A killed worker keeps its process id until its parent asks for it; later the number may belong to another process."""
    gauge = Gauge("jobs", "Jobs.", multiprocess_mode="livesum", registry=None)
    gauge.set(1)
    pid = os.fork()
    if pid == 0:
        gauge.set(5)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert scrape()[("jobs", "{}")] == 1
    os.waitpid(pid, 0)
    key = next(key for key in arena if key[0] == "G")
    *series, (own, start, namespace) = json.loads(key[1:])
    arena.insert("G" + json.dumps([*series, [own, start - 1, namespace]], separators=(",", ":")), arena[key].load())
    assert scrape()[("jobs", "{}")] == 1


def test_a_process_of_another_namespace_is_marked_dead_by_hand(arena: sv.Arena) -> None:
    gauge = Gauge("jobs", "Jobs.", multiprocess_mode="livesum", registry=None)
    gauge.set(1)
    key = next(key for key in arena if key[0] == "G")
    *series, (pid, start, namespace) = json.loads(key[1:])
    other = "G" + json.dumps([*series, [pid + 1, start, namespace + 1]], separators=(",", ":"))
    arena.insert(other, arena[key].load())
    assert scrape()[("jobs", "{}")] == 2
    mark_process_dead(pid + 1)
    assert scrape()[("jobs", "{}")] == 1


def test_a_process_that_has_the_number_of_an_earlier_one_takes_its_place(arena: sv.Arena) -> None:
    gauge = Gauge("jobs", "Jobs.", multiprocess_mode="all", registry=None)
    gauge.set(7)
    key = next(key for key in arena if key[0] == "G")
    *series, (pid, start, namespace) = json.loads(key[1:])
    earlier = "G" + json.dumps([*series, [pid, start - 1, namespace]], separators=(",", ":"))
    arena.insert(earlier, arena[key].load())
    assert scrape() == {("jobs", json.dumps({"pid": str(pid)})): 7}
    assert earlier not in arena


def test_long_labels_and_helps(arena: sv.Arena) -> None:
    hits = Counter("hits", "Help. " * 500, ["path"], registry=None)
    hits.labels("/" + "x" * 3_000).inc()
    hits.labels("/" + "x" * 3_001).inc(2)
    assert sorted(scrape().values()) == [1, 2]
    assert scrape()[("hits_total", json.dumps({"path": "/" + "x" * 3_001}))] == 2


def test_a_metric_that_another_process_has_made_differently(arena: sv.Arena) -> None:
    Counter("jobs", "Jobs.", registry=None)
    with pytest.raises(ValueError, match="the metric jobs is a gauge sum, and another process has made it as"):
        Gauge("jobs", "Jobs.", multiprocess_mode="sum", registry=None)


def test_a_program_that_only_reads(name: str) -> None:
    before = values.ValueClass
    try:
        arena = shared_value.prometheus.install(name, capacity=1 << 20)
        Counter("hits", "Hits.", registry=None).inc(3)
        Gauge("jobs", "Jobs.", multiprocess_mode="livemax", registry=None).set(4)
        collector = Collector(arena=sv.open_arena(name, read_only=True))
        found = {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}
        assert found == {"hits_total": 3, "jobs": 4}
        # Another program that gives the same name counts on.
        again = "import shared_value.prometheus as p, prometheus_client as c; p.install(%r); c.Counter('hits', 'Hits.').inc(2)"
        subprocess.run([sys.executable, "-c", again % name], check=True, timeout=60)
        assert [metric.samples[0].value for metric in collector.collect() if metric.name == "hits"] == [5]
        arena.unlink()
    finally:
        values.ValueClass = before  # type: ignore[misc]


def test_mistakes_are_told(arena: sv.Arena) -> None:
    with pytest.raises(TypeError, match="expected a name, a path or None"):
        shared_value.prometheus.install(5)  # type: ignore[arg-type]
    full = sv.create_arena(None, 4096)
    shared_value.prometheus.install(arena=full)
    with pytest.raises(sv.ArenaFull):
        for number in range(1_000):
            Counter(f"c{number}", "A counter.", registry=None)


def test_a_counter_can_be_reset_and_exemplars_are_ignored(arena: sv.Arena) -> None:
    hits = Counter("hits", "Hits.", registry=None)
    hits.inc(3, exemplar={"trace": "7"})
    hits.reset()
    hits.inc()
    assert scrape() == {("hits_total", "{}"): 1}


def _work(acknowledged: Any, hits: Counter, seconds: Histogram, jobs: Gauge) -> None:
    while True:
        hits.labels(str(os.getpid() % 3)).inc()
        acknowledged.hits.add(1)
        seconds.observe(0.5)
        acknowledged.seconds.add(1)
        jobs.set(1)


@sv.struct
class Acknowledged:
    """What a worker says that it has counted."""

    hits: sv.Atomic[sv.u64] = 0
    seconds: sv.Atomic[sv.u64] = 0


def test_killed_workers_lose_at_most_one_addition_each(arena: sv.Arena) -> None:
    """With a value that is only written now and then, or under a lock that dies with its owner, counts would be lost or stop."""
    rounds, at_once = int(os.environ.get("SHARED_VALUE_METRICS_ROUNDS", "25")), 4
    hits = Counter("hits", "Hits.", ["third"], registry=None)
    seconds = Histogram("seconds", "Seconds.", buckets=(0.1, 1.0), registry=None)
    jobs = Gauge("jobs", "Jobs.", multiprocess_mode="livesum", registry=None)
    acknowledged = [sv.new(Acknowledged()) for _ in range(at_once)]
    used = []
    for _ in range(rounds):
        workers = [fork.Process(target=_work, args=(one, hits, seconds, jobs)) for one in acknowledged]
        before = [int(one.hits) for one in acknowledged]
        for worker in workers:
            worker.start()
        while any(int(one.hits) < then + 20 for one, then in zip(acknowledged, before, strict=True)):
            time.sleep(0.001)
        for worker in workers:
            assert worker.pid
            os.kill(worker.pid, signal.SIGKILL)
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == -signal.SIGKILL
        scrape()
        used.append(arena.used)
    found = scrape()
    killed = rounds * at_once
    counted = sum(value for (name, _), value in found.items() if name == "hits_total")
    said = sum(int(one.hits) for one in acknowledged)
    assert said <= counted <= said + killed
    said = sum(int(one.seconds) for one in acknowledged)
    for sample in (("seconds_count", "{}"), ("seconds_bucket", '{"le": "1.0"}')):
        assert said <= found[sample] <= said + killed
    assert said * 0.5 <= found[("seconds_sum", "{}")] <= (said + killed) * 0.5
    # No worker is left, and the parent's own row says 0.
    assert found[("jobs", "{}")] == 0
    # Without the removal of rows, there would be as many of 200 bytes as workers.
    assert max(used) <= max(used[:5]) + 4_096


def test_the_gunicorn_example_runs() -> None:
    pytest.importorskip("gunicorn")
    example = os.path.join(os.path.dirname(__file__), "..", "examples", "gunicorn", "run.py")
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "killed" in done.stdout
