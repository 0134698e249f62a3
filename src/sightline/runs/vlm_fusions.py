"""Embed, cross and hybrid on equal terms: the same rows, seed, stages and batch; a table and the three models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import PlanError
from sightline.core.score import Interval, Score
from sightline.evaluate.statistics import crossed_interval, paired_t
from sightline.evaluate.totals import Array
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
        if not rates:
            raise PlanError("a stage trains cross-attention alone", subject=stage.name, remedy="add the connector")
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
    seeds: int = 1,
    say: Said = lambda _: None,
    tell: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Per fusion: parameters, tokens a row and a second, figures with intervals, and the paired difference to the
    first. `seeds`: each trains so many times on the same rows, from `config.seed` on, and intervals hold for other
    seeds and other test rows. Writes OUT/fusions.json and OUT/<fusion>/model (further seeds: OUT/<fusion>-1 ...); goes
    on where it was interrupted."""
    table: list[dict[str, Any]] = []
    first: list[_Ran] = []
    for kind in kinds:
        ran: list[_Ran] = []
        for seed in range(config.seed, config.seed + seeds):
            say(f"{kind}:" if seeds == 1 else f"{kind}, seed {seed}:")
            own = variant(config, kind).model_copy(update={"seed": seed})
            place = out / (kind if seed == config.seed else f"{kind}-{seed}")
            ran.append(_ran(own, trained(own, sets, place, say=say, tell=tell)))
        first = first or ran
        table.append({"fusion": kind, **_summed(ran, first)})
    made = {
        "on": first[0].on,
        "seed": config.seed,
        "seeds": seeds,
        "steps": sum(stage.steps for stage in config.stages),
        "batch": config.batch,
        "rows": sum(map(len, sets.train.values())),
        "fusions": table,
    }
    write_whole(out / "fusions.json", json.dumps(made, indent=1, ensure_ascii=False).encode())
    return made


@dataclass(frozen=True, slots=True)
class _Ran:
    """One model of one seed, without the model."""

    on: str
    parameters: int
    sequence: float
    rows_per_second: float
    scores: Mapping[str, Score]
    groups: Mapping[str, list[str]]
    curve: Sequence[Mapping[str, Any]]


def _ran(config: VLMRun, done: Tuned) -> _Ran:
    """Wall time of the steps alone; tokens without padding."""
    rows = [row for own in done.sets.train.values() for row in own[:SAMPLE]]
    lengths = [len(part.ids) for row in rows for part in config.fitted(done.result.reader, row.messages).rows]
    per_batch = float(config.batch)
    if config.pack:
        per_batch = len(lengths) / len(bins(lengths, config.pack))
    batches = sum(stage.steps * stage.accumulate for stage in config.stages)
    groups: dict[str, list[str]] = {}
    for answer in done.answers:
        groups.setdefault(answer.figure, []).append(answer.item.group)
    return _Ran(
        on=done.on,
        parameters=sum(p.numel() for p in done.result.model.parameters()),
        sequence=float(np.mean(lengths)),
        rows_per_second=per_batch * batches / done.result.course.seconds,
        scores=done.scores,
        groups=groups,
        curve=done.result.course.curve,
    )


def _summed(ran: Sequence[_Ran], first: Sequence[_Ran]) -> dict[str, Any]:
    """A row of the table."""
    pace = float(np.mean([one.rows_per_second for one in ran]))
    scores, differences = {}, {}
    for name, score in ran[0].scores.items():
        own, base = _figures(ran, name), _figures(first, name)
        groups = ran[0].groups[name]
        value = float(np.mean([one.scores[name].value for one in ran]))
        bounds = score.interval if len(ran) == 1 else own is not None and crossed_interval(own, groups, score.limits)
        scores[name] = [value, *(bounds or (None, None)), score.n]
        if ran is first or own is None or base is None:
            continue
        delta, most = own - base, score.limits.high - score.limits.low
        found = paired_t(base.mean(axis=0), own.mean(axis=0), groups, score.limits).interval
        if len(ran) > 1 and delta.any():
            found = crossed_interval(delta, groups, Interval(-most, most))
        differences[name] = [float(delta.mean()), *(found or (None, None))]
    return {
        "parameters": ran[0].parameters,
        "sequence": round(ran[0].sequence, 1),
        "tokens_per_second": round(ran[0].sequence * pace),
        "rows_per_second": round(pace, 1),
        "scores": scores,
        "by_seed": [{name: one.value for name, one in each.scores.items()} for each in ran],
        "minus_first": differences,
        "curve": ran[0].curve,
    }


def _figures(ran: Sequence[_Ran], name: str) -> Array | None:
    """(seeds, answers) of a figure that is the mean of its answers' own; None for others."""
    for one in ran:
        score = one.scores[name]
        if len(score.per_item) != len(ran[0].groups[name]) or not np.isclose(np.mean(score.per_item), score.value):
            return None
    return np.array([one.scores[name].per_item for one in ran])
