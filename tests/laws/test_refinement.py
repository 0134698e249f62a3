"""Laws of refinement: killed and resumed = uninterrupted, and no question is paid for twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sightline.recipes.dataset import Dataset

FOLDER = Path(__file__).resolve().parents[1] / "recipes" / "adversarial_qa"
COUNT = 30
KILLS = 3


def questions(path: Path) -> Path:
    rows = [
        {
            "id": f"q{n}",
            "question": f"Which door opens in scene {n}?",
            "options": [f"door {n}-{i}" for i in range(5)],
            "answer": 1,
            "context": f"In scene {n} the door {n}-1 opens.",
        }
        for n in range(COUNT)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def start(data: Path, out: Path, log: Path, *engine: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(FOLDER / "refine_main.py"), str(data), str(out), str(log), *engine]
    return subprocess.Popen(command, env={**os.environ, **environment})


def records(folder: Path) -> list[dict[str, Any]]:
    return list(Dataset(folder).rows())


def test_killed_at_any_moment_and_resumed_is_uninterrupted(tmp_path: Path) -> None:
    data = questions(tmp_path / "q.jsonl")
    assert start(data, tmp_path / "whole", tmp_path / "whole.log").wait(60) == 0
    moments = random.Random(0)
    log = tmp_path / "log"
    killed = 0
    while killed < KILLS:
        process = start(data, tmp_path / "out", log)
        before = log.stat().st_size if log.exists() else 0
        until = time.monotonic() + 30
        while time.monotonic() < until and (not log.exists() or log.stat().st_size == before):
            time.sleep(0.01)  # it is at work when it asks anew
        time.sleep(moments.uniform(0.0, 0.15))
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        killed += 1
    assert killed >= 2
    assert start(data, tmp_path / "out", log).wait(60) == 0
    assert records(tmp_path / "out") == records(tmp_path / "whole")
    once = Counter((tmp_path / "whole.log").read_text(encoding="utf-8").splitlines())
    again = Counter(log.read_text(encoding="utf-8").splitlines())
    assert set(once.values()) == {1}
    assert set(again) == set(once)
    assert sum(again.values()) <= sum(once.values()) + killed
    assert {row["split"] for row in records(tmp_path / "out")} == {"train", "unfixed_train"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_local_is_two_nodes(tmp_path: Path, built_examples: Path) -> None:
    """Refining, and building questions from a documents dataset, on a Ray cluster of two nodes on this machine."""
    ray, cluster_utils = pytest.importorskip("ray"), pytest.importorskip("ray.cluster_utils")
    data = questions(tmp_path / "q.jsonl")
    assert start(data, tmp_path / "local", tmp_path / "local.log").wait(60) == 0
    sightline = str(Path(sys.executable).with_name("sightline"))
    build = [sightline, "build", "questions", str(built_examples)]
    subprocess.run([*build, "--out", str(tmp_path / "local-q")], check=True)
    memory = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **memory})
    cluster.add_node(**memory)
    try:
        address = {"RAY_ADDRESS": cluster.address}
        assert start(data, tmp_path / "nodes", tmp_path / "nodes.log", "ray", **address).wait(300) == 0
        command = [*build, "--out", str(tmp_path / "nodes-q"), "--engine", "ray"]
        subprocess.run(command, check=True, env={**os.environ, **address})
    finally:
        cluster.shutdown()
        ray.shutdown()
    assert records(tmp_path / "nodes") == records(tmp_path / "local")
    assert records(tmp_path / "nodes-q") == records(tmp_path / "local-q")
    assert records(tmp_path / "local-q")
    counts = [
        Counter((tmp_path / f"{name}.log").read_text(encoding="utf-8").splitlines()) for name in ("local", "nodes")
    ]
    assert counts[0] == counts[1], "each request once on both"
