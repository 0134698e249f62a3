"""Laws of the video recipe: killed and resumed = uninterrupted, local = two nodes, odd files are refused by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sightline.recipes.dataset import Dataset

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = """
import importlib.util, json, re, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("scripts", {conftest!r})
scripts = importlib.util.module_from_spec(spec); spec.loader.exec_module(scripts)
from sightline.lm import Scripted
from sightline.pipeline import ExecutorConfig
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.models import Models
from sightline.verify.integrity import stated_time

def say(request):
    with open({log!r}, "a") as log:
        log.write("asked\\n")
    time.sleep({seconds})
    duration = stated_time(re.search(r"video of (\\d\\d:\\d\\d:\\d\\d\\.\\d{{3}})", request.messages[0].text)[1], 0.0)
    return json.dumps(scripts.annotation_of(scripts.halves(duration)))

if __name__ == "__main__":
    loose = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
    engine = Engine({engine!r}, ExecutorConfig(workers=2, commit_seconds=0))
    build_videos([{folder!r}], {out!r}, Models(Scripted(say, "scripted")), loose, engine=engine)
"""


def script(folder: Path, videos: Path, name: str, *, seconds: float = 0.0, engine: str = "local") -> list[str]:
    text = SCRIPT.format(
        conftest=str(REPOSITORY / "tests" / "recipes" / "video_annotation" / "conftest.py"),
        log=str(folder / f"{name}.log"),
        seconds=seconds,
        folder=str(videos),
        out=str(folder / name),
        engine=engine,
    )
    path = folder / f"{name}.py"
    path.write_text(text)
    return [sys.executable, str(path)]


def rows(out: Path) -> list[dict[str, Any]]:
    found = sorted(Dataset(out).rows(), key=lambda row: row["id"])
    return [{name: value for name, value in row.items() if name != "provenance"} for row in found]


@pytest.fixture
def clips(tmp_path: Path, samples: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("street_scenes_10s.mp4", "webb_narration_13s.mp4"):
        (folder / name).symlink_to(samples / "videos" / name)
    whole = (samples / "videos" / "bbb_opening_30s.webm").read_bytes()
    (folder / "cut.webm").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "words.mp4").write_text("not a video")
    return folder


def test_killed_and_resumed_is_uninterrupted(tmp_path: Path, clips: Path) -> None:
    subprocess.run(script(tmp_path, clips, "whole"), check=True, capture_output=True)
    killed = script(tmp_path, clips, "killed", seconds=0.6)
    log, requests = tmp_path / "killed.log", 2 * 2
    kills = 0
    for after in (1, 3):
        run = subprocess.Popen(killed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while (len(log.read_text().split()) if log.exists() else 0) < after and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        kills += 1
    subprocess.run(killed, check=True, capture_output=True)
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    assert len(rows(tmp_path / "whole")) == 2
    assert len(log.read_text().split()) <= requests + kills
    reasons = sorted((one.origin, one.reason) for one in Dataset(tmp_path / "killed").rejects())
    assert reasons == [("cut.webm", "truncated-video"), ("empty.mp4", "not-a-video"), ("words.mp4", "not-a-video")]


@pytest.mark.slow
@pytest.mark.timeout(900)  # a cluster of two nodes starts, beside whatever else runs
def test_local_is_two_nodes(tmp_path: Path, clips: Path) -> None:
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    subprocess.run(script(tmp_path, clips, "local"), check=True, capture_output=True)
    memory = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **memory})
    cluster.add_node(**memory)
    try:
        environment = {**os.environ, "RAY_ADDRESS": cluster.address}
        command = script(tmp_path, clips, "nodes", engine="ray")
        run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert run.returncode == 0, run.stderr[-3000:]
    finally:
        cluster.shutdown()
        ray.shutdown()
    assert rows(tmp_path / "nodes") == rows(tmp_path / "local")
