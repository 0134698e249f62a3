"""report.html of a multiple-choice dataset: what became of the questions, what it cost, and questions to look at."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sightline.core.errors import StorageError
from sightline.core.media import Box, Evidence
from sightline.core.score import Proportion
from sightline.lm.cleaning import clean
from sightline.recipes.adversarial_qa.dataset import UNFIXED
from sightline.recipes.adversarial_qa.figures import ROLE_HEADER, refinement_lines, role_lines
from sightline.recipes.adversarial_qa.reasons import REASONS
from sightline.recipes.audit_record import audit_section
from sightline.recipes.dataset import Dataset
from sightline.recipes.document_digest import box_pixels
from sightline.show import blocks
from sightline.show.overlay import pixels, thumbnail
from sightline.show.page import web_page
from sightline.show.values import Mark, StepFlow, Tile

SHOWN = 12
"""Questions of each split."""
PICTURES, SIDE = 3, 700
"""Of a question, and the longer side of one in pixels."""
STEPS = {
    "source": "read", "pick-templates": "scenes → kinds of question", "write-questions": "→ questions",
    "options-from-answers": "pairs → questions", "check-keys": "keys confirmed", "blind-test": "asked blind",
    "rewrite": "rewritten", "distinct": "no two the same", "keep-weak": "weak kept apart",
    "held-out-test": "asked of the held-out judge", "settle": "records", "finish": "records",
}  # fmt: skip
OPEN = 2
"""Rewritten questions seen at once; the rest is folded away."""
COLUMNS = [
    "question", "options", "answer", "category", "style", "scores", "flags", "evidence", "images", "image_scales",
]  # fmt: skip


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
        if rewritten := _rewritten(run.figures["refinement"].get("examples", {})):
            lead = "The first of each outcome: the question as it was beside what it became."
            parts.append(blocks.section("Before and after", rewritten, id="rewritten", lead=lead))
            contents.append(("rewritten", "Before and after"))
    steps = [StepFlow(**row) for row in run.figures.get("funnel", ())]
    parts.append(blocks.section("What each step did", blocks.funnel(steps, STEPS), id="funnel"))
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
    lead = "Multiple-choice questions with the page, picture or video they are about."
    if run.recipe == "refine":
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
    cost = dataset.run.figures.get("cost_usd")
    if cost is not None:
        tiles.append(Tile(f"{cost:,.4f}", "USD", "for all models, in all runs, by the prices given"))
    return blocks.tiles(tiles)


def _share(value: Proportion) -> str:
    return f"{value.value:.1%}" if value.n else "–"


def _questions(dataset: Dataset) -> Markup:
    """The first of each split, the right option marked; weak ones that nobody mended stand first."""
    files: dict[str, list[Path]] = {}
    for file in dataset.files:
        files.setdefault(file.name.rpartition("-")[0], []).append(file)
    parts = []
    for split, some in sorted(files.items(), key=lambda pair: (not pair[0].startswith(UNFIXED), pair[0])):
        dataset.files = some
        listed = [_question(row, f"{split}-{n}") for n, row in enumerate(islice(dataset.rows(COLUMNS), SHOWN))]
        parts.append(blocks.details(f"{split}: the first {len(listed)}", Markup("").join(listed), open=True))
    dataset.files = [file for some in files.values() for file in some]
    return Markup("").join(parts)


def _question(row: dict[str, Any], id: str) -> Markup:
    scores = ", ".join(f"{name} {value:.2f}" for name, value in row["scores"].items() if value is not None)
    flags = ", ".join(name for name, value in row["flags"].items() if value)
    evidence = row["evidence"] or {}
    span = evidence.get("span")
    seconds = f"seconds {span[0]:.1f} to {span[1]:.1f}" if span else ""
    quote = f"“{evidence['quote']}”" if evidence.get("quote") else ""
    about = [row["category"], row["style"], scores, flags, seconds, quote]
    told = Markup('<p class="soft">{}</p>').format(" · ".join(clean(words) for words in about if words))
    words = Markup("<div>{}{}</div>").format(_options(row), told)
    pictures = _pictures(row, id)
    return blocks.figure(blocks.grid([*pictures, words]) if pictures else words, title=clean(row["question"]))


def _options(said: Mapping[str, Any]) -> Markup:
    """Lettered options of a question, the right one marked."""
    lines = [
        Markup("<li dir=auto><b>{} ✓</b></li>" if place == said["answer"] else "<li dir=auto>{}</li>").format(
            clean(text)
        )
        for place, text in enumerate(said["options"])
    ]
    return Markup('<ol type="A">{}</ol>').format(Markup("").join(lines))


def _pictures(row: dict[str, Any], id: str) -> list[Markup]:
    """The first pictures of the context; on a page, the boxes where the answer stands."""
    out = []
    boxes = _boxes(row)
    for n, picture in enumerate(row["images"][:PICTURES]):
        marks = [Mark(1, boxes, "the answer")] if boxes and n == row["evidence"]["image"] else []
        width, height = pixels(picture["bytes"])
        small = thumbnail(picture["bytes"], SIDE)
        out.append(blocks.marked_picture(small, width, height, marks, alt="what is asked about", id=f"{id}-{n}"))
    return out


def _boxes(row: dict[str, Any]) -> tuple[Box, ...]:
    evidence = row["evidence"]
    if not evidence or not evidence["boxes"] or not row["image_scales"]:
        return ()
    stated = {**evidence, "span": evidence["span"] or None}
    return box_pixels(Evidence.model_validate(stated), row["image_scales"][evidence["image"] or 0])


def _rewritten(examples: Mapping[str, Any]) -> Markup:
    """Before and after: what gave a question away, and what became of each try."""
    out: list[Markup] = []
    for outcome, listed in examples.items():
        for example in listed:
            tries = "; ".join(": ".join(filter(None, (one["outcome"], one["detail"]))) for one in example["tries"])
            sides = [blocks.figure(_options(example["before"]), title=clean(example["before"]["question"]))]
            if example["after"]:
                sides.append(blocks.figure(_options(example["after"]), title=clean(example["after"]["question"])))
            facts = blocks.facts({"the blind judge said": clean(example["reason"]) or "–", "tries": clean(tries)})
            title = f"{outcome}: {clean(example['before']['question'])}"
            out.append(blocks.details(title, blocks.grid(sides) + facts, open=len(out) < OPEN))
    return Markup("").join(out)
