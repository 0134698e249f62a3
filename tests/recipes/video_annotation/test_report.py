"""The page, the audit and the command line, on one built dataset."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from sightline.cli.build_videos import command
from sightline.core.errors import InputError
from sightline.pipeline import ExecutorConfig
from sightline.recipes.dataset import Dataset
from sightline.recipes.video_annotation.audit import audit_videos
from sightline.recipes.video_annotation.build import Engine, build_videos
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.filters import FilterConfig
from sightline.recipes.video_annotation.report import write_video_report

LOOSE = VideoAnnotationConfig(filters=FilterConfig(min_words=0, min_words_per_second=0, max_static=1.1))
EVIL = '<script>alert("x")</script>'


@pytest.fixture
def built(tmp_path: Path, samples: Path, scripted) -> Path:
    def spoil(role: str, request: object, text: str) -> str:
        return text.replace("A scripted title", json.dumps(EVIL)[1:-1]) if role == "structurer" else text

    out = tmp_path / "out"
    names = ("street_scenes_10s.mp4", "webb_narration_13s.mp4")
    build_videos(
        [samples / "videos" / name for name in names], out, scripted(spoil=spoil), LOOSE,
        engine=Engine(executor=ExecutorConfig(workers=1)),
    )  # fmt: skip
    return out


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_page_audit_and_card(built: Path) -> None:
    audit = audit_videos(built)
    assert audit.false_alarms["time checks"]["refused"] == 0
    assert {row["kind"]: row["caught"] == row["planted"] for row in audit.rows if row["planted"]} == dict.fromkeys(
        (row["kind"] for row in audit.rows), True
    )
    text = write_video_report(built).read_text()
    page = Tags()
    page.feed(text)
    assert "script" not in page.tags
    assert "&lt;script&gt;" in text
    assert page.tags.count("img") == 4
    outside = [link for link in page.links if not link.startswith(("#", "data:image/jpeg"))]
    assert outside
    assert page.tags.count("video") == 2
    policy = next(line for line in text.splitlines() if "Content-Security-Policy" in line)
    assert "media-src &#39;self&#39;" in policy, "without it a browser refuses to play what lies beside the page"
    assert all((built / link.split("#")[0]).resolve().is_file() for link in outside)
    card = (built / "README.md").read_text()
    assert "planted error" in card
    assert re.search(r"2 videos, 0\.01 hours", card)


def test_audit_needs_what_was_measured(built: Path) -> None:
    shutil.rmtree(built / ".sightline")
    with pytest.raises(InputError):
        audit_videos(built)


def test_nothing_came_through(tmp_path: Path, samples: Path, scripted) -> None:
    out = tmp_path / "out"
    build_videos([samples / "videos" / "courtyard_static_camera_20s.mp4"], out, scripted())
    assert "No video came through" in write_video_report(out).read_text()


def test_command_line(tmp_path: Path, samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "own_annotator.py"
    module.write_text(
        "from sightline.lm import Scripted\n\n"
        "def annotator():\n    return Scripted(lambda request: 'only words, never fields', 'own')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    video = str(samples / "videos" / "street_scenes_10s.mp4")
    out = tmp_path / "out"
    base = [video, "--out", str(out), "--annotator", "own_annotator:annotator", "--workers", "1"]
    ran = CliRunner().invoke(
        command, [*base, "--min-words", "0", "--min-words-per-second", "0"], catch_exceptions=False
    )
    assert ran.exit_code == 0
    assert "unstructured" in ran.output
    assert (out / "report.html").is_file()
    (one,) = Dataset(out).rejects()
    assert one.evidence["text"] == "only words, never fields"
    bad = CliRunner().invoke(command, [*base, "--max-minutes", "-1"])
    assert isinstance(bad.exception, InputError)
    assert "--max-minutes" in str(bad.exception)
