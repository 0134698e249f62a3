"""`tiny()`, the CPU-sized twin of a run: everything random at the start, synthetic pictures, a staged curriculum
against joint training with the same pictures, batches and number of steps.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.message import Request
from sightline.core.score import Proportion
from sightline.evaluate.boxes import iou
from sightline.evaluate.statistics import paired_t
from sightline.runs.vlm_page import write_page
from sightline.runs.vlm_pictures import SIDE, TASKS, WORDS, Shown, series
from sightline.runs.vlm_run import Exam, VLMRun, run
from sightline.train.checkpoint import write_whole
from sightline.train.stages import Progress, Stage
from sightline.vlm.boxes import boxes_in
from sightline.vlm.chat import VLMChat
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.resolution import Fixed

ALL = ("encoder", "connector", "llm")
ARMS: Final = ("staged", "joint")
SAVES: Final = 8
"""Checkpoints of a schedule, about."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A picture with what a model said about it."""

    shown: Shown
    reply: str
    right: bool


def answered(model: Any, reader: Any, test: Sequence[Shown]) -> list[Answered]:
    """Exact answers are right; boxes with an overlap (IoU) of at least one half."""
    chat = VLMChat(model, reader, batch_size=100)
    requests = [Request(messages=shown.messages[:1], max_tokens=16) for shown in test]
    replies = [reply.text for reply in chat.replies(requests)]
    return [Answered(shown, reply, _right(shown, reply)) for shown, reply in zip(test, replies, strict=True)]


def scores_of(items: Sequence[Answered]) -> dict[str, Proportion]:
    """Per task."""
    hits: dict[str, list[bool]] = {}
    for item in items:
        hits.setdefault(item.shown.task, []).append(item.right)
    return {task: Proportion(sum(own), len(own)) for task, own in hits.items()}


def tiny_config(stages: tuple[Stage, ...], *, fusion: Fusion | None = None, seed: int = 0) -> VLMRun:
    """1.4 million parameters: a small ResNet (stride 8, 36 features of 48 x 48 pixels, merged to 9) and a
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
        words=WORDS,
        batch=32,
        features=False,  # a picture is seen about once while the encoder rests
        stages=stages,
        seed=seed,
    )


def curriculum(steps: int, lr: float = 2e-3) -> tuple[Stage, ...]:
    """First what a thing is (colour, digits, Hangul), then everything, then everything with the encoder at rest."""
    first, rest = steps * 3 // 10, steps // 10
    whole: dict[str, Any] = {"trainable": ALL, "lr": dict.fromkeys(ALL, lr), "save_every": max(1, steps // SAVES)}
    calm = {"connector": lr / 8, "llm": lr / 8}
    return (
        Stage(name="name", data="colour+digits+hangul", steps=first, decay="constant", **whole),
        Stage(name="mix", data="mix", steps=steps - first - rest, **whole),
        Stage(name="settle", data="mix", trainable=("connector", "llm"), lr=calm, steps=rest),
    )


def joint(steps: int, lr: float = 2e-3) -> tuple[Stage, ...]:
    """The same steps on the mixture from the start."""
    rates = dict.fromkeys(ALL, lr)
    return (Stage(name="joint", data="mix", trainable=ALL, lr=rates, steps=steps, save_every=max(1, steps // SAVES)),)


class Tiny(BaseModel):
    """Sizes of the tiny run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=700, ge=10)
    """Optimizer steps of each schedule, 32 pictures each."""
    pictures: int = Field(default=6000, ge=60)
    """Different training pictures; both schedules draw from the same."""
    tests: int = Field(default=100, ge=1)
    """Test pictures of each task, never seen in training nor in the choice of the checkpoint."""
    checks: int = Field(default=25, ge=1)
    """Pictures of each task on which checkpoints are chosen."""
    seed: int = 0
    seeds: int = Field(default=1, ge=1)
    """Repetitions with other weights and pictures: `seed`, `seed + 1` ..."""
    workers: int = Field(default=2, ge=1)
    """Processes, one thread each: at this size a second thread brings less than a second process."""


def tiny(out: Path, sizes: Tiny | None = None, tell: Callable[[Progress], None] | None = None) -> dict[str, Any]:
    """Both schedules on the same synthetic pictures; writes OUT/staged and OUT/joint (further seeds: OUT/staged-1 ...),
    OUT/table.json and OUT/report.html, and returns the table. Goes on where it was interrupted. A copy of `tell` in
    each process hears of its steps."""
    sizes = sizes or Tiny()
    jobs = [(arm, out, sizes, sizes.seed + n, tell) for n in range(sizes.seeds) for arm in ARMS]
    if sizes.workers == 1:
        made = [_arm(*job) for job in jobs]
    else:
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(sizes.workers, mp_context=fresh) as crew:
            made = list(crew.map(_arm, *zip(*jobs, strict=True)))
    staged, joint = made[0::2], made[1::2]
    table: dict[str, Any] = {
        "data": "synthetic, rendered",
        "sizes": sizes.model_dump(),
        "before": _pooled([one["before"] for one in staged]),
        "staged": _together(staged),
        "joint": _together(joint),
        "staged_minus_joint": _differences(staged, joint),
    }
    write_whole(out / "table.json", json.dumps(table, indent=1, ensure_ascii=False).encode())
    write_page(out / "report.html", table)
    return table


def _arm(name: str, out: Path, sizes: Tiny, seed: int, tell: Callable[[Progress], None] | None) -> dict[str, Any]:
    """One schedule with one seed."""
    torch.set_num_threads(1)
    begin = time.process_time()
    stages = curriculum(sizes.steps) if name == "staged" else joint(sizes.steps)
    config = tiny_config(stages, seed=seed)
    pictures = list(series(TASKS, sizes.pictures, seed, 3))
    rows = {
        stage.data: [one.messages for one in pictures if stage.data == "mix" or one.task in stage.data.split("+")]
        for stage in stages
    }
    test, check = (list(series(TASKS, n * len(TASKS), seed, draw)) for n, draw in ((sizes.tests, 4), (sizes.checks, 5)))
    model, reader = config.build()
    before = scores_of(answered(model, reader, test)) if name == "staged" else {}

    def ask(model: Any, reader: Any) -> dict[str, float]:
        return {task: score.value for task, score in scores_of(answered(model, reader, check)).items()}

    exam = Exam(ask, dict.fromkeys(TASKS, 1.0))
    result = run(config, rows, out / (name if seed == sizes.seed else f"{name}-{seed}"), exam, tell)
    answers = answered(result.model, result.reader, test)
    starts = dict(zip((stage.name for stage in stages), accumulate((s.steps for s in stages), initial=0), strict=False))
    scores = scores_of(answers)
    return {
        "seed": seed,
        "cpu_seconds": round(time.process_time() - begin),
        "before": _counts(before),
        "scores": _counts(scores),
        "mean": float(np.mean([score.value for score in scores.values()])),
        "curve": [{"at": starts[row["stage"]] + row["step"], **row} for row in result.course.curve],
        "losses": [round(loss, 4) for loss in result.course.losses],
        "samples": [
            {"task": a.shown.task, "answer": a.shown.answer, "reply": a.reply, "right": a.right}
            for a in answers[: 4 * len(TASKS)]
        ],
    }


def _counts(scores: Mapping[str, Proportion]) -> dict[str, list[int]]:
    return {task: [score.hits, score.n] for task, score in scores.items()}


def _pooled(counts: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[float]]:
    """Value, low, high per task over the pictures of all seeds (Wilson)."""
    pooled = {task: Proportion(*np.sum([one[task] for one in counts], axis=0).tolist()) for task in counts[0]}
    return {task: [round(v, 4) for v in (score.value, *score.interval)] for task, score in pooled.items()}


def _together(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "scores": _pooled([one["scores"] for one in runs]),
        "mean": round(float(np.mean([one["mean"] for one in runs])), 4),
        "runs": list(runs),
    }


def _differences(staged: Sequence[Mapping[str, Any]], joint: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Difference, low, high over seeds (paired t, 95 %) for the mean of the tasks and each task. One seed has no
    interval: it tells nothing about the schedules."""

    def compared(figure: Any) -> list[float | None]:
        found = paired_t(np.array([figure(one) for one in joint]), np.array([figure(one) for one in staged]))
        low, high = (round(v, 4) for v in found.interval) if found.interval else (None, None)
        return [round(found.difference, 4), low, high]

    def share(task: str) -> Any:
        return lambda one: one["scores"][task][0] / one["scores"][task][1]

    return {"mean": compared(lambda one: one["mean"])} | {task: compared(share(task)) for task in TASKS}


def _right(shown: Shown, reply: str) -> bool:
    if shown.box is None:
        return reply.strip() == shown.answer
    found = boxes_in(reply, (SIDE, SIDE))
    return bool(found) and float(iou(found[:1], [shown.box])[0, 0]) >= 0.5
