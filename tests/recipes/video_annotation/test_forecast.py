"""The dry run: nothing fetched, nothing asked, nothing written; figures that follow from the files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from sightline.cli.build_videos import command
from sightline.lm import Price
from sightline.pipeline import ExecutorConfig
from sightline.recipes.video_annotation.config import AskConfig, VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.forecast import VideoForecast, forecast_videos
from sightline.recipes.video_annotation.manifest import unfetched
from sightline.recipes.video_annotation.selection import SelectionConfig
from sightline.recipes.video_annotation.taxonomy import default_taxonomy

LOOSE = FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1)


@pytest.fixture
def listed(tmp_path: Path, samples: Path) -> list[Path]:
    """Two clips (10.0 s and 13.0 s), a file that is none, and a manifest of two, of which one states 577 s."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in ("street_scenes_10s.mp4", "webb_narration_13s.mp4", "webb_narration_13s.srt"):
        shutil.copy(samples / "videos" / name, folder)
    (folder / "none.mp4").write_bytes(b"nothing")
    manifest = tmp_path / "list.jsonl"
    rows = [{"url": "http://127.0.0.1:9/a.mp4", "duration": 577}, {"url": "http://127.0.0.1:9/b.mp4"}]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    return [folder, manifest]


def reckoned(listed: list[Path], out: Path, models: object, config: VideoAnnotationConfig) -> VideoForecast:
    files, rows = unfetched(listed, out)
    price = Price(input=1.0, output=2.0)
    executor = ExecutorConfig(workers=2)
    return forecast_videos(files, rows, config, models, default_taxonomy(), executor, price)  # type: ignore[arg-type]


def test_figures(tmp_path: Path, listed: list[Path], scripted) -> None:
    models = scripted()
    config = VideoAnnotationConfig(filters=LOOSE, ask=AskConfig(category_twice=True))
    told = reckoned(listed, tmp_path / "out", models, config)
    assert (told.videos, told.refused, told.unknown, told.sampled, told.kept) == (4, 1, 1, 2, 2)
    assert told.hours == pytest.approx(600 / 3600, abs=0.001)
    assert {role.role: role.requests for role in told.roles} == {"classifier": 8, "annotator": 4, "structurer": 4}
    for role in told.roles:
        assert role.cost_usd == pytest.approx((role.input_tokens + 2 * role.output_tokens) / 1e6)
    assert sum(models.annotator.asked.values()) == 0
    assert not (tmp_path / "out").exists()


def test_what_filters_refuse_is_not_asked_about(tmp_path: Path, listed: list[Path], scripted) -> None:
    """One of the two watched has no words, so half of the four are expected to be annotated."""
    config = VideoAnnotationConfig(filters=FilterConfig(min_words=10, min_words_per_second=0.5, max_static=1.1))
    told = reckoned(listed, tmp_path / "out", scripted(), config)
    assert (told.kept, told.annotated) == (1, 2)


def test_hours_bound_the_requests(tmp_path: Path, listed: list[Path], scripted) -> None:
    config = VideoAnnotationConfig(filters=LOOSE, selection=SelectionConfig(hours=300 / 3600))
    told = reckoned(listed, tmp_path / "out", scripted(), config)
    assert told.annotated == 2  # of 200 s on average


def test_command_line(tmp_path: Path, listed: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key of nobody")
    out = tmp_path / "out"
    flags = ["--annotator", "http://127.0.0.1:9/v1", "--annotator-model", "m", "--price", "1,2", "--min-words", "0"]
    flags += ["--min-words-per-second", "0", "--dry-run", "--out", str(out)]
    ran = CliRunner().invoke(command, [*map(str, listed), *flags], catch_exceptions=False)
    assert ran.exit_code == 0
    for word in ("videos to annotate", "hours", "annotator", "USD"):
        assert word in ran.output
    assert not out.exists()
