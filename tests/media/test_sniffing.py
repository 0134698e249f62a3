"""Media types by content."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from sightline.media.sniffing import UNKNOWN, sniff, sniff_file


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "tiff", "bmp", "avif"])
def test_pictures_written_by_another_program(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, kind)
    assert sniff(out.getvalue()) == f"image/{kind}"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\n" * 1000 + b"%PDF-1.4", "application/pdf"),
        (b"\n" * 1100 + b"%PDF-1.4", UNKNOWN),
        (b"PK\x03\x04rest", "application/zip"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypheic", "image/heic"),
        (b"BM is how this sentence begins", UNKNOWN),
        (b"%PD", UNKNOWN),
        (b"", UNKNOWN),
        (b"plain words", UNKNOWN),
    ],
)
def test_heads(head: bytes, expected: str) -> None:
    assert sniff(head) == expected


def test_every_sample_is_what_its_collector_says(samples: Path) -> None:
    kinds = {".pdf": "application/pdf", ".mp4": "video/mp4", ".webm": "video/webm", ".jpg": "image/jpeg"}
    kinds |= {".png": "image/png", ".vtt": "text/vtt"}
    files = [path for path in samples.rglob("*") if path.suffix in kinds]
    assert len(files) > 80
    for path in files:
        assert sniff_file(path) == kinds[path.suffix], path.name


def test_the_name_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "picture.pdf").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert sniff_file(tmp_path / "picture.pdf") == "image/png"
