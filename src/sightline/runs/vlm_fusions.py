"""Embed, cross and hybrid on equal terms: the same rows, seed, stages and batch; a table and the three models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import PlanError
from sightline.core.score import Score
from sightline.evaluate.statistics import paired_t
from sightline.runs.vlm_data import Item
from sightline.runs.vlm_exam import Check
from sightline.runs.vlm_pictures import series
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_stages import ALL, tiny_config
from sightline.runs.vlm_tuning import Said, Sets, Tuned, gathered, trained
from sightline.train.checkpoint import write_whole
from sightline.train.packing import bins
from sightline.train.stages import Progress, Stage
from sightline.vlm.fusion import Fusion
from sightline.vlm.resolution import Crops, FusionKind, Tiles

KINDS: Final[tuple[FusionKind, ...]] = ("embed", "cross", "hybrid")
TASKS: Final = ("colour", "count", "place")
SAMPLE: Final = 200
"""Rows whose length is measured."""


class Synthetic(BaseModel):
    """Sizes of the comparison on rendered pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=300, ge=1)
    pictures: int = Field(default=3000, ge=3)
    tests: int = Field(default=60, ge=1)
    """Of each task."""
    seed: int = 0


def synthetic(sizes: Synthetic) -> tuple[VLMRun, Sets]:
    """Rendered pictures of 64 pixels in four tiles and an overview, so that the three differ."""
    stage = Stage(name="joint", data="+".join(TASKS), trainable=ALL, lr=dict.fromkeys(ALL, 2e-3), steps=sizes.steps)
    config = tiny_config((stage,), fusion=Fusion(every=1, heads=4), seed=sizes.seed)
    tiles = Tiles(tile=32, longest=64, patch=8, merge=2)
    config = config.model_copy(update={"resolution": tiles, "batch": 16, "checks": (Check(metric="exact"),), "hold": 0})
    drawn = {"train": (sizes.pictures, 3), "test": (sizes.tests * len(TASKS), 4)}
    found = {
        split: [
            (shown.task, Item(id=f"{split}-{n}", split=split, messages=shown.messages, group=f"{split}-{n}"))
            for n, shown in enumerate(series(TASKS, many, sizes.seed, draw))
        ]
        for split, (many, draw) in drawn.items()
    }
    sets = Sets(held={task: [] for task in TASKS})
    for task in TASKS:
        sets.train[task] = [item for own, item in found["train"] if own == task]
        sets.test[task] = [item for own, item in found["test"] if own == task]
    return config, sets


def variant(config: VLMRun, kind: FusionKind) -> VLMRun:
    """The config with this fusion: where the connector trains, the cross-attention does, at the connector's rate.
    Raises PlanError where it would not differ from another."""
    if config.model is not None:
        raise PlanError("a whole model has its fusion already", remedy="a config of parts: encoder, connector, llm")
    if kind == "hybrid" and not isinstance(config.resolution, Tiles | Crops):
        raise PlanError("hybrid sends tiles across: this resolution makes none", remedy='resolution.kind="tiles" or '
                        '"crops", or --fusions embed,cross')  # fmt: skip
    stages = []
    for stage in config.stages:
        rates = {part: rate for part, rate in stage.lr.items() if part != "cross"}
        if kind != "embed" and "connector" in rates:
            rates["cross"] = stage.lr.get("cross", rates["connector"])
        stages.append(stage.model_copy(update={"trainable": tuple(rates), "lr": rates}))
    fusion = config.fusion.model_copy(update={"kind": kind})
    return config.model_copy(update={"fusion": fusion, "stages": tuple(stages)})


def fusions_on(
    config: VLMRun, data: Mapping[str, tuple[Path, ...]], out: Path, kinds: Sequence[FusionKind] = KINDS, **told: Any
) -> dict[str, Any]:
    """`compare_fusions` on datasets; rows are those that fit with all pictures in the sequence."""
    for kind in kinds:
        variant(config, kind)
    return compare_fusions(config, gathered(variant(config, "embed"), data, out), out, kinds, **told)


def compare_fusions(
    config: VLMRun,
    sets: Sets,
    out: Path,
    kinds: Sequence[FusionKind] = KINDS,
    *,
    say: Said = lambda _: None,
    tell: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Per fusion: parameters, tokens a row and a second, figures with intervals, and the paired difference to the
    first. Writes OUT/fusions.json and OUT/<fusion>/model; goes on where it was interrupted."""
    table: list[dict[str, Any]] = []
    first: dict[str, Score] = {}
    for kind in kinds:
        say(f"{kind}:")
        own = variant(config, kind)
        done = trained(own, sets, out / kind, say=say, tell=tell)
        first = first or done.scores
        table.append({"fusion": kind, **_speed(own, done), **_scores(done, first)})
    made = {
        "on": done.on,
        "seed": config.seed,
        "steps": sum(stage.steps for stage in config.stages),
        "batch": config.batch,
        "rows": sum(map(len, sets.train.values())),
        "fusions": table,
    }
    write_whole(out / "fusions.json", json.dumps(made, indent=1, ensure_ascii=False).encode())
    return made


def _speed(config: VLMRun, done: Tuned) -> dict[str, Any]:
    """Wall time of the steps alone; tokens without padding."""
    rows = [row for own in done.sets.train.values() for row in own[:SAMPLE]]
    lengths = [len(part.ids) for row in rows for part in config.fitted(done.result.reader, row.messages).rows]
    mean, per_batch = float(np.mean(lengths)), float(config.batch)
    if config.pack:
        per_batch = len(lengths) / len(bins(lengths, config.pack))
    batches = sum(stage.steps * stage.accumulate for stage in config.stages)
    seconds = done.result.course.seconds
    return {
        "parameters": sum(p.numel() for p in done.result.model.parameters()),
        "sequence": round(mean, 1),
        "tokens_per_second": round(mean * per_batch * batches / seconds),
        "rows_per_second": round(per_batch * batches / seconds, 1),
    }


def _scores(done: Tuned, first: Mapping[str, Score]) -> dict[str, Any]:
    groups: dict[str, list[str]] = {}
    for answer in done.answers:
        groups.setdefault(answer.figure, []).append(answer.item.group)
    differences = {}
    for name, score in done.scores.items():
        both = (np.array(first[name].per_item), np.array(score.per_item))
        if score is first[name] or not len(both[0]) == len(both[1]) == len(groups[name]):
            continue
        found = paired_t(*both, groups[name])
        differences[name] = [found.difference, *(found.interval or (None, None))]
    return {
        "scores": {name: [one.value, *(one.interval or (None, None)), one.n] for name, one in done.scores.items()},
        "minus_first": differences,
        "curve": done.result.course.curve,
    }
