"""OCR engines and the choice between them. Engines that are not installed skip their tests."""

from __future__ import annotations

import shutil
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from sightline.core.errors import InputError, MissingExtra, Reject
from sightline.core.media import Box, Source
from sightline.core.ports import OCR
from sightline.media import ocr as ocr_module
from sightline.media.ocr import RapidOcr, Tesseract, choose_ocr, tesseract_languages
from sightline.media.pdf import read_page

has_tesseract = shutil.which("tesseract") is not None and {"eng", "kor"} <= tesseract_languages()
needs_tesseract = pytest.mark.skipif(not has_tesseract, reason="tesseract with eng and kor is not installed")
needs_rapidocr = pytest.mark.skipif(find_spec("rapidocr") is None, reason="rapidocr is not installed")

SENTENCE = "Docling bundles PDF document conversion to\nJSON and Markdown in an easy self contained\npackage"


def read(path: Path, index: int, engine: OCR, language: str = "auto") -> str:
    source = Source(name=path.name, uri=str(path), sha256="0" * 64, media_type="application/pdf", size=1)
    page = read_page(path, source, index, ocr=engine, language=language)
    for word in page.words:
        assert -1 <= word.box.left < word.box.right <= page.width + 1
        assert -1 <= word.box.top < word.box.bottom <= page.height + 1
    return page.text


@needs_tesseract
def test_tesseract_reads_scans_however_they_are_turned(samples: Path) -> None:
    path = samples / "docs" / "scan_rotated_pages_4p.pdf"
    for index in range(4):
        assert read(path, index, Tesseract()) == SENTENCE


@needs_tesseract
def test_tesseract_reads_a_book_page(samples: Path) -> None:
    text = read(samples / "docs" / "scan_huckfinn_1p.pdf", 0, Tesseract(("eng",)))
    assert "We went tip-toeing along a path amongst\nthe trees back towards the end of the" in text


@needs_tesseract
@pytest.mark.parametrize(
    "name", ["ko_scan_vertical_1p.pdf", pytest.param("zh_scan_report_1p.pdf", marks=pytest.mark.slow)]
)
def test_what_tesseract_cannot_read_is_refused(samples: Path, name: str) -> None:
    with pytest.raises(Reject) as caught:
        read(samples / "docs" / name, 0, Tesseract())
    assert caught.value.reason == "ocr-unsure"
    assert caught.value.evidence["confidence"] < 0.5  # type: ignore[operator]


@needs_tesseract
def test_tesseract_reads_korean_words_whole(samples: Path) -> None:
    """Against the same page's own text layer: 44 % of words are found before syllables are joined, 63 % after."""
    path = next((samples / "docs").glob("국회*.pdf"))
    source = Source(name=path.name, uri=str(path), sha256="0" * 64, media_type="application/pdf", size=1)
    page = read_page(path, source, 1)
    truth = Counter(word.text for word in page.words)
    found = Counter(word.text for word in Tesseract().words(page.blob or b""))
    assert (truth & found).total() / truth.total() > 0.55


def test_a_missing_language_or_program_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    if has_tesseract:
        with pytest.raises(MissingExtra, match="apt install tesseract-ocr-xyz"):
            Tesseract(("eng", "xyz"))
    tesseract_languages.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingExtra, match="apt install"):
        Tesseract()
    monkeypatch.undo()
    tesseract_languages.cache_clear()


@needs_rapidocr
def test_rapidocr_reads_chinese(samples: Path) -> None:
    text = read(samples / "docs" / "zh_scan_report_1p.pdf", 0, RapidOcr(), "zh")
    assert "2024年度营业收入：人民币5,000万元" in text


@needs_rapidocr
@pytest.mark.slow
def test_rapidocr_reads_turned_english(samples: Path) -> None:
    turned = read(samples / "docs" / "scan_rotated_pages_4p.pdf", 1, RapidOcr(), "en")
    assert turned.split() == SENTENCE.split()


@needs_rapidocr
def test_korean_never_goes_to_rapidocr(samples: Path) -> None:
    with pytest.raises(Reject) as caught:
        read(samples / "docs" / "ko_scan_vertical_1p.pdf", 0, RapidOcr(), "ko")
    assert caught.value.reason == "ocr-cannot-read"


@needs_rapidocr
@pytest.mark.slow
def test_rapidocr_is_not_sure_of_korean(samples: Path) -> None:
    with pytest.raises(Reject) as caught:
        read(samples / "docs" / "ko_scan_vertical_1p.pdf", 0, RapidOcr(), "auto")
    assert caught.value.reason == "ocr-unsure"


def test_choice_by_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_module, "tesseract_languages", lambda: frozenset({"eng"}))
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/tesseract")
    assert choose_ocr("ko", "none") is None
    assert choose_ocr("ko") is None, "English data alone does not read Korean"
    assert choose_ocr("auto") is None, "an unknown language may be Korean"
    english = choose_ocr("en")
    assert english is not None
    assert english.name == "tesseract-eng"
    for language in ("ko", "auto"):
        with pytest.raises(InputError):
            choose_ocr(language, "rapidocr")
    if find_spec("rapidocr"):
        chinese = choose_ocr("zh")
        assert chinese is not None
        assert "zh" in chinese.languages


def test_boxes_of_a_turned_picture_are_turned_back() -> None:
    picture = Image.new("L", (40, 20), 0)
    picture.paste(255, (5, 3, 15, 9))
    for turn in (0, 90, 180, 270):
        turned = picture.rotate(-turn, expand=True)
        box = Box(*map(float, turned.getbbox() or ()))
        assert ocr_module._turned_back(box, turn, 40, 20) == Box(5, 3, 15, 9)
