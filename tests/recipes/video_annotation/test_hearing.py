"""Words for videos without subtitles, through a recogniser that a script plays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sightline.core.errors import MediaError
from sightline.media.transcript import Cue
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.models import Models

SPOKEN = VideoAnnotationConfig(filters=FilterConfig(min_words=5, min_words_per_second=0, max_static=1.1))
ENGINE = Engine(executor=ExecutorConfig(workers=1, time_limit=120))


class Heard:
    """A recogniser that always hears the same."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text, self.asked = name, text, 0

    def cues(self, path: object) -> tuple[str, tuple[Cue, ...]]:
        self.asked += 1
        if self.text == "broken":
            raise MediaError("the sound cannot be read", subject=path)
        return "ko", (Cue(start=1.0, end=4.0, text=self.text), Cue(start=900.0, end=901.0, text="after the end"))


def with_ears(models: Models, ears: Heard) -> Models:
    return Models(models.annotator, models.structurer, speech=ears)


@pytest.fixture
def spoken(tmp_path: Path, samples: Path) -> Path:
    """With sound and without subtitles."""
    folder = tmp_path / "videos"
    folder.mkdir()
    shutil.copy(samples / "videos" / "webb_narration_13s.mp4", folder)
    return folder


def test_what_is_heard_is_the_transcript(tmp_path: Path, spoken: Path, scripted) -> None:
    out = tmp_path / "out"
    heard = Heard("ears:1", "오늘은 망원경이 보낸 사진을 함께 보겠습니다")
    models = scripted()
    for _ in range(2):
        build_videos([spoken], out, with_ears(models, heard), SPOKEN, engine=ENGINE)
    assert heard.asked == 1
    (row,) = Dataset(out).rows()
    assert (row["language"], row["words"], row["words_from"]) == ("ko", 6, "speech:ears:1")
    assert [cue["text"] for cue in row["transcript"]] == [heard.text]
    other = Heard("ears:2", "전혀 다른 말이 여기에서 들립니다 정말로")
    build_videos([spoken], out, with_ears(models, other), SPOKEN, engine=ENGINE)
    assert other.asked == 1  # another model is another step
    (row,) = Dataset(out).rows()
    assert row["words_from"] == "speech:ears:2"


def test_sound_that_cannot_be_read_is_named(tmp_path: Path, spoken: Path, scripted) -> None:
    broken = with_ears(scripted(), Heard("ears", "broken"))
    build_videos([spoken], tmp_path / "out", broken, SPOKEN, engine=ENGINE)
    (one,) = Dataset(tmp_path / "out").rejects()
    assert one.reason == "unreadable-sound"
