"""The page of the tiny run: what was learned, how, and pictures with the model's answers."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup
from PIL import Image

from sightline.core.media import Box
from sightline.runs.vlm_pictures import SIDE, TASKS, series
from sightline.show import (
    Estimate,
    Mark,
    Note,
    Tile,
    annotated,
    bars_with_intervals,
    callout,
    curve,
    data_table,
    figure,
    grid,
    marked_picture,
    section,
    tiles,
    web_page,
)
from sightline.train.checkpoint import write_whole
from sightline.vlm.boxes import boxes_in

ENLARGED: Final = 5
"""Screen pixels of a rendered pixel."""
NAMES: Final = {"staged": "By stages", "joint": "On the mixture"}


def write_page(path: Path, table: Mapping[str, Any]) -> None:
    """One self-contained HTML file from the run's table."""
    sizes = table["sizes"]
    lead = (
        "A vision-language model from random weights on one core per schedule. Every picture is synthetic: rendered, "
        "with one right answer. Nothing here says how the model would do on photos or documents."
    )
    head = tiles(
        [
            Tile(f"{table['staged']['mean']:.1%}", "mean of the tasks, by stages"),
            Tile(f"{table['joint']['mean']:.1%}", "mean of the tasks, on the mixture"),
            Tile(f"{sizes['steps']:,}", "optimizer steps each", "32 pictures a step"),
            Tile(f"{sizes['seeds']}", "seeds" if sizes["seeds"] > 1 else "seed"),
        ]
    )
    body = Markup("").join(
        [
            section("What it learned", head + _table(table) + _bars(table), id="learned"),
            section("How it learned", _curves(table), id="curves", lead="On pictures kept for choosing a checkpoint."),
            section("What it answers", _samples(table), id="samples", lead="The first test pictures, as they come."),
        ]
    )
    page = web_page("A tiny vision-language model", body, eyebrow="synthetic pictures", lead=lead)
    write_whole(path, page.encode())


def verdict(table: Mapping[str, Any]) -> str:
    """Staging against joint training in one sentence, as far as the seeds carry."""
    difference, low, high = table["staged_minus_joint"]["mean"]
    told = f"staged minus joint: {100 * difference:+.1f} points of the mean over tasks"
    if low is None:
        return f"{told}; one seed says nothing about the schedules"
    told += f" [{100 * low:+.1f}, {100 * high:+.1f}] over {table['sizes']['seeds']} seeds"
    if low > 0:
        return f"{told}: staging beat joint training"
    return f"{told}: " + ("joint training beat staging" if high < 0 else "no difference shown")


def _table(table: Mapping[str, Any]) -> Markup:
    rows = [[task, *(_figure(table[arm]["scores"][task]) for arm in ("staged", "joint"))] for task in TASKS]
    for row in rows:
        row.insert(1, _figure(table["before"][row[0]]))
        difference, low, high = table["staged_minus_joint"][row[0]]
        row.append(f"{100 * difference:+.0f}" + ("" if low is None else f" [{100 * low:+.0f}, {100 * high:+.0f}]"))
    caption = (
        "Exact answers; boxes: overlap (IoU) of at least one half. Brackets: 95 %, over test pictures (Wilson); in the "
        "last column, in points, over seeds (paired t)."
    )
    listed = data_table(["task", "before", "by stages", "on the mixture", "difference"], rows, caption=caption)
    return listed + callout("Staging against joint training", verdict(table))


def _figure(bounds: list[float]) -> str:
    value, low, high = bounds
    return f"{value:.0%} [{low:.0%}, {high:.0%}]"


def _bars(table: Mapping[str, Any]) -> Markup:
    return grid(
        [
            figure(
                bars_with_intervals([Estimate(t, *table[arm]["scores"][t]) for t in TASKS], label="right answers"),
                title=name,
            )
            for arm, name in NAMES.items()
        ]
    )


def _curves(table: Mapping[str, Any]) -> Markup:
    found = []
    for arm, name in NAMES.items():
        for run in table[arm]["runs"]:
            points = {t: [(row["at"], row["figures"][t]) for row in run["curve"]] for t in TASKS}
            best = max(reversed(run["curve"]), key=lambda row: row["score"])
            told = f"The checkpoint of step {best['at']} was chosen. {run['cpu_seconds']} CPU-seconds."
            plot = curve(points, label="optimizer step", y_label="right")
            found.append(figure(plot, title=f"{name}, seed {run['seed']}", caption=told))
    return grid(found)


def _samples(table: Mapping[str, Any]) -> Markup:
    """The first seed's staged model: true boxes are not drawn, its own are."""
    run = table["staged"]["runs"][0]
    pictures = series(TASKS, len(run["samples"]), run["seed"], 4)
    shown = sorted(zip(pictures, run["samples"], strict=True), key=lambda pair: TASKS.index(pair[0].task))
    cards = []
    for n, (one, sample) in enumerate(shown):
        out = BytesIO()
        one.picture.resize((SIDE * ENLARGED,) * 2, Image.Resampling.NEAREST).save(out, "PNG")
        found = boxes_in(sample["reply"], (SIDE, SIDE))
        marks = [Mark(i, (Box(*box),), sample["reply"]) for i, box in enumerate(found[:1], 1)]
        picture = marked_picture(out.getvalue(), SIDE, SIDE, marks, alt=f"{one.task}: {one.answer}", id=f"s{n}")
        word = "right" if sample["right"] else f"wrong: {one.answer}"
        note = Note(1, one.question, sample["reply"] or "(nothing)", tags=(word,), placed=bool(marks))
        cards.append(annotated(one.task, picture, [note], id=f"s{n}"))
    return grid(cards)
