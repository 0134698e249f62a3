"""A video dataset in a few terminal tables."""

from __future__ import annotations

from statistics import fmean

from rich.console import RenderableType

from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_summary import content_tables, run_tables
from sightline.recipes.video_annotation.reasons import REASONS
from sightline.show.table import listing

SCORES = ("dynamism", "audio_visual_correlation")
"""What the annotator says of each scene, 0..1."""


def video_tables(dataset: Dataset) -> list[RenderableType]:
    """Funnel, refusals, what is in it, the scenes' scores."""
    return [
        *run_tables(dataset, REASONS),
        *content_tables(dataset, ("split", "language", "root_category", "words_from"), "videos"),
        _figures(dataset),
    ]


def _figures(dataset: Dataset) -> RenderableType:
    seconds: list[float] = []
    moved: list[float] = []
    scored: dict[str, list[float]] = {name: [] for name in SCORES}
    scenes = warned = 0
    for row in dataset.rows(["duration", "scenes", "moved_frames", "warnings"]):
        seconds.append(row["duration"])
        moved += map(abs, row["moved_frames"])
        scenes += len(row["scenes"])
        warned += bool(row["warnings"])
        for name, values in scored.items():
            values += [scene[name] for scene in row["scenes"] if scene[name] is not None]
    lines = [
        ("hours", f"{sum(seconds) / 3600:,.2f}"),
        ("scenes", f"{scenes:,}"),
        ("videos with a warning", f"{warned:,}"),
        ("frames that a boundary was moved, mean", f"{fmean(moved):.1f}" if moved else "–"),
        *(
            (f"{name.replace('_', ' ')} of a scene, mean", f"{fmean(v):.3f}" if v else "–")
            for name, v in scored.items()
        ),
    ]
    return listing("annotations", ("what", ">figure"), lines)
