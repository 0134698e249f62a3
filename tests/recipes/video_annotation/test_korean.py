"""What is said in Korean, or declared to be, is asked about in Korean."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from sightline.core.message import Reply, Request
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.schema import Mood
from sightline.recipes.video_annotation.taxonomy import read_taxonomy

LOOSE = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
ENGINE = Engine(executor=ExecutorConfig(workers=1, time_limit=120))
WORDS = "1\n00:00:00,500 --> 00:00:04,000\n망원경이 보낸 사진을 함께 보겠습니다\n"
FIELDS = {"mmm", "null", "unmatched", *get_args(Mood)}
"""The same in every language, because a program reads them."""


@pytest.fixture
def clip(tmp_path: Path, samples: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    return Path(shutil.copy(samples / "videos" / "webb_narration_13s.mp4", folder / "영상.mp4"))


def asked(clip: Path, out: Path, scripted, *, cut_off: bool = False) -> list[tuple[str, str]]:
    """(role, last message) of each request of a build."""
    seen: list[tuple[str, str]] = []

    def note(role: str, request: Request, text: str) -> str | Reply:
        seen.append((role, request.messages[-1].text))
        first = cut_off and role == "annotator" and len(request.messages) == 1
        return Reply(text="처음 부분", finish="length") if first else text

    build_videos([clip], out, scripted(spoil=note), LOOSE, taxonomy=read_taxonomy(None), engine=ENGINE)
    assert len(list(Dataset(out).rows())) == 1, [one.reason for one in Dataset(out).rejects()]
    return seen


def test_every_request_about_a_korean_video_is_korean(tmp_path: Path, clip: Path, scripted) -> None:
    clip.with_suffix(".srt").write_text(WORDS, encoding="cp949")
    seen = asked(clip, tmp_path / "out", scripted, cut_off=True)
    assert sorted(role for role, _ in seen) == ["annotator", "annotator", "classifier", "structurer"]
    leaves = {name for leaf in read_taxonomy(None).leaves for name in re.findall("[A-Za-z]{3,}", str(leaf))}
    for role, told in seen:
        ours = told.partition("Answer with one JSON object")[0].replace("A free description of", "")
        foreign = set(re.findall(r"[A-Za-z]{3,}", ours)) - FIELDS - {"mp4", "seconds"}
        assert not foreign - (leaves if role == "classifier" else set()), (role, foreign)
        assert re.search("[가-힣]{2}", ours), role


def test_a_declared_language_counts_where_nothing_is_said(tmp_path: Path, clip: Path, scripted) -> None:
    clip.with_suffix(".info.json").write_text('{"language": "ko-KR", "title": "망원경"}', encoding="utf-8")
    assert all("영상" in told for _, told in asked(clip, tmp_path / "out", scripted))


def test_english_words_outweigh_a_declared_language(tmp_path: Path, clip: Path, scripted) -> None:
    clip.with_suffix(".info.json").write_text('{"language": "ko"}', encoding="utf-8")
    clip.with_suffix(".srt").write_text(WORDS.replace("망원경이 보낸 사진을 함께 보겠습니다", "This is the telescope"))
    first = asked(clip, tmp_path / "out", scripted)
    assert ["To which" in first[0][1], "You watch a video" in first[1][1], "Below is" in first[2][1]] == [True] * 3
