"""Read the answers of a document dataset: a tiny model learns to read rendered lines, then the dataset's own crops;
ANLS before and after, every document answered by a model that never trained on it. Small: it shows the way, not a
result about documents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import torch
from PIL import Image, ImageDraw, ImageFont
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError, Reject
from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture, Request
from sightline.core.score import Score
from sightline.evaluate.metrics.anls import anls, totals
from sightline.evaluate.statistics import paired_t
from sightline.runs.vlm_pictures import hangul_font
from sightline.runs.vlm_run import VLMRun, run
from sightline.runs.vlm_stages import ALL, tiny_config
from sightline.train.packing import epochs
from sightline.train.stages import Stage, train
from sightline.vlm.chat import VLMChat, loaded
from sightline.vlm.pixels import opened
from sightline.vlm.resolution import Native

LINE: Final = (192, 32)
"""Pixels of a crop, width and height."""
LONGEST: Final = 24
"""Letters of an answer at most: beyond it they are fewer than eight pixels wide."""
LETTERS: Final = "".join(map(chr, range(33, 127)))
MONTHS: Final = ("January", "March", "April", "June", "July", "May", "August", "October")


class Line(NamedTuple):
    """One crop with its question."""

    id: str
    document: str
    question: str
    answer: str
    data: bytes

    @property
    def messages(self) -> tuple[Message, Message]:
        ref = MediaRef(sha256=hashlib.sha256(self.data).hexdigest(), media_type="image/png")
        return Message.of("user", Picture(ref=ref, data=self.data), self.question), Message.of("assistant", self.answer)


class Sizes(BaseModel):
    """Sizes of the documents run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=500, ge=1)
    """Optimizer steps on rendered lines, 32 each."""
    lines: int = Field(default=6000, ge=1)
    """Different rendered lines."""
    tuning: int = Field(default=40, ge=1)
    """Optimizer steps on the dataset's crops, 16 each, for every document left out."""
    seed: int = 0


def read_documents(data: Path, out: Path, sizes: Sizes | None = None) -> dict[str, Any]:
    """Writes OUT/base (reads rendered lines), OUT/tuned-N (without document N) and OUT/documents.json; returns the
    latter. Goes on where it was interrupted. Raises InputError where the dataset has fewer than two documents with a
    short answer that stands in one place."""
    torch.set_num_threads(1)
    sizes = sizes or Sizes()
    lines, refused = crops(data)
    documents = sorted({line.document for line in lines})
    if len(documents) < 2:
        raise InputError("fewer than two documents with short answers", subject=data, remedy="build a larger dataset")
    config = reading_config(sizes)
    rows = [line.messages for line in rendered(sizes.lines, sizes.seed)]
    base = run(config, {"lines": rows}, out / "base")
    before = _replies(base.model, base.reader, lines)
    after = dict.fromkeys((line.id for line in lines), "")
    for n, document in enumerate(documents):
        kept = [line for line in lines if line.document != document]
        after |= _tuned(out, n, kept, [line for line in lines if line.document == document], sizes)
    return _told(lines, refused, before, [after[line.id] for line in lines], sizes, out)


def crops(data: Path) -> tuple[list[Line], dict[str, int]]:
    """The dataset's answers as line pictures, and how many rows were refused for which reason. All splits: a document
    is left out in turn."""
    found: list[Line] = []
    refused: dict[str, int] = {}
    files = sorted(data.glob("data/*.parquet"))
    if not files:
        raise InputError("no dataset in this folder", subject=data, remedy="name what `sightline build` wrote")
    for row in (row for file in files for row in pq.read_table(file).to_pylist()):
        try:
            found.append(_crop(row))
        except Reject as error:
            refused[error.reason] = refused.get(error.reason, 0) + 1
    return found, refused


def _crop(row: dict[str, Any]) -> Line:
    question, answer = row["texts"][0]["user"], row["texts"][0]["assistant"]
    evidence = row["evidence"]
    if len(evidence) != 1 or len(evidence[0]["boxes"]) != 1:
        raise Reject("answer-in-several-places")
    if len(answer) > LONGEST:
        raise Reject("answer-too-long", letters=len(answer), limit=LONGEST)
    if not set(answer) <= {*LETTERS, " "}:
        raise Reject("letters-never-rendered")
    at = evidence[0]["image"]
    scale = row["image_scales"][at]
    left, top, right, bottom = (side * scale for side in evidence[0]["boxes"][0])
    air = 0.25 * (bottom - top)
    page = opened(row["images"][at]["bytes"])
    cut = page.crop((int(left - air), int(top - air), int(right + air), int(bottom + air)))
    return Line(row["id"], row["group"], question, answer, _canvas(cut))


def _canvas(cut: Image.Image) -> bytes:
    """On white, as large as it fits, at the left."""
    wide, high = LINE
    ratio = min(wide / cut.width, high / cut.height)
    size = (max(1, int(cut.width * ratio)), max(1, int(cut.height * ratio)))
    page = Image.new("RGB", LINE, "white")
    page.paste(cut.resize(size, Image.Resampling.BICUBIC), (0, (high - size[1]) // 2))
    out = BytesIO()
    page.save(out, "PNG")
    return out.getvalue()


def rendered(n: int, seed: int) -> Iterator[Line]:
    """Synthetic lines of 1 to 16 letters: numbers, amounts, dates, words and codes in two fonts."""
    draw = np.random.default_rng((seed, 11))
    fonts: list[Any] = [ImageFont.load_default(24), ImageFont.truetype(hangul_font(), 24)]
    for i in range(n):
        text = _text(draw)
        font = fonts[int(draw.integers(len(fonts)))]
        left, top, right, bottom = (int(side) for side in font.getbbox(text))
        air = int(draw.integers(2, 8))
        cut = Image.new("RGB", (right - left + 2 * air, bottom - top + 2 * air), (int(draw.integers(225, 256)),) * 3)
        ImageDraw.Draw(cut).text((air - left, air - top), text, font=font, fill=(int(draw.integers(0, 60)),) * 3)
        yield Line(str(i), "rendered", f"What is the {_word(draw).lower()}?", text, _canvas(cut))


def _text(draw: np.random.Generator) -> str:
    kind = int(draw.integers(5))
    if kind == 0:
        return str(int(draw.integers(10 ** int(draw.integers(1, 6)))))
    if kind == 1:
        return f"{int(draw.integers(1, 10000)):,}.{int(draw.integers(100)):02d}" + str(draw.choice(["", " EUR", " kg"]))
    if kind == 2:
        return f"{int(draw.integers(1, 32))} {draw.choice(MONTHS)} {int(draw.integers(1990, 2030))}"
    if kind == 3:
        return " ".join(_word(draw) for _ in range(int(draw.integers(1, 3))))
    return f"{_word(draw)[:2].upper()}-{int(draw.integers(1, 1000))}"


def _word(draw: np.random.Generator) -> str:
    """Pronounceable, so that pairs of letters come as in words."""
    pairs = [str(draw.choice(list("bcdfghklmnprstvw"))) + str(draw.choice(list("aeiou"))) for _ in range(3)]
    return "".join(pairs)[: int(draw.integers(2, 7))].capitalize()


def reading_config(sizes: Sizes) -> VLMRun:
    """The tiny model on lines: a marker after each row of features, one token per letter."""
    rates = dict.fromkeys(ALL, 2e-3)
    stage = Stage(name="lines", data="lines", trainable=ALL, lr=rates, steps=sizes.steps, save_every=100)
    resolution = Native(patch=8, merge=2, longest=LINE[0])
    return tiny_config((stage,), seed=sizes.seed).model_copy(update={"resolution": resolution})


def _tuned(out: Path, n: int, kept: Sequence[Line], left: Sequence[Line], sizes: Sizes) -> dict[str, str]:
    """Answers about `left` of the base model, tuned on `kept`."""
    model, reader = loaded(out / "base" / "model")
    rates = {"connector": 5e-4, "llm": 5e-4}
    stage = Stage(name="tune", trainable=("connector", "llm"), lr=rates, steps=sizes.tuning)
    rows = [reader.encode(line.messages) for line in kept]
    train(model, (stage,), {"data": epochs(rows, 16, reader.collate, sizes.seed, by_length=False)}, out / f"tuned-{n}")
    return dict(zip((line.id for line in left), _replies(model, reader, left), strict=True))


def _replies(model: Any, reader: Any, lines: Sequence[Line]) -> list[str]:
    chat = VLMChat(model, reader, batch_size=50)
    return [r.text for r in chat.replies(Request(messages=one.messages[:1], max_tokens=LONGEST + 2) for one in lines)]


def _told(
    lines: Sequence[Line], refused: dict[str, int], before: list[str], after: list[str], sizes: Sizes, out: Path
) -> dict[str, Any]:
    truth = [(line.answer,) for line in lines]
    groups = [line.document for line in lines]
    gain = paired_t(totals(before, truth).per_item, totals(after, truth).per_item, groups)
    table = {
        "documents": len(set(groups)),
        "answers": len(lines),
        "refused": refused,
        "sizes": sizes.model_dump(),
        "zero_shot": _bounds(anls(before, truth, groups=groups)),
        "tuned": _bounds(anls(after, truth, groups=groups)),
        "gain": [gain.difference, *(gain.interval or (None, None))],
        "replies": [
            {"question": one.question, "answer": one.answer, "zero_shot": b, "tuned": a}
            for one, b, a in zip(lines, before, after, strict=True)
        ],
    }
    (out / "documents.json").write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")
    return table


def _bounds(score: Score) -> list[float | None]:
    """Value, low, high; the interval is over documents."""
    return [score.value, *(score.interval or (None, None))]
