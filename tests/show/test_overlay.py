"""Boxes on pictures and small copies."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import MediaError
from sightline.core.media import Box
from sightline.show.overlay import MARK, draw_boxes, pixels, thumbnail


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def test_the_frame_stands_around_the_box_and_leaves_it_free() -> None:
    drawn = draw_boxes(encoded(Image.new("RGB", (300, 200), "white")), [Box(100, 50, 200, 80)])
    marked = (np.asarray(Image.open(io.BytesIO(drawn))) == MARK).all(axis=2)
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (48, 82, 98, 202)
    assert not marked[51:80, 101:200].any()


def test_labels_are_drawn_and_counted() -> None:
    picture = encoded(Image.new("L", (300, 200), 255))
    boxes = [Box(100, 50, 200, 80)]
    assert draw_boxes(picture, boxes, ["1"]) != draw_boxes(picture, boxes)
    with pytest.raises(AssertionError):
        draw_boxes(picture, boxes, ["1", "2"])


def test_a_thumbnail_of_a_turned_photo_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert pixels(thumbnail(encoded(Image.new("RGB", (40, 20), "white"), "JPEG", exif=exif), 500)) == (20, 40)


@pytest.mark.parametrize(("size", "small"), [((2000, 1000), (500, 250)), ((300, 200), (300, 200))])
def test_a_thumbnail_keeps_its_shape_and_is_never_enlarged(size: tuple[int, int], small: tuple[int, int]) -> None:
    made = thumbnail(encoded(Image.new("RGB", size, "white")), 500)
    assert pixels(made) == small
    assert Image.open(io.BytesIO(made)).format == "WEBP"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_is_shown(mode: str) -> None:
    form = "TIFF" if mode == "CMYK" else "PNG"
    made = thumbnail(encoded(Image.new(mode, (60, 40)), form), 500)
    assert Image.open(io.BytesIO(made)).mode == "RGB"


def test_a_thumbnail_tells_nothing_that_is_not_in_the_picture() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    made = thumbnail(encoded(Image.new("RGB", (60, 40)), "JPEG", exif=exif), 500)
    assert not Image.open(io.BytesIO(made)).getexif()


@pytest.mark.parametrize("broken", [b"", b"no picture", encoded(Image.effect_noise((90, 90), 50))[:300]])
def test_a_broken_picture_is_named(broken: bytes) -> None:
    with pytest.raises(MediaError):
        thumbnail(broken, 100)
    with pytest.raises(MediaError):
        draw_boxes(broken, [])


def test_a_picture_that_claims_to_be_huge_is_refused() -> None:
    small = encoded(Image.new("RGB", (8, 8)))
    huge = struct.pack(">II", 60_000, 60_000)
    header = b"IHDR" + huge + small[24:29]
    picture = small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]
    for use in (pixels, lambda data: thumbnail(data, 100)):
        with pytest.raises(MediaError):
            use(picture)
