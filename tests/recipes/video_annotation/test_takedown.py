"""A takedown leaves nothing of the source: no record, no frame, no answer, no download; and all of the others."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sightline.core.errors import InputError
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.manifest import videos_of
from sightline.recipes.video_annotation.takedown import read_takedown, take_down

LOOSE = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
ENGINE = Engine(executor=ExecutorConfig(workers=1, time_limit=120))
GONE, STAYS = "street_scenes_10s.mp4", "webb_narration_13s.mp4"


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    made = tmp_path / "videos"
    made.mkdir()
    for name in (GONE, STAYS):
        shutil.copy(samples / "videos" / name, made)
    return made


def holding(out: Path, needle: bytes) -> list[str]:
    """Files of the results that hold these bytes, Parquet unpacked."""
    found = []
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += str(pq.read_table(path).to_pylist()).encode()
        if needle in data:
            found.append(path.name)
    return found


def test_nothing_of_it_is_left(tmp_path: Path, folder: Path, scripted) -> None:
    out = tmp_path / "out"

    def marked(role: str, request: object, text: str) -> object:
        """All words about the shorter video carry a mark; the structurer answers badly the first time."""
        shorter = "video of 00:00:10" in request.messages[0].text  # type: ignore[attr-defined]
        text = text.replace("free description", "MARKED") if shorter and role == "annotator" else text
        text = text.replace("A scripted title", "MARKED") if shorter and role == "structurer" else text
        first = role == "structurer" and len(request.messages) == 1  # type: ignore[attr-defined]
        return text.replace("Curious", "Thrilled") if first else text

    build_videos([folder], out, scripted(spoil=marked), LOOSE, engine=ENGINE)
    sha256 = hashlib.sha256((folder / GONE).read_bytes()).hexdigest().encode()
    assert holding(out, b"MARKED")
    assert holding(out, sha256)
    listed = tmp_path / "takedown.txt"
    listed.write_text(f"# asked by its maker\n{GONE}\n")
    removed = take_down(out, read_takedown(listed))
    assert (removed.videos, removed.replies, removed.copies) == (1, 4, 0)
    models = scripted()
    result = build_videos(videos_of([folder], out, takedown=listed), out, models, LOOSE, engine=ENGINE)
    assert result.complete
    assert sum(models.annotator.asked.values()) == 0  # the other video's answers are all there
    (row,) = Dataset(out).rows()
    assert row["source"]["name"] == STAYS
    assert [(one.origin, one.reason) for one in Dataset(out).rejects()] == [(GONE, "taken-down")]
    assert holding(out, b"MARKED") == []
    assert holding(out, sha256) == []
    assert (folder / GONE).is_file(), "a person's own file is not ours to delete"
    assert take_down(out, read_takedown(listed)).videos == 0


@pytest.mark.slow
def test_others_are_untouched(tmp_path: Path, folder: Path, scripted) -> None:
    out = tmp_path / "out"
    build_videos([folder], out, scripted(), LOOSE, engine=ENGINE)
    before = {row["id"]: row["thumbnails"] for row in Dataset(out).rows() if row["source"]["name"] == STAYS}
    take_down(out, frozenset({GONE}))
    (folder / GONE).unlink()
    result = build_videos([folder], out, scripted(), LOOSE, engine=ENGINE)
    watch = next(step for step in result.funnel if step.step == "watch")
    assert watch.reused == watch.took == 1
    assert {row["id"]: row["thumbnails"] for row in Dataset(out).rows()} == before
    with sqlite3.connect(out / ".sightline" / "ledger.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nothing_to_take_down(tmp_path: Path) -> None:
    assert take_down(tmp_path / "none", frozenset({"x"})).videos == 0
    assert not (tmp_path / "none").exists()


def test_a_byte_order_mark_hides_no_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo # asked twice\r\n")
    assert read_takedown(path) == {"one", "two"}


def test_only_videos_are_taken_down(built_examples: Path) -> None:
    with pytest.raises(InputError, match="results of the recipe 'document_qa'"):
        take_down(built_examples, frozenset({"a.mp4"}))
