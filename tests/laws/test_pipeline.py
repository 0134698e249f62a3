"""Laws of the pipeline: killed and resumed = uninterrupted; local = distributed as sets; keys are content."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.sample import Item, Rejected
from sightline.pipeline import ExecutorConfig, Plan, Progress, RunResult, run_local, run_ray
from sightline.pipeline.ledger import Ledger, Settled
from sightline.pipeline.parts import PartReader, PartWriter
from sightline.pipeline.rows import Encoded, encode

STEPS = Path(__file__).parents[1] / "pipeline"
sys.path.insert(0, str(STEPS))

import pipeline_steps as s  # noqa: E402

COUNT = 120
SLEEP = 0.005


def plan(sleep: float = 0.0) -> Plan:
    return Plan((s.Times(3, sleep=sleep), s.Spread(), s.Read(sleep=sleep), s.Ask(sleep=sleep), s.Keep(), s.Total()))


def everything(result: RunResult) -> dict[str, list[str]]:
    """All items of each step in order, and all rejects."""
    found = {step.name: [item.model_dump_json() for item in result.items(step.name)] for step in plan()}
    return found | {"rejected": [row.model_dump_json() for row in result.rejected()]}


def finished(out: Path) -> RunResult:
    return run_local(plan(), s.numbers(*range(COUNT)), out, ExecutorConfig(workers=2), Progress("none"))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    result = finished(tmp_path_factory.mktemp("uninterrupted"))
    assert result.complete
    found = everything(result)
    assert len(found["read"]) == len(set(found["read"])) > COUNT
    return found


def start(out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(STEPS / "pipeline_main.py"), str(out), str(COUNT), str(SLEEP)]
    environment = os.environ | {"PYTHONPATH": str(STEPS)}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, start_new_session=True)


def all_end(processes: list[psutil.Process]) -> bool:
    end = time.monotonic() + 10
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_any_moment_and_resumed_is_uninterrupted(
    tmp_path: Path, uninterrupted: dict[str, list[str]], seed: int
) -> None:
    moments = random.Random(seed)
    ledger = tmp_path / ".sightline/ledger.sqlite"
    for target in sorted(moments.sample(range(600), 3)):
        process = start(tmp_path)
        while process.poll() is None and done(ledger) < target:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.1))
        assert process.poll() is None, "it was to be killed at work"
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        assert all_end(workers)
    result = finished(tmp_path)
    assert everything(result) == uninterrupted
    state = tmp_path / ".sightline"
    with sqlite3.connect(state / "ledger.sqlite") as db:
        named = {path for (path,) in db.execute("SELECT path FROM parts")}
    assert named == {path.relative_to(state / "parts").as_posix() for path in (state / "parts").glob("*/*")}
    assert finished(tmp_path).work_done == 0


def test_workers_killed_at_any_moment_change_nothing(tmp_path: Path, uninterrupted: dict[str, list[str]]) -> None:
    moments = random.Random(3)
    over = threading.Event()
    killed = 0

    def kill() -> None:
        nonlocal killed
        while killed < 5 and not over.wait(moments.uniform(0.4, 0.9)):
            workers = [child for child in psutil.Process().children() if "sightline.pipeline.worker" in cmdline(child)]
            if workers:
                moments.choice(workers).kill()
                killed += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        config = ExecutorConfig(workers=2, batch_seconds=0.3, attempts=6)
        result = run_local(plan(0.02), s.numbers(*range(COUNT)), tmp_path, config, Progress("none"))
    finally:
        over.set()
        thread.join()
    assert killed >= 2
    assert everything(result) == uninterrupted


def cmdline(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(
    tmp_path: Path, uninterrupted: dict[str, list[str]]
) -> None:
    process = start(tmp_path)
    ledger = tmp_path / ".sightline/ledger.sqlite"
    while process.poll() is None and not (ledger.exists() and done(ledger) > 150):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode != 0
    kept = done(ledger)
    result = finished(tmp_path)
    assert everything(result) == uninterrupted
    assert result.work_done < sum(count.took for count in result.funnel) - 150
    assert kept > 150


def done(ledger: Path) -> int:
    try:
        with sqlite3.connect(f"file:{ledger}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM done").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[tuple[Any, Any]]:
    """A Ray cluster of two nodes on this machine: (the cluster, its second node)."""
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    memory = {"object_store_memory": 80 << 20, "include_dashboard": False}
    health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": health, **memory}
    )
    node = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, node
    ray.shutdown()
    cluster.shutdown()


def test_bad_items_are_the_same_rows_on_a_cluster(tmp_path: Path, two_nodes: tuple[Any, Any]) -> None:
    config = ExecutorConfig(workers=2, time_limit=1.0)
    found = {}
    for run in (run_local, run_ray):
        result = run(Plan((s.Trouble(),)), s.numbers(3, 5, 7, 8, 11), tmp_path / run.__name__, config, Progress("none"))
        found[run.__name__] = (list(result.items("trouble")), list(result.rejected()))
    assert found["run_local"] == found["run_ray"]
    assert [row.reason for row in found["run_ray"][1]] == [
        "worker-died",
        "time-limit",
        "step-error",
        "unreadable-media",
    ]


def test_local_is_distributed_even_when_a_node_is_lost(
    tmp_path: Path, uninterrupted: dict[str, list[str]], two_nodes: tuple[Any, Any]
) -> None:
    cluster, node = two_nodes
    lost = threading.Event()

    class Losing(Progress):
        def advance(self, done: int, refused: int) -> None:
            if not lost.is_set():
                cluster.remove_node(node, allow_graceful=False)
                lost.set()

    config = ExecutorConfig(workers=2, batch_seconds=0.3)
    result = run_ray(plan(SLEEP), s.numbers(*range(COUNT)), tmp_path, config, Losing("none"))
    assert lost.is_set()
    assert result.complete
    assert everything(result) == uninterrupted
    assert finished(tmp_path).work_done == 0


class Anything(Item):
    text: str
    number: float
    parts: tuple[str, ...]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.floats(allow_nan=False, allow_infinity=False), st.lists(TEXT), st.binary())
def test_the_row_key_is_the_item_key_and_json_comes_back(
    text: str, number: float, parts: list[str], blob: bytes
) -> None:
    item = Anything(text=text, number=number, parts=tuple(parts), blob=blob)
    row = encode(item)
    assert row.key == item.key == Anything.model_validate_json(row.json).key
    assert row.blob == blob


ROWS = st.lists(st.tuples(TEXT, st.none() | st.binary(max_size=300)), min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_what_goes_into_a_part_comes_out(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bytes | None]]
) -> None:
    folder = tmp_path_factory.mktemp("part")
    with PartWriter(folder) as part:
        for at, (text, blob) in enumerate(rows):
            part.add("0" * 32, at, Encoded("1" * 32, text, blob), None)
    reader = PartReader(folder)
    assert part.name is not None
    assert [(reader.json(part.name, at), reader.blob(part.name, at)) for at in range(len(rows))] == rows


KEYS = st.integers(0, 30)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(KEYS, max_size=8), max_size=6), st.lists(KEYS, max_size=20))
def test_each_item_of_a_stage_is_either_pending_or_done_once(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[int]], entered: list[int]
) -> None:
    """A model test: sets and lists are the specification, the ledger the implementation."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite")
    source, step = ledger.step("s", "source"), ledger.step("k", "step")
    key = [f"{n:032x}" for n in range(64)]
    ledger.commit(source, "source/all", [Settled(k, ((0, k, None),)) for k in key[:31]])
    ledger.enter(source, [key[n] for n in entered], [Rejected(reason="x")])
    for number, batch in enumerate(commits):
        ledger.commit(step, f"step/{number}", [Settled(key[n], ((0, key[n + 31], None),)) for n in batch])
    done = {n for batch in commits for n in batch}
    distinct = list(dict.fromkeys(entered))
    assert [ref.key for ref in ledger.pending(0, step)] == [key[n] for n in distinct if n not in done]
    assert ledger.count_pending(0, step) == sum(n not in done for n in distinct)
    ledger.show(1, step)
    again = ledger.step("again", "again")
    assert [ref.key for ref in ledger.pending(1, again)] == [key[n + 31] for n in distinct if n in done]
    first = {n: number for number, batch in reversed(list(enumerate(commits))) for n in batch}
    for ref, n in zip(ledger.pending(1, again), [n for n in distinct if n in done], strict=True):
        assert (ref.path, ref.row) == (f"step/{first[n]}", commits[first[n]].index(n))
    ledger.close()
