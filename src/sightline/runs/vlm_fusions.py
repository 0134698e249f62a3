"""Embed, cross and hybrid on equal terms: the same pictures, seed, steps and batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from sightline.runs.vlm_pictures import series
from sightline.runs.vlm_run import run
from sightline.runs.vlm_stages import ALL, answered, scores_of, tiny_config
from sightline.train.stages import Stage
from sightline.vlm.fusion import Fusion
from sightline.vlm.resolution import Tiles

TASKS = ("colour", "count", "place")


def compare_fusions(
    out: Path, *, steps: int = 300, pictures: int = 3000, tests: int = 60, seed: int = 0
) -> list[dict[str, Any]]:
    """Per fusion: parameters, tokens a row and a second, accuracy with intervals (Wilson, over pictures; one seed).
    Pictures become four tiles and an overview of 32 pixels, so that the three differ. Writes OUT/fusions.json and the
    models; goes on where it was interrupted."""
    torch.set_num_threads(1)
    rows = [shown.messages for shown in series(TASKS, pictures, seed, 3)]
    test = list(series(TASKS, tests * len(TASKS), seed, 4))
    table = []
    for kind in ("embed", "cross", "hybrid"):
        parts = (*ALL, "cross") if kind != "embed" else ALL
        stage = Stage(name="joint", data="mix", trainable=parts, lr=dict.fromkeys(parts, 2e-3), steps=steps)
        config = tiny_config((stage,), fusion=Fusion(kind=kind, every=1, heads=4), seed=seed)
        config = config.model_copy(update={"resolution": Tiles(tile=32, longest=64, patch=8, merge=2), "batch": 16})
        result = run(config, {"mix": rows}, out / kind)
        answers = answered(result.model, result.reader, test)
        lengths = [len(result.reader.encode(row).ids) for row in rows[:100]]
        tokens = sum(lengths) / len(lengths) * config.batch * len(result.course.losses)
        table.append(
            {
                "fusion": kind,
                "parameters": sum(p.numel() for p in result.model.parameters()),
                "sequence": round(sum(lengths) / len(lengths), 1),
                "tokens_per_second": round(tokens / result.course.seconds),
                "pictures_per_second": round(config.batch * len(result.course.losses) / result.course.seconds, 1),
                "scores": {task: [s.value, *s.interval] for task, s in scores_of(answers).items()},
            }
        )
    (out / "fusions.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
    return table
