"""A dry run reckons with what the build would read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from sightline.core.media import Box, Word
from sightline.lm import Scripted
from sightline.pipeline import ExecutorConfig
from sightline.recipes.document_qa import reading
from sightline.recipes.document_qa.config import DocumentQAConfig, ReadConfig
from sightline.recipes.document_qa.forecast import forecast_documents
from sightline.recipes.document_qa.models import Models


class Reader:
    name, languages = "scripted", frozenset({"en"})

    def words(self, picture: bytes) -> tuple[Word, ...]:
        return tuple(Word(text="total", box=Box(50, y, 150, y + 40), line=y, block=0) for y in range(50, 500, 50))


@pytest.mark.parametrize(("ocr", "unreadable", "requests"), [("none", 1, 0), ("auto", 0, 1)])
def test_scans_are_reckoned_with_where_they_would_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocr: str, unreadable: int, requests: int
) -> None:
    scan = Image.new("L", (1240, 1754), 255)
    ImageDraw.Draw(scan).text((50, 50), "total", font_size=40)
    scan.save(tmp_path / "scan.pdf", resolution=150)
    monkeypatch.setattr(reading, "_engine", lambda name, language: None if name == "none" else Reader())
    config = DocumentQAConfig(read=ReadConfig.model_validate({"ocr": ocr, "ocr_language": "en"}))
    found = forecast_documents([tmp_path], config, Models(Scripted(lambda _: "")), ExecutorConfig(workers=1))
    assert (found.pages, found.unreadable) == (1, unreadable)
    assert found.roles[0].requests == requests
