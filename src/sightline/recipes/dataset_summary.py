"""A dataset in a few terminal tables: funnel, rejects by reason, what is in it, scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from rich.console import RenderableType

from sightline.recipes.dataset import Dataset
from sightline.recipes.document_reasons import REASONS
from sightline.show.table import funnel, listing, rejects
from sightline.show.values import StepFlow


def summary_tables(dataset: Dataset) -> list[RenderableType]:
    """Of a documents dataset."""
    return [
        *run_tables(dataset, REASONS),
        *content_tables(dataset, ("split", "language", "style", "writer"), "pairs", scored=True),
    ]


def run_tables(dataset: Dataset, reasons: Mapping[str, str]) -> list[RenderableType]:
    """What each step of the run did, and what was refused, with `reasons` in words."""
    steps = [StepFlow(**step) for step in dataset.run.figures.get("funnel", ())]
    return [funnel(steps), rejects(Counter(one.reason for one in dataset.rejects()), reasons)]


def content_tables(
    dataset: Dataset, columns: Sequence[str], unit: str, *, scored: bool = False
) -> list[RenderableType]:
    """Rows counted by the values of `columns`, and, where the rows have `scores`, the mean of each."""
    shown: dict[str, Counter[str]] = {name: Counter() for name in columns}
    found: dict[str, list[float]] = defaultdict(list)
    for row in dataset.rows([*columns, *(["scores"] if scored else [])]):
        for name, counter in shown.items():
            counter[row[name] or "not stated"] += 1
        for name, value in row.get("scores", {}).items():
            if value is not None:
                found[name].append(value)
    rows = [(name, value, f"{count:,}") for name, counter in shown.items() for value, count in counter.most_common(12)]
    tables: list[RenderableType] = [listing(unit, ("by", "value", f">{unit}"), rows)]
    if scored:
        means = [(name, f"{fmean(values):.3f}", f"{len(values):,}") for name, values in found.items()]
        tables.append(listing("scores", ("score", ">mean", f">{unit} scored"), means))
    return tables
