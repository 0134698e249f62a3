"""A vision-language model from parts to answers: build, train by stages, score, choose, write a plain folder.

`tiny()` is the CPU-sized twin: everything random at the start, synthetic pictures, a staged curriculum against joint
training with the same number of steps, batches and pictures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedTokenizerBase

from sightline.core.message import Message, Request
from sightline.core.score import Proportion
from sightline.runs.vlm_pictures import SIDE, SYLLABLES, TASKS, Shown, series
from sightline.train.checkpoint import save_folder
from sightline.train.packing import check_packable, epochs, packed_epochs
from sightline.train.stages import Choice, Course, Data, Stage, Watch, train
from sightline.vlm.boxes import boxes_in
from sightline.vlm.chat import VLMChat
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.model import VLM
from sightline.vlm.pixels import stacked
from sightline.vlm.reader import Encoded, VLMReader, reader_for
from sightline.vlm.resolution import Fixed, Resolution, Tiles
from sightline.vlm.tokenizer import byte_tokenizer

LETTERS = SYLLABLES
ALL = ("encoder", "connector", "llm")


class VLMRun(BaseModel):
    """Everything that decides a run. Encoder and language model are transformers configs as JSON ("model_type" names
    the family); they start random."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: dict[str, Any]
    connector: Connector = Connector()
    fusion: Fusion = Fusion()
    llm: dict[str, Any]
    resolution: Resolution
    stages: tuple[Stage, ...]
    batch: int = Field(default=16, ge=1)
    """Conversations per batch, where rows are padded."""
    pack: int = Field(default=0, ge=0)
    """Tokens of a pack; 0 pads instead. Only for language models with a leak test."""
    picture_budget: int | None = None
    """Tokens that one picture may take; larger ones are shrunk."""
    longest: int | None = None
    """Tokens of a conversation; longer ones are refused."""
    seed: int = 0

    def build(self) -> tuple[VLM, VLMReader]:
        """Random weights from `seed`, and a byte tokenizer."""
        torch.manual_seed(self.seed)
        model = VLM(_config(self.encoder), self.connector, self.fusion, _config(self.llm))
        return model, reader_for(model, self.tokenizer(), self.resolution)

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """One token per byte and per syllable of the synthetic pictures."""
        return byte_tokenizer(LETTERS)

    def data(self, model: VLM, reader: VLMReader, rows: Sequence[Encoded]) -> Data:
        """Rows -> a batch per step."""
        if self.pack:
            check_packable(model)
            return packed_epochs(rows, self.pack, stacked, self.seed)
        return epochs(rows, self.batch, reader.collate, self.seed)


@dataclass(frozen=True, slots=True)
class Result:
    """What `run` made."""

    course: Course
    scores: dict[str, Proportion]
    model: VLM
    reader: VLMReader


def run(
    config: VLMRun, rows: Mapping[str, Sequence[tuple[Message, ...]]], out: Path, test: Sequence[Shown] = ()
) -> Result:
    """Train on `rows` (by the names that stages use) and write OUT/model; goes on from OUT. Raises what `train` does,
    and Reject for a row that cannot be encoded (filter them first)."""
    model, reader = config.build()
    encoded = {
        name: [reader.encode(row, picture_budget=config.picture_budget, longest=config.longest) for row in given]
        for name, given in rows.items()
    }
    data = {name: config.data(model, reader, given) for name, given in encoded.items()}

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        reader.save_pretrained(folder)

    def judge(seen: nn.Module) -> dict[str, float]:
        return {task: score.value for task, score in scores_of(model, reader, test).items()}

    tasks = {shown.task for shown in test}
    choice = Choice(weights=dict.fromkeys(sorted(tasks), 1.0))
    watch = Watch(judge=judge, choice=choice, keep=lambda: save_folder(out / "model", write)) if test else None
    course = train(model, config.stages, data, out, watch=watch)
    if not test:
        save_folder(out / "model", write)
    (out / "run.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
    return Result(course, scores_of(model, reader, test) if test else {}, model, reader)


def scores_of(model: VLM, reader: VLMReader, test: Sequence[Shown]) -> dict[str, Proportion]:
    """Per task: exact answers; for boxes an overlap (IoU) of at least one half."""
    chat = VLMChat(model, reader, batch_size=60)
    requests = [Request(messages=shown.messages[:1], max_tokens=36) for shown in test]
    hits: dict[str, list[bool]] = {}
    for shown, reply in zip(test, chat.replies(requests), strict=True):
        hits.setdefault(shown.task, []).append(_right(shown, reply.text))
    return {task: Proportion(sum(own), len(own)) for task, own in hits.items()}


def tiny_config(stages: tuple[Stage, ...], *, fusion: Fusion | None = None, seed: int = 0) -> VLMRun:
    """About a million parameters: a small ResNet (stride 8, 36 features of 48 x 48 pixels, merged to 9) and a
    three-layer Llama."""
    return VLMRun(
        encoder={
            "model_type": "resnet",
            "embedding_size": 32,
            "hidden_sizes": [64, 128],
            "depths": [2, 2],
            "layer_type": "basic",
        },
        connector=Connector(kind="shuffle", merge=2),
        fusion=fusion or Fusion(),
        llm={
            "model_type": "llama",
            "vocab_size": 288,
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": 512,
            "tie_word_embeddings": True,
        },
        resolution=Fixed(size=SIDE, patch=8, merge=2),
        stages=stages,
        seed=seed,
    )


def curriculum(steps: int, lr: float = 2e-3) -> tuple[Stage, ...]:
    """Words and gross sight, then reading and counting, then everything, then everything with the encoder at rest."""
    rates = dict.fromkeys(ALL, lr)
    calm = {"connector": lr / 4, "llm": lr / 4}
    return (
        Stage(name="see", data="see", trainable=ALL, lr=rates, steps=steps * 2 // 10, decay="constant"),
        Stage(name="read", data="read", trainable=ALL, lr=rates, steps=steps * 4 // 10, decay="constant"),
        Stage(name="mix", data="mix", trainable=ALL, lr=rates, steps=steps * 3 // 10),
        Stage(name="settle", data="mix", trainable=("connector", "llm"), lr=calm, steps=steps // 10),
    )


def joint(steps: int, lr: float = 2e-3) -> tuple[Stage, ...]:
    """The same steps on the mixture from the start."""
    total = sum(stage.steps for stage in curriculum(steps, lr))
    return (Stage(name="joint", data="mix", trainable=ALL, lr=dict.fromkeys(ALL, lr), steps=total),)


def tiny(out: Path, *, steps: int = 1000, pictures: int = 6000, tests: int = 60, seed: int = 0) -> dict[str, Any]:
    """Both schedules on the same synthetic pictures; writes OUT/staged, OUT/joint and OUT/table.json, and returns the
    table. One thread: at this size a second one costs more than it brings."""
    torch.set_num_threads(1)
    data = {
        "see": [s.messages for s in series(("colour", "place", "box"), pictures // 3, seed, 1)],
        "read": [s.messages for s in series(("digits", "hangul", "count"), pictures // 2, seed, 2)],
        "mix": [s.messages for s in series(TASKS, pictures, seed, 3)],
    }
    test = list(series(TASKS, tests * len(TASKS), seed, 4))
    table: dict[str, Any] = {"data": "synthetic, rendered", "seed": seed, "pictures": pictures, "tests": tests}
    before = scores_of(*tiny_config(curriculum(steps), seed=seed).build(), test)
    table["before"] = _rows(before)
    for name, stages in (("staged", curriculum(steps)), ("joint", joint(steps))):
        begin = time.process_time()
        config = tiny_config(stages, seed=seed)
        wanted = {stage.data for stage in stages}
        result = run(config, {key: rows for key, rows in data.items() if key in wanted}, out / name, test)
        table[name] = {
            "steps": sum(stage.steps for stage in stages),
            "cpu_seconds": round(time.process_time() - begin, 1),
            "scores": _rows(result.scores),
            "mean": round(sum(s.value for s in result.scores.values()) / len(result.scores), 4),
        }
    table["staging_wins"] = table["staged"]["mean"] > table["joint"]["mean"]
    (out / "table.json").write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")
    return table


def compare_fusions(
    out: Path, *, steps: int = 300, pictures: int = 3000, tests: int = 40, seed: int = 0
) -> list[dict[str, Any]]:
    """embed, cross and hybrid on the same pictures, seed and steps; parameters, tokens a second, sequence length,
    accuracy with intervals. Pictures become four tiles and an overview of 32 pixels, so that the three differ."""
    torch.set_num_threads(1)
    tasks = ("colour", "count", "place")
    rows = [s.messages for s in series(tasks, pictures, seed, 3)]
    test = list(series(tasks, tests * len(tasks), seed, 4))
    table = []
    for kind in ("embed", "cross", "hybrid"):
        parts = (*ALL, "cross") if kind != "embed" else ALL
        stage = Stage(name="joint", data="mix", trainable=parts, lr=dict.fromkeys(parts, 2e-3), steps=steps)
        config = tiny_config((stage,), fusion=Fusion(kind=kind, every=1, heads=4), seed=seed)
        config = config.model_copy(update={"resolution": Tiles(tile=32, longest=64, patch=8, merge=2)})
        result = run(config, {"mix": rows}, out / kind, test)
        lengths = [len(result.reader.encode(row).ids) for row in rows[:100]]
        tokens = sum(lengths) / len(lengths) * config.batch * len(result.course.losses)
        table.append(
            {
                "fusion": kind,
                "parameters": sum(p.numel() for p in result.model.parameters()),
                "sequence": round(sum(lengths) / len(lengths), 1),
                "tokens_per_second": round(tokens / result.course.seconds),
                "scores": _rows(result.scores),
            }
        )
    (out / "fusions.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
    return table


def _config(values: Mapping[str, Any]) -> PreTrainedConfig:
    rest = dict(values)
    return AutoConfig.for_model(rest.pop("model_type"), **rest)


def _rows(scores: Mapping[str, Proportion]) -> dict[str, list[float]]:
    """value, low, high per task."""
    return {task: [round(v, 4) for v in (s.value, *s.interval)] for task, s in scores.items()}


def _right(shown: Shown, reply: str) -> bool:
    if shown.box is None:
        return reply.strip() == shown.answer
    found = boxes_in(reply, (SIDE, SIDE))
    return bool(found) and _overlap(found[0], shown.box) >= 0.5


def _overlap(a: Any, b: Any) -> float:
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    shared = max(0.0, wide) * max(0.0, high)
    whole = a.width * a.height + b.width * b.height - shared
    return shared / whole if whole else 0.0
