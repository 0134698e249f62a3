from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pypdfium2 as pdfium
import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
FONT = Path("/usr/share/fonts/truetype/nanum/NanumGothic.ttf")


def text_of(path: Path) -> list[str]:
    with pdfium.PdfDocument(path) as document:
        return [document[i].get_textpage().get_text_range() for i in range(len(document))]


def make(folder: Path) -> dict[str, bytes]:
    script = EXAMPLES / "make_documents.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.pdf"))}


@pytest.mark.skipif(not FONT.is_file(), reason="the Korean notice needs the font NanumGothic (fonts-nanum)")
def test_the_script_makes_the_committed_documents_again(tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    assert one == two
    kept = sorted((EXAMPLES / "documents").glob("*.pdf"))
    assert [path.name for path in kept] == list(one)
    for path in kept:
        assert text_of(path) == text_of(tmp_path / "one" / path.name)


def test_they_are_small_and_only_the_scan_has_no_text() -> None:
    kept = sorted((EXAMPLES / "documents").glob("*.pdf"))
    assert len(kept) == 6
    assert sum(path.stat().st_size for path in kept) < 400_000
    assert [path.stem for path in kept if not "".join(text_of(path)).strip()] == ["scan"]
