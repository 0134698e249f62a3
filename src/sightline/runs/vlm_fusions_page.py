"""The comparison of fusions for people: a table for the terminal, a page with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sightline.show import Estimate, bars_with_intervals, callout, data_table, figure, grid, section, web_page
from sightline.train.checkpoint import write_whole


def caveat(made: Mapping[str, Any]) -> str:
    """What the intervals hold for."""
    speeds = "Speeds are wall time of the steps, one after another."
    if made["seeds"] == 1:
        sure = "an interval says how sure a figure is over test rows, not over other starts (--seeds 3)"
        return f"One seed ranks nothing: {sure}. {speeds}"
    return f"Means over {made['seeds']} seeds; intervals hold for other seeds and other test rows. {speeds}"


def fusion_table(made: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows."""
    figures = list(made["fusions"][0]["scores"])
    head = ["fusion", ">parameters", ">tokens a row", ">tokens/s", ">rows/s", *(f">{name}" for name in figures)]
    rows = [
        [
            row["fusion"],
            f"{row['parameters']:,}",
            f"{row['sequence']:.1f}",
            f"{row['tokens_per_second']:,}",
            f"{row['rows_per_second']:.1f}",
            *(_bounds(row["scores"][name]) for name in figures),
        ]
        for row in made["fusions"]
    ]
    return head, rows


def differences(made: Mapping[str, Any]) -> list[list[str]]:
    """(fusion, figure, difference to the first fusion, paired 95 %)."""
    return [
        [row["fusion"], name, _bounds(found, "+.3f")]
        for row in made["fusions"]
        for name, found in row["minus_first"].items()
    ]


def write_fusions_page(path: Path, made: Mapping[str, Any]) -> None:
    """One self-contained HTML file."""
    head, rows = fusion_table(made)
    where = "test rows" if made["on"] == "test" else "rows held out, which chose the checkpoints, too"
    caption = f"Figures on {where}. Brackets: 95 %, over whole documents (none where there is only one)."
    body = data_table([name.removeprefix(">") for name in head], rows, caption=caption) + callout("Mind", caveat(made))
    body += grid([_bars(name, made["fusions"]) for name in made["fusions"][0]["scores"]])
    first = made["fusions"][0]["fusion"]
    if told := differences(made):
        body += data_table(
            ["fusion", "figure", f"minus {first}, paired"], told, caption="Same rows and seeds, paired, 95 %."
        )
    seeds = f"seed {made['seed']}" if made["seeds"] == 1 else f"{made['seeds']} seeds"
    lead = (
        f"The same {made['rows']:,} rows, {seeds}, {made['steps']:,} steps and batch for each; only the "
        "way pictures reach the language model differs."
    )
    page = web_page("Fusions compared", section("Side by side", body, id="table"), eyebrow=path.parent.name, lead=lead)
    write_whole(path, page.encode())


def _bars(name: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    estimates = []
    for row in rows:
        value, low, high, _ = row["scores"][name]
        estimates.append(Estimate(row["fusion"], value, value if low is None else low, value if high is None else high))
    top = max(1.0, *(one.high for one in estimates))
    return figure(bars_with_intervals(estimates, label=name, limits=(0.0, top), form="{:.3f}"), title=name)


def _bounds(found: Sequence[Any], form: str = ".3f") -> str:
    value, low, high = found[:3]
    return f"{value:{form}}" + ("" if low is None else f" [{low:{form}}, {high:{form}}]")
