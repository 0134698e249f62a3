"""Boxes as text: written in one declared space, read back, drawn.

`<box>x1, y1, x2, y2</box>` in pixels, fractions or thousandths of the *original* picture, so that resizing, padding
and tiling on the way to the model do not touch them. Ordinary characters: no token is reserved.
"""

from __future__ import annotations

import re
from typing import Literal

from PIL import Image, ImageDraw

from sightline.core.media import Box

Space = Literal["pixel", "unit", "thousand"]
_BOX = re.compile(r"<box>\s*" + r"\s*,\s*".join([r"(-?\d+(?:\.\d+)?)"] * 4) + r"\s*</box>")


def spelled(box: Box, size: tuple[int, int], space: Space = "thousand") -> str:
    """A box in pixels of a picture of `size` (width, height) as text.

    >>> spelled(Box(0, 0, 50, 100), (100, 200))
    '<box>0, 0, 500, 500</box>'
    """
    wide, high = size
    if space == "pixel":
        numbers = [f"{value:.0f}" for value in box]
    else:
        parts = (box.left / wide, box.top / high, box.right / wide, box.bottom / high)
        numbers = [f"{part * 1000:.0f}" if space == "thousand" else f"{part:.4f}" for part in parts]
    return f"<box>{', '.join(numbers)}</box>"


def boxes_in(text: str, size: tuple[int, int], space: Space = "thousand") -> list[Box]:
    """The boxes of a reply in pixels of the picture. One that leaves the picture or has its corners reversed is left
    out: it is no box of this space."""
    wide, high = size
    units = {"pixel": (1.0, 1.0), "unit": (wide, high), "thousand": (wide / 1000, high / 1000)}[space]
    found = []
    for match in _BOX.finditer(text):
        left, top, right, bottom = (float(value) for value in match.groups())
        box = Box(left * units[0], top * units[1], right * units[0], bottom * units[1])
        if 0 <= box.left <= box.right <= wide and 0 <= box.top <= box.bottom <= high:
            found.append(box)
    return found


def drawn(picture: Image.Image, boxes: list[Box]) -> Image.Image:
    """A copy with the boxes outlined; line width by size."""
    out = picture.convert("RGB")
    pen = ImageDraw.Draw(out)
    for box in boxes:
        pen.rectangle(box, outline=(220, 30, 30), width=max(1, min(out.size) // 200))
    return out
