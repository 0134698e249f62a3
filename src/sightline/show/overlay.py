"""Pictures for people: boxes drawn into a copy, and small copies for a page."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from sightline.core.errors import MediaError
from sightline.core.media import Box

_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)
MARK = (200, 75, 0)
"""The colour of evidence; the same as --mark of page.css."""


def draw_boxes(picture: bytes, boxes_px: Sequence[Box], labels: Sequence[str] = ()) -> bytes:
    """A PNG of `picture` with a frame around each box (pixels) and its label above it; `labels` is empty or one per
    box. Raises MediaError where the picture cannot be read."""
    assert not labels or len(labels) == len(boxes_px), "labels: none, or one per box"
    image = _opened(picture).convert("RGB")
    stroke = max(2, round(max(image.size) / 500))
    font = ImageFont.load_default(size=stroke * 7)
    pen = ImageDraw.Draw(image)
    for n, box in enumerate(boxes_px):
        pen.rectangle(
            (box.left - stroke, box.top - stroke, box.right + stroke, box.bottom + stroke), None, MARK, stroke
        )
        if labels:
            place = (box.left, max(0, box.top - stroke * 10))
            ground = pen.textbbox(place, labels[n], font)
            pen.rectangle((ground[0] - 2, ground[1] - 2, ground[2] + 2, ground[3] + 2), MARK)
            pen.text(place, labels[n], "white", font)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def thumbnail(picture: bytes, max_side: int, *, quality: int = 70) -> bytes:
    """An upright WebP copy whose longer side is at most `max_side` pixels; never enlarged, nothing hidden in metadata.
    Raises MediaError where the picture cannot be read."""
    image = _opened(picture).convert("RGB")
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=5)
    return out.getvalue()


def pixels(picture: bytes) -> tuple[int, int]:
    """Width and height without decoding. Raises MediaError where the picture cannot be read."""
    try:
        with Image.open(io.BytesIO(picture)) as image:
            return image.size
    except _UNREADABLE as error:
        raise MediaError("a stored picture cannot be read", subject=str(error)) from error


def _opened(picture: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(picture))
        image.load()
    except _UNREADABLE as error:
        raise MediaError("a stored picture cannot be read", subject=str(error)) from error
    return ImageOps.exif_transpose(image)
