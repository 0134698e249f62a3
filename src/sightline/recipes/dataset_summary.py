"""A dataset in a few terminal tables: funnel, rejects by reason, scores, what is in it."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

from rich.console import RenderableType

from sightline.recipes.dataset import SCORES, Dataset
from sightline.recipes.document_reasons import REASONS
from sightline.show.table import funnel, listing, rejects
from sightline.show.values import StepFlow


def summary_tables(dataset: Dataset) -> list[RenderableType]:
    """For `print`: the run's funnel first, then what was refused, then what is in the dataset."""
    shown: dict[str, Counter[str]] = {name: Counter() for name in ("split", "language", "style", "writer")}
    scored: dict[str, list[float]] = {name: [] for name in SCORES}
    for row in dataset.rows([*shown, "scores"]):
        for name, counter in shown.items():
            counter[row[name]] += 1
        for name in SCORES:
            if row["scores"][name] is not None:
                scored[name].append(row["scores"][name])
    steps = [StepFlow(**step) for step in dataset.run.figures.get("funnel", ())]
    refused = Counter(one.reason for one in dataset.rejects())
    tables: list[RenderableType] = [funnel(steps), rejects(refused, REASONS)]
    rows = [(name, value, f"{count:,}") for name, counter in shown.items() for value, count in counter.most_common(12)]
    tables.append(listing("pairs", ("by", "value", ">pairs"), rows))
    means = [(name, f"{fmean(values):.3f}", f"{len(values):,}") for name, values in scored.items() if values]
    return [*tables, listing("scores", ("score", ">mean", ">pairs scored"), means)]
