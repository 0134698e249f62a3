"""Synthetic pictures for learning to see: colour, count, place, digits, Hangul, boxes. Rendered on the spot, each with
the one right answer; every run that uses them says "synthetic".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sightline.core.errors import InputError
from sightline.core.media import Box, MediaRef
from sightline.core.message import Message, Picture
from sightline.vlm.boxes import spelled

SIDE: Final = 48
GRID: Final = 8
"""Corners of boxes lie on every `SIDE / GRID`th pixel, so that a coordinate is one of nine numbers."""
COLOURS: Final = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (230, 200, 40),
    "black": (20, 20, 20),
    "purple": (150, 60, 180),
}
SYLLABLES: Final = "가나다라마바사아자차카타파하고누"
TASKS: Final = ("colour", "count", "place", "digits", "hangul", "box")
INK: Final = (20, 20, 20)
"""Writing is dark and stands near the middle; everything else has a colour and a place of its own."""
WORDS: Final = (
    *("user\n", "assistant\n", "colour?", "count?", "place?", "box?", "read"),
    *COLOURS,
    *("<box>", "</box>", ", "),
    *(str(place * 1000 // GRID) for place in range(1, GRID + 1)),
    *SYLLABLES,
)
"""What a small model's tokenizer holds as one token each beside single bytes, so that rows are short."""
HANGUL_FONTS: Final = (
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/AppleSDGothicNeo.ttc",
    "C:/Windows/Fonts/malgun.ttf",
)


class Shown(NamedTuple):
    """One picture with its question and answer."""

    task: str
    picture: Image.Image
    question: str
    answer: str
    box: Box | None = None

    @property
    def messages(self) -> tuple[Message, Message]:
        out = BytesIO()
        self.picture.save(out, "PNG")
        data = out.getvalue()
        ref = MediaRef(sha256=hashlib.sha256(data).hexdigest(), media_type="image/png", width=SIDE, height=SIDE)
        return Message.of("user", Picture(ref=ref, data=data), self.question), Message.of("assistant", self.answer)


def hangul_font() -> str:
    """A font with Hangul. Raises InputError where none is found."""
    for place in HANGUL_FONTS:
        if Path(place).is_file():
            return place
    raise InputError("no font with Hangul on this machine", remedy="install NanumGothic, or leave out task 'hangul'")


def shown(task: str, draw: np.random.Generator) -> Shown:
    """A fresh picture of `task`; equal draws give equal pictures."""
    tint = int(draw.integers(225, 256))
    picture = Image.new("RGB", (SIDE, SIDE), (tint, tint, tint))
    pen = ImageDraw.Draw(picture)
    name = str(draw.choice(list(COLOURS)))
    colour = COLOURS[name]
    if task == "colour":
        side = int(draw.integers(10, 24))
        x, y = (int(v) for v in draw.integers(1, SIDE - side, 2))
        pen.rectangle((x, y, x + side, y + side), fill=colour)
        return Shown(task, picture, "colour?", name)
    if task == "count":
        many = int(draw.integers(1, 6))
        for cell in draw.permutation(9)[:many]:
            x, y = (int(cell) % 3 * 16 + int(draw.integers(2, 6)), int(cell) // 3 * 16 + int(draw.integers(2, 6)))
            pen.ellipse((x, y, x + 9, y + 9), fill=colour)
        return Shown(task, picture, "count?", str(many))
    if task == "place":
        row, col = (int(v) for v in draw.integers(0, 3, 2))
        x, y = col * 16 + int(draw.integers(1, 5)), row * 16 + int(draw.integers(1, 5))
        pen.rectangle((x, y, x + 10, y + 10), fill=colour)
        return Shown(task, picture, "place?", f"{'abc'[row]}{col + 1}")
    if task == "box":
        unit = SIDE // GRID
        wide, high = (int(v) for v in draw.integers(2, 6, 2))
        x, y = int(draw.integers(0, GRID - wide + 1)), int(draw.integers(0, GRID - high + 1))
        box = Box(x * unit, y * unit, (x + wide) * unit, (y + high) * unit)
        pen.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), fill=colour)
        return Shown(task, picture, "box?", spelled(box, (SIDE, SIDE)), box)
    if task not in ("digits", "hangul"):
        raise InputError("no such task", subject=task, remedy=f"one of {', '.join(TASKS)}")
    digits = task == "digits"
    words = f"{int(draw.integers(0, 100)):02d}" if digits else str(draw.choice(list(SYLLABLES)))
    font = ImageFont.load_default(30) if digits else ImageFont.truetype(hangul_font(), 34)
    right, down = (int(v) for v in draw.integers(-4, 5, 2))
    pen.text((SIDE // 2 + right, SIDE // 2 + down), words, font=font, fill=INK, anchor="mm")
    return Shown(task, picture, "read", words)


def series(tasks: tuple[str, ...], n: int, *seed: int) -> Iterator[Shown]:
    """`n` pictures, tasks in turn; the same for the same seed."""
    draw = np.random.default_rng(seed)
    for i in range(n):
        yield shown(tasks[i % len(tasks)], draw)
