"""Rendered lines of writing, for learning to read: numbers, amounts, dates, times, codes, words and plain letters,
short ones first. Synthetic; every run that uses them says so.
"""

from __future__ import annotations

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture

LINE: Final = (384, 16)
"""Pixels of a line, width and height. Letters are made three times as wide, so that one is about as wide as a feature
of the model (16 pixels): reading on is then a step of one feature."""
STRETCH: Final = 3.0
LONGEST: Final = 24
"""Letters of a line at most: one for each feature."""
LETTERS: Final = "".join(map(chr, range(33, 127)))
QUESTION: Final = "read"
MONTHS: Final = ("January", "March", "April", "June", "July", "May", "August", "October")
UNITS: Final = ("", " %", "%", ".5 %", " EUR", " kg")
COMMON: Final = tuple(
    word
    for line in (
        "the of and to in for is on that by this with you it not or be are from at as your all have new more an",
        "was we will home can us about if page my has search free but our one other do no information time they",
        "site he up may what which their news out use any there see only so his when contact here business who",
        "web also now help get view online first been would how were services some click its like service than",
        "find price date back top people list name just over state year day into email two health world next used",
        "go work last most products",
    )
    for word in line.split()
)
FACES: Final = (
    *(
        f"/usr/share/fonts/truetype/liberation/Liberation{kind}-{style}.ttf"
        for kind in ("Sans", "Serif", "Mono", "SansNarrow")
        for style in ("Regular", "Bold")
    ),
    *(f"/usr/share/fonts/truetype/dejavu/DejaVuSans{style}.ttf" for style in ("", "-Bold")),
    *(f"/System/Library/Fonts/{name}" for name in ("Helvetica.ttc", "Courier.ttc", "Times.ttc")),
    *(f"C:/Windows/Fonts/{name}.ttf" for name in ("arial", "arialbd", "cour", "times")),
)
"""Those that are there are used, beside Pillow's own."""


class Line(NamedTuple):
    """One line with what it says."""

    id: str
    document: str
    question: str
    """What the dataset asks. The model is asked to read: a crop holds its answer alone."""
    answer: str
    data: bytes

    @property
    def messages(self) -> tuple[Message, Message]:
        ref = MediaRef(sha256=hashlib.sha256(self.data).hexdigest(), media_type="image/png")
        return Message.of("user", Picture(ref=ref, data=self.data), QUESTION), Message.of("assistant", self.answer)


def canvas(cut: Image.Image, wide: int = LINE[0]) -> bytes:
    """As high as a line, at the left, on white."""
    high = LINE[1]
    page = Image.new("RGB", (wide, high), "white")
    size = (max(1, min(wide, round(cut.width * high / cut.height * STRETCH))), high)
    page.paste(cut.resize(size, Image.Resampling.BICUBIC), (0, 0))
    out = BytesIO()
    page.save(out, "PNG", compress_level=1)
    return out.getvalue()


@cache
def faces() -> tuple[Any, ...]:
    """Fonts of this machine, in two sizes."""
    found = [place for place in FACES if Path(place).is_file()]
    return tuple(
        font
        for size in (24, 32)
        for font in (ImageFont.load_default(size), *(ImageFont.truetype(place, size) for place in found))
    )


def length(done: float) -> int:
    """Letters of the longest line when this share of the steps is done: 2 for a tenth of them, then evenly up to
    `LONGEST` at six tenths."""
    return max(2, min(LONGEST, int(2 + (LONGEST - 2) * (done - 0.1) / 0.5)))


def rendered(n: int, longest: int, *seed: int) -> list[Line]:
    """`n` lines of at most `longest` letters, every fourth of up to four more, on a canvas as wide as these take; the
    same for the same seed."""
    draw = np.random.default_rng(seed)
    more = min(LONGEST, longest + 4)
    wide = LINE[0] * more // LONGEST
    return [_line(draw, longest if i % 4 else more, wide, str(i)) for i in range(n)]


def _line(draw: np.random.Generator, longest: int, wide: int, name: str) -> Line:
    text = _text(draw, longest)
    font = faces()[int(draw.integers(len(faces())))]
    left, top, right, bottom = (int(side) for side in font.getbbox(text))
    if draw.integers(2):  # as high as the font, or as what is written
        top, bottom = 0, sum(font.getmetrics())
    air = float(draw.uniform(0.02, 0.18)) * (bottom - top)
    ink, paper = (tuple(int(v) for v in draw.integers(low, high, 3)) for low, high in ((0, 110), (215, 256)))
    if not draw.integers(5):
        ink, paper = paper, ink
    cut = Image.new("RGB", (int(right - left + 2 * air), int(bottom - top + 2 * air)), paper)
    ImageDraw.Draw(cut).text((air - left, air - top), text, font=font, fill=ink)
    return Line(name, "rendered", QUESTION, text, canvas(cut, wide))


def _text(draw: np.random.Generator, longest: int) -> str:
    """While lines are short, letters in any order: nothing can be guessed, everything must be seen."""
    if draw.random() < (0.85 if longest < 4 else 0.35):
        text = "".join(draw.choice(list(LETTERS)) for _ in range(int(draw.integers(1, min(11, longest + 1)))))
    else:
        text = _phrase(draw)
    return text[:longest].strip() or "a"


def _phrase(draw: np.random.Generator) -> str:
    kind = int(draw.integers(8))
    whole = int(draw.integers(10 ** int(draw.integers(1, 6))))
    if kind == 0:
        return f"{whole:,}{draw.choice(UNITS)}"
    if kind == 1:
        return f"{int(draw.integers(1, 10000)):,}.{int(draw.integers(100)):02d}{draw.choice(UNITS)}"
    if kind == 2:
        return f"{int(draw.integers(1, 32))} {draw.choice(MONTHS)} {int(draw.integers(1990, 2030))}"
    if kind == 3:
        return f"{int(draw.integers(24))}:{int(draw.integers(60)):02d}"
    if kind == 4:
        return f"{_word(draw)[:2].upper()}-{whole}"
    words = [str(draw.choice(COMMON)) if draw.integers(2) else _word(draw) for _ in range(int(draw.integers(1, 5)))]
    large = (kind == 5, kind < 7)  # every word, the first word
    return " ".join(word.capitalize() if large[not i] or large[0] else word for i, word in enumerate(words))


def _word(draw: np.random.Generator) -> str:
    """Pronounceable, so that pairs of letters come as in words."""
    pairs = [str(draw.choice(list("bcdfghklmnprstvw"))) + str(draw.choice(list("aeiou"))) for _ in range(3)]
    return "".join(pairs)[: int(draw.integers(2, 7))]
