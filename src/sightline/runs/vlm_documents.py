"""Read the answers of a document dataset: a small model learns to read rendered lines, then the dataset's own crops;
ANLS before and after, every document answered by a model that never trained on it. Small: it shows the way, not a
result about documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import torch
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError, Reject
from sightline.core.message import Request
from sightline.core.score import Score
from sightline.evaluate.metrics.anls import anls, totals
from sightline.evaluate.statistics import paired_t
from sightline.generate.processes import usable
from sightline.runs.vlm_lines import LETTERS, LINE, LONGEST, QUESTION, Line, canvas, faces, length, rendered
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_stages import ALL, tiny_config
from sightline.train.ahead import Ahead
from sightline.train.checkpoint import save_folder, write_whole
from sightline.train.machine import Machine
from sightline.train.stages import Data, Progress, Stage, Watch, train
from sightline.vlm.chat import VLMChat, loaded
from sightline.vlm.pixels import opened
from sightline.vlm.reader import VLMReader
from sightline.vlm.resolution import Native

AIR: Final = 0.1
"""Of a crop, on each side, as a share of the height of what was said."""


class Sizes(BaseModel):
    """Sizes of the documents run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=1000, ge=1)
    """Optimizer steps on rendered lines, `batch` new ones each."""
    batch: int = Field(default=32, ge=2)
    """Lines of a step."""
    rate: float = Field(default=2e-3, gt=0)
    """Peak learning rate on rendered lines; a tenth of it on crops."""
    tuning: int = Field(default=40, ge=1)
    """Optimizer steps on the dataset's crops, for every document left out: half of a batch crops, half rendered
    lines."""
    tests: int = Field(default=200, ge=1)
    """Rendered lines, never trained on, that are read before the crops."""
    seed: int = 0
    device: str = "cpu"
    """Where it trains and reads, as torch names it."""
    workers: int = Field(default=0, ge=0)
    """Processes that render lines ahead; 0: between the steps, which is as fast on a CPU."""


def read_documents(
    data: Path, out: Path, sizes: Sizes | None = None, tell: Callable[[Progress], None] | None = None
) -> dict[str, Any]:
    """Writes OUT/base (reads rendered lines), OUT/tuned-N (without document N) and OUT/documents.json; returns the
    latter. Goes on where it was interrupted; `tell` hears of every step. Raises InputError where the dataset has fewer
    than two documents with a short answer that stands in one place."""
    torch.set_num_threads(1)
    sizes = sizes or Sizes()
    lines, refused = crops(data)
    documents = sorted({line.document for line in lines})
    if len(documents) < 2:
        raise InputError("fewer than two documents with short answers", subject=data, remedy="build a larger dataset")
    usable(sizes.device)
    watch = Watch(tell=tell)
    model, reader = based(out / "base", sizes, watch)
    tests = rendered(sizes.tests, LONGEST, sizes.seed, 12)
    drawn = anls(_replies(model, reader, tests), [(line.answer,) for line in tests])
    before = _replies(model, reader, lines)
    after = dict.fromkeys((line.id for line in lines), "")
    for n, document in enumerate(documents):
        kept = [line for line in lines if line.document != document]
        after |= _tuned(out, n, kept, [line for line in lines if line.document == document], sizes, watch)
    table = _told(lines, refused, before, [after[line.id] for line in lines], sizes)
    table |= {"rendered": _bounds(drawn), "fonts": len(faces())}
    write_whole(out / "documents.json", json.dumps(table, indent=1, ensure_ascii=False).encode())
    return table


def based(out: Path, sizes: Sizes, watch: Watch) -> tuple[Any, VLMReader]:
    """The model that reads rendered lines: OUT/model."""
    config = reading_config(sizes)
    model, reader = config.build()
    assert isinstance(reader, VLMReader)  # a model of parts
    _train(model, config.stages, _lines(reader, sizes), out, sizes, watch)

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        reader.save_pretrained(folder)

    save_folder(out / "model", write)
    return _opened(out / "model", sizes)


def _opened(folder: Path, sizes: Sizes) -> tuple[Any, VLMReader]:
    model: Any
    model, reader = loaded(folder)
    return model.to(sizes.device), reader


def _train(model: Any, stages: Sequence[Stage], data: Data, out: Path, sizes: Sizes, watch: Watch) -> None:
    given = {stages[0].data: Ahead(data, sizes.workers) if sizes.workers else data}
    train(model, stages, given, out, watch=watch, machine=Machine(device=sizes.device))


def _lines(reader: VLMReader, sizes: Sizes) -> Data:
    """New lines at every step, longer as it goes on."""

    def batch(step: int) -> Any:
        lines = rendered(sizes.batch, length(step / sizes.steps), sizes.seed, 11, step)
        return reader.collate([reader.encode(line.messages) for line in lines])

    return batch


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
    air = AIR * (bottom - top)
    page = opened(row["images"][at]["bytes"])
    cut = page.crop((int(left - air), int(top - air), int(right + air), int(bottom + air)))
    return Line(row["id"], row["group"], question, answer, canvas(cut))


def reading_config(sizes: Sizes) -> VLMRun:
    """A small ResNet (stride 8) whose features are merged to one row, one for about each letter, and a three-layer
    Llama with one token per letter."""
    rates = dict.fromkeys(ALL, sizes.rate)
    stage = Stage(name="lines", data="lines", trainable=ALL, lr=rates, steps=sizes.steps, warmup=0.05, save_every=100)
    tiny = tiny_config((stage,), seed=sizes.seed)
    assert isinstance(tiny.encoder, dict)
    encoder = {**tiny.encoder, "embedding_size": 32, "hidden_sizes": [32, 96]}
    resolution = Native(patch=8, merge=2, longest=LINE[0])
    words = ("user\n", "assistant\n", QUESTION)
    return tiny.model_copy(update={"encoder": encoder, "resolution": resolution, "words": words})


def _tuned(out: Path, n: int, kept: Sequence[Line], left: Sequence[Line], sizes: Sizes, watch: Watch) -> dict[str, str]:
    """Answers about `left` of the base model, tuned on `kept` beside rendered lines, so that it does not forget."""
    model, reader = _opened(out / "base" / "model", sizes)
    stage = Stage(name="tune", trainable=ALL, lr=dict.fromkeys(ALL, sizes.rate / 10), steps=sizes.tuning)
    rows = [reader.encode(line.messages) for line in kept]

    def batch(step: int) -> Any:
        draw = np.random.default_rng((sizes.seed, 13, step))
        more = rendered(sizes.batch // 2, LONGEST, sizes.seed, 14, step)
        own = [rows[i] for i in draw.integers(len(rows), size=sizes.batch // 2)]
        return reader.collate([*own, *(reader.encode(line.messages) for line in more)])

    _train(model, (stage,), batch, out / f"tuned-{n}", sizes, watch)
    return dict(zip((line.id for line in left), _replies(model, reader, left), strict=True))


def _replies(model: Any, reader: Any, lines: Sequence[Line]) -> list[str]:
    chat = VLMChat(model, reader, batch_size=50)
    return [r.text for r in chat.replies(Request(messages=one.messages[:1], max_tokens=LONGEST + 2) for one in lines)]


def _told(
    lines: Sequence[Line], refused: dict[str, int], before: list[str], after: list[str], sizes: Sizes
) -> dict[str, Any]:
    truth = [(line.answer,) for line in lines]
    groups = [line.document for line in lines]
    gain = paired_t(totals(before, truth).per_item, totals(after, truth).per_item, groups)
    return {
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


def _bounds(score: Score) -> list[float | None]:
    """Value, low, high; the interval is over documents."""
    return [score.value, *(score.interval or (None, None))]
