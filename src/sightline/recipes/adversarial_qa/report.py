"""report.html of a multiple-choice dataset: what became of the questions, what it cost, and questions to look at."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sightline.core.errors import StorageError
from sightline.core.score import Proportion
from sightline.evaluate.choice import LETTERS
from sightline.lm.cleaning import clean
from sightline.recipes.adversarial_qa.dataset import UNFIXED
from sightline.recipes.adversarial_qa.figures import ROLE_HEADER, refinement_lines, role_lines
from sightline.recipes.adversarial_qa.reasons import REASONS
from sightline.recipes.audit_record import audit_section
from sightline.recipes.dataset import Dataset
from sightline.show import blocks
from sightline.show.page import web_page
from sightline.show.values import StepFlow, Tile

SHOWN = 12
"""Questions of each split."""
COLUMNS = ["id", "question", "options", "answer", "category", "style", "scores", "flags", "split", "evidence"]


def write_report(folder: Path) -> Path:
    """Write DIR/report.html. Raises InputError where DIR holds no dataset, StorageError where it cannot be written."""
    target = folder / "report.html"
    fresh = target.with_suffix(".html.part")
    try:
        fresh.write_text(report_html(Dataset(folder), clean(folder.resolve().name)), encoding="utf-8")
        os.replace(fresh, target)
    except OSError as error:
        raise StorageError("the report cannot be written", subject=target, remedy=str(error.strerror)) from error
    return target


def report_html(dataset: Dataset, title: str) -> str:
    """The page as text."""
    run = dataset.run
    parts = [_headline(dataset)]
    contents = []
    if "refinement" in run.figures:
        lines = refinement_lines(run.figures["refinement"])
        table = blocks.data_table(("what", "figure", "which means"), lines)
        parts.append(blocks.section("Refinement", table, id="refinement"))
        contents.append(("refinement", "Refinement"))
    steps = [StepFlow(**row) for row in run.figures.get("funnel", ())]
    parts.append(blocks.section("What each step did", blocks.funnel(steps), id="funnel"))
    refused = Counter(one.reason for one in dataset.rejects())
    rows = [(reason, count, REASONS.get(reason, "")) for reason, count in refused.most_common()]
    table = blocks.data_table(("reason", "rows", "which means"), rows)
    parts.append(blocks.section("Refused", table if refused else "Nothing was refused.", id="refused"))
    cost = blocks.data_table([name.removeprefix(">") for name in ROLE_HEADER], role_lines(run))
    parts.append(blocks.section("Models and cost", cost, id="cost"))
    contents += [("funnel", "Funnel"), ("refused", "Refused"), ("cost", "Cost")]
    parts.append(audit_section(dataset.folder))
    contents.append(("checks", "Checks"))
    parts.append(blocks.section("Questions", _questions(dataset), id="questions"))
    contents.append(("questions", "Questions"))
    lead = "Multiple-choice questions, each asked of a judge that sees question and options only."
    return web_page(
        title, Markup("").join(parts), eyebrow=f"sightline · {run.recipe}", lead=lead, contents=tuple(contents)
    )


def _headline(dataset: Dataset) -> Markup:
    splits: Counter[str] = Counter()
    options: Counter[int] = Counter()
    for row in dataset.rows(["split", "options"]):
        splits[row["split"]] += 1
        options[len(row["options"])] += 1
    tiles = [
        Tile(
            f"{splits.total():,}", "questions", ", ".join(f"{count:,} {name}" for name, count in splits.most_common())
        ),
        Tile(" · ".join(f"{n}" for n in sorted(options)) or "–", "options each"),
    ]
    found = dataset.run.figures.get("refinement")
    if found:
        weak, fixed = Proportion(*found["weak"]), Proportion(*found["fixed"])
        tiles.append(Tile(_share(weak), "weak at first", f"{weak.hits:,} of {weak.n:,}"))
        if found["leak_passes_by_luck"] is not None:
            tiles.append(Tile(_share(fixed), "of them fixed", f"{fixed.hits:,} of {fixed.n:,}"))
        after = Proportion(*found["held_out_weak_after"])
        if after.n:
            tiles.append(Tile(_share(after), "of the fixed weak still", "for the held-out judge"))
    blind = dataset.run.models.get("blind")
    if blind:
        tiles.append(Tile(clean(blind), "blind judge"))
    return blocks.tiles(tiles)


def _share(value: Proportion) -> str:
    return f"{value.value:.1%}" if value.n else "–"


def _questions(dataset: Dataset) -> Markup:
    """The first of each split, the right option marked."""
    shown: dict[str, list[Markup]] = {}
    for row in dataset.rows(COLUMNS):
        listed = shown.setdefault(row["split"], [])
        if len(listed) < SHOWN:
            listed.append(_question(row))
    parts = []
    for split, listed in sorted(shown.items(), key=lambda pair: (not pair[0].startswith(UNFIXED), pair[0])):
        parts.append(blocks.details(f"{split}: the first {len(listed)}", Markup("").join(listed), open=True))
    return Markup("").join(parts)


def _question(row: dict[str, Any]) -> Markup:
    rows = [
        (letter, option, "right" if place == row["answer"] else "")
        for place, (letter, option) in enumerate(zip(LETTERS, row["options"], strict=False))
    ]
    scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items() if value is not None)
    flags = ", ".join(name for name, value in row["flags"].items() if value)
    quote = (row["evidence"] or {}).get("quote") or ""
    about = " · ".join(word for word in (row["category"], row["style"], scores, flags) if word)
    caption = f"{about} · “{quote}”" if quote else about
    return blocks.figure(blocks.data_table(("", "option", ""), rows), title=row["question"], caption=caption)
