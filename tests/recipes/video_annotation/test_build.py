"""The whole recipe on real clips with scripted models."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from sightline.core.errors import BudgetReached
from sightline.core.message import Reply
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig, WatchConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.schema import Annotation
from sightline.recipes.video_annotation.selection import SelectionConfig

LOOSE = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
ENGINE = Engine(executor=ExecutorConfig(workers=1, time_limit=120))


@pytest.fixture
def three(tmp_path: Path, samples: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("street_scenes_10s.mp4", "webb_narration_13s.mp4", "webb_narration_13s.srt"):
        shutil.copy(samples / "videos" / name, folder / name)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "street_scenes_10s.info.json").write_text(
        json.dumps({"title": "자전거", "channel": "Sample Channel", "view_count": "12", "license": "CC0-1.0"})
    )
    return folder


def reasons(out: Path) -> dict[str, str]:
    return {one.origin: one.reason for one in Dataset(out).rejects()}


def test_all_samples_are_kept_or_refused_with_a_true_reason(tmp_path: Path, samples: Path, scripted) -> None:
    out = tmp_path / "out"
    result = build_videos([samples / "videos"], out, scripted(), engine=ENGINE)
    assert result.complete
    told = {one.origin: one for one in Dataset(out).rejects()}
    kept = {row["source"]["name"] for row in Dataset(out).rows(["source"])}
    names = {path.name for path in (samples / "videos").iterdir() if path.suffix in (".mp4", ".webm")}
    assert kept | told.keys() == names
    assert not kept & told.keys()
    assert told["courtyard_static_camera_20s.mp4"].reason == "static-picture"
    assert told["courtyard_static_camera_20s.mp4"].evidence["value"] == 1.0
    assert told["street_scenes_10s.mp4"].reason == "too-few-words"
    assert told["lecture_frozen_slides_44s.mp4"].evidence["value"] <= 50


def test_records(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"
    models = scripted()
    result = build_videos([three], out, models, LOOSE, engine=ENGINE)
    assert result.complete
    assert reasons(out) == {"empty.mp4": "not-a-video"}
    rows = {row["source"]["name"]: row for row in Dataset(out).rows()}
    street, webb = rows["street_scenes_10s.mp4"], rows["webb_narration_13s.mp4"]
    # the middle of the street clip is 5.0 s, its nearest cut is at 5.48 s; of the other 6.5 s, the cut is at 8.008 s
    assert [scene["end"] for scene in street["scenes"]] == pytest.approx([5.48, 10.0], abs=0.001)
    assert [scene["end"] for scene in webb["scenes"]] == pytest.approx([8.008, 13.013], abs=0.001)
    assert street["moved_frames"] == pytest.approx([0, 12, 12, 0], abs=0.01)
    assert any("moved by 4" in warning for warning in webb["warnings"])
    assert (street["licence"], street["channel"], street["words"]) == ("CC0-1.0", "Sample Channel", 0)
    assert webb["words"] > 20
    assert webb["words_from"] == "file:webb_narration_13s.srt"
    assert webb["category"] == "Science & Technology > Space Exploration > Astronomy"
    published = json.loads(webb["json"])
    assert published["content_metadata"].pop("fps") == pytest.approx(29.97, abs=0.01)
    Annotation.model_validate(published["content_metadata"])
    assert published["content_metadata"]["scenes"][0]["timestamps"]["end_timestamp"] == "00:00:08.008"
    assert len(street["thumbnails"]) == 2
    assert models.annotator.asked == {"annotator": 2, "structurer": 2, "classifier": 2}


def test_opens_in_datasets(tmp_path: Path, three: Path, scripted) -> None:
    datasets = pytest.importorskip("datasets")
    out = tmp_path / "out"
    build_videos([three], out, scripted(), LOOSE, engine=ENGINE)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == 2
    assert loaded[0]["thumbnails"][0].size[0] > 100
    assert loaded[0]["scenes"][0]["mood"] == "Curious"


def test_a_second_run_asks_nothing_and_failures_are_tried_again(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"
    failing = scripted(spoil=lambda role, request, text: Reply(error="timeout") if role == "annotator" else text)
    build_videos([three], out, failing, LOOSE, engine=ENGINE)
    assert Counter(reasons(out).values()) == {"annotator-failed": 2, "not-a-video": 1}
    models = scripted()
    result = build_videos([three], out, models, LOOSE, engine=ENGINE)
    assert len(list(Dataset(out).rows(["id"]))) == 2
    assert models.annotator.asked["classifier"] == 0  # known from the first run
    watch = next(step for step in result.funnel if step.step == "watch")
    assert watch.reused == watch.took == 2
    again = scripted()
    result = build_videos([three], out, again, LOOSE, engine=ENGINE)
    assert result.work_done == 0
    assert sum(again.annotator.asked.values()) == 0


def test_broken_replies_are_named_and_their_words_kept(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"

    def cut(role: str, request: object, text: str) -> object:
        return text[: len(text) // 2] if role == "structurer" else text

    build_videos([three], out, scripted(spoil=cut), LOOSE, engine=ENGINE)
    refused = [one for one in Dataset(out).rejects() if one.reason == "unstructured"]
    assert len(refused) == 2
    assert all(one.evidence["text"].startswith("A free description") for one in refused)
    assert all(len(one.evidence["failures"]) == 3 for one in refused)


def test_a_description_that_is_cut_off_is_asked_for_once_more(tmp_path: Path, three: Path, scripted) -> None:
    def long(role: str, request: object, text: str) -> object:
        if role == "annotator" and len(request.messages) == 1:  # type: ignore[attr-defined]
            return Reply(text="A very long", finish="length")
        return text

    models = scripted(spoil=long)
    build_videos([three], tmp_path / "out", models, LOOSE, engine=ENGINE)
    assert models.annotator.asked["annotator"] == 4
    assert len(list(Dataset(tmp_path / "out").rows(["id"]))) == 2


def test_a_mended_reply_counts(tmp_path: Path, three: Path, scripted) -> None:
    def odd(role: str, request: object, text: str) -> object:
        first = len(request.messages) == 1  # type: ignore[attr-defined]
        return text.replace("Curious", "Thrilled") if role == "structurer" and first else text

    models = scripted(spoil=odd)
    build_videos([three], tmp_path / "out", models, LOOSE, engine=ENGINE)
    assert models.annotator.asked["structurer"] == 4
    assert len(list(Dataset(tmp_path / "out").rows(["id"]))) == 2


def test_an_annotation_that_stops_early_is_refused_not_stretched(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"
    models = scripted(scenes=lambda duration: [(0.0, duration * 0.3), (duration * 0.3, duration * 0.6)])
    build_videos([three], out, models, LOOSE, engine=ENGINE)
    assert list(Dataset(out).rows(["id"])) == []
    assert Counter(reasons(out).values())["low-coverage"] == 2


def test_what_was_finished_before_the_budget_ended_is_kept(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"
    count = 0

    def poor(role: str, request: object, text: str) -> object:
        nonlocal count
        count += role == "annotator"
        if role == "annotator" and count > 1:
            raise BudgetReached("the cap is met")
        return text

    result = build_videos([three], out, scripted(spoil=poor), LOOSE, engine=ENGINE)
    assert isinstance(result.stopped_by, BudgetReached)
    assert len(list(Dataset(out).rows(["id"]))) == 1


def test_copies_share_a_group_and_the_larger_stays(tmp_path: Path, make_copies: Path, scripted) -> None:
    out = tmp_path / "out"
    build_videos([make_copies], out, scripted(), LOOSE, engine=ENGINE)
    told = {one.origin: one for one in Dataset(out).rejects()}
    assert {name: one.reason for name, one in told.items()} == dict.fromkeys(
        ("cropped.mp4", "smaller.mp4"), "near-duplicate-video"
    )
    assert all(one.evidence["same_as"] == "street_scenes_10s.mp4" for one in told.values())
    assert len(list(Dataset(out).rows(["id"]))) == 2


@pytest.fixture
def make_copies(tmp_path: Path, samples: Path, reencode) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    shutil.copy(samples / "videos" / "street_scenes_10s.mp4", folder)
    shutil.copy(samples / "videos" / "webb_narration_13s.mp4", folder)
    source = samples / "videos" / "street_scenes_10s.mp4"
    reencode(source, folder / "smaller.mp4", lambda pixels: pixels[::2, ::2])
    reencode(source, folder / "cropped.mp4", lambda pixels: pixels[16:-16, 32:-32])
    return folder


def test_selection_reports_what_it_could_not_meet(tmp_path: Path, three: Path, scripted) -> None:
    out = tmp_path / "out"
    config = LOOSE.model_copy(update={"selection": SelectionConfig(hours=14 / 3600)})
    build_videos([three], out, scripted(), config, engine=ENGINE)
    assert Counter(reasons(out).values())["not-selected"] == 1
    (share,) = Dataset(out).run.figures["shares"]
    assert share["quota"] == pytest.approx(14.0)
    assert not share["met"]


def test_licence_of_the_run_fills_gaps_only(tmp_path: Path, three: Path, scripted) -> None:
    config = LOOSE.model_copy(update={"watch": WatchConfig(licence="CC-BY-4.0")})
    build_videos([three], tmp_path / "out", scripted(), config, engine=ENGINE)
    found = {row["source"]["name"]: row["licence"] for row in Dataset(tmp_path / "out").rows(["source", "licence"])}
    assert found == {"street_scenes_10s.mp4": "CC0-1.0", "webb_narration_13s.mp4": "CC-BY-4.0"}
