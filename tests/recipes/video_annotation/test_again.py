"""What a run leaves for a person: asking anew, categories to look at, hours that hang, bytes in the dataset."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from hanging_watch import HangingWatch
from sightline.core.errors import InputError
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation import plan
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import AskConfig, VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig

LOOSE = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
ENGINE = Engine(executor=ExecutorConfig(workers=1, time_limit=120))
NAMES = ("street_scenes_10s.mp4", "webb_narration_13s.mp4")


@pytest.fixture
def two(samples: Path) -> list[Path]:
    return [samples / "videos" / name for name in NAMES]


def kept(out: Path) -> set[str]:
    return {row["source"]["name"] for row in Dataset(out).rows(["source"])}


def test_only_what_failed_is_asked_anew_and_only_on_request(tmp_path: Path, two: list[Path], scripted) -> None:
    out = tmp_path / "out"

    def cut(role: str, request: object, text: str) -> object:
        """The structurer breaks off for the shorter video, but in an answer to another seed."""
        broken = role == "structurer" and "00:00:10" in text and request.seed is None  # type: ignore[attr-defined]
        return text[: len(text) // 2] if broken else text

    build_videos(two, out, scripted(spoil=cut), LOOSE, engine=ENGINE)
    (one,) = Dataset(out).rejects()
    assert (one.reason, one.evidence["text"][:18]) == ("unstructured", "A free description")
    patient = scripted(spoil=cut)
    build_videos(two, out, patient, LOOSE, engine=ENGINE)
    assert sum(patient.annotator.asked.values()) == 0  # nobody asked for it
    again = scripted(spoil=cut)
    build_videos(two, out, again, LOOSE, engine=ENGINE, retry=["unstructured"])
    assert again.annotator.asked == {"annotator": 0, "structurer": 1, "classifier": 0}
    assert kept(out) == set(NAMES)
    after = scripted(spoil=cut)
    assert build_videos(two, out, after, LOOSE, engine=ENGINE).work_done == 0
    with pytest.raises(InputError, match="anew"):
        build_videos(two, out, after, LOOSE, engine=ENGINE, retry=["too-long"])


@pytest.mark.slow
def test_a_decoder_that_hangs_is_stopped(
    tmp_path: Path, two: list[Path], scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "Watch", HangingWatch)
    folder = tmp_path / "videos"
    folder.mkdir()
    shutil.copy(two[0], folder / "hangs.mp4")
    shutil.copy(two[1], folder / "plays.mp4")
    engine = Engine(executor=ExecutorConfig(workers=1, time_limit=4))
    result = build_videos([folder], tmp_path / "out", scripted(), LOOSE, engine=engine)
    assert result.complete
    assert kept(tmp_path / "out") == {"plays.mp4"}
    (one,) = Dataset(tmp_path / "out").rejects()
    assert (one.origin, one.reason, one.evidence) == ("hangs.mp4", "time-limit", {"seconds": 4.0})


def test_categories_that_do_not_fit_or_are_confused_are_told(tmp_path: Path, two: list[Path], scripted) -> None:
    out = tmp_path / "out"
    asked: list[str] = []

    def sort(role: str, request: object, text: str) -> object:
        if role != "classifier":
            return text
        asked.append(text)
        if "이름" in request.messages[0].text:  # type: ignore[attr-defined]
            return "Drones"
        first = request.messages[0].text.split("\n")[2]  # type: ignore[attr-defined]
        return first.partition(":")[0]  # the first of the list, whatever the video: another one when turned round

    (tmp_path / "videos").mkdir()
    for video, title in zip(two, ("이름", "name"), strict=True):
        shutil.copy(video, tmp_path / "videos")
        (tmp_path / "videos" / f"{video.stem}.info.json").write_text(json.dumps({"title": title}))
    config = LOOSE.model_copy(update={"ask": AskConfig(category_twice=True)})
    build_videos([tmp_path / "videos"], out, scripted(spoil=sort), config, engine=ENGINE)
    assert len(asked) == 4
    told = yaml.safe_load((out / "taxonomy_revision.yaml").read_text())
    assert told["unmatched"]["Drones"]["examples"] == [NAMES[0]]
    assert told["proposed"] == {"Drones": ""}
    (pair,) = told["confused"]
    assert pair["examples"] == [NAMES[1]]
    assert len(set(pair["leaves"])) == 2


@pytest.mark.slow
def test_the_bytes_of_the_videos(tmp_path: Path, two: list[Path], scripted) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    (tmp_path / "videos").mkdir()
    for video in two:
        shutil.copy(video, tmp_path / "videos")
    config = LOOSE.model_copy(update={"store_videos": True})
    build_videos([tmp_path / "videos"], out, scripted(), config, engine=ENGINE)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    found = {row["source"]["name"]: hashlib.sha256(row["video"]).hexdigest() for row in loaded}
    assert found == {video.name: hashlib.sha256(video.read_bytes()).hexdigest() for video in two}
    assert "column `video`" in (out / "README.md").read_text()
