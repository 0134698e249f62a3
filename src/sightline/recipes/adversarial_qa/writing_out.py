"""Writes a finished run as a multiple-choice dataset: Parquet, evaluation files, rejects, run.json, the card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from sightline.core.record import RunRecord
from sightline.core.sample import Choice
from sightline.pipeline import RunResult, write_parquet
from sightline.recipes.adversarial_qa.dataset import COLUMNS, UNFIXED, to_row, write_examples
from sightline.recipes.adversarial_qa.figures import ROLE_HEADER, refinement_lines, role_lines
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.audit_record import audit_card
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_rejects, write_whole

Flagged = Callable[[Choice], Choice]


def write_questions(result: RunResult, out: Path, record: RunRecord, pictures: Pictures, flagged: Flagged) -> None:
    """Write `result`'s last step (Choices) and all its rejects. Raises StorageError where the disk is full."""
    write_parquet((to_row(choice, pictures) for choice in _records(result, flagged)), out, COLUMNS)
    write_examples(_records(result, flagged), out / "evaluate", pictures)
    write_rejects(result.rejected(), out / "rejects.parquet")
    write_whole(out / "run.json", record.model_dump_json(indent=2) + "\n")
    write_card(out)


def _records(result: RunResult, flagged: Flagged) -> Iterator[Choice]:
    for item in result.items(result.plan.steps[-1].name):
        assert isinstance(item, Choice)
        yield flagged(item)


def write_card(folder: Path) -> Path:
    """README.md from what is in the folder: every figure is counted from the files beside it or stands in run.json."""
    dataset = Dataset(folder)
    counted = {name: Counter[str]() for name in ("split", "language", "category", "style", "licence", "options")}
    for row in dataset.rows(list(counted)):
        for name, counter in counted.items():
            value = f"{len(row[name])} options" if name == "options" else row[name] or "not stated"
            counter[value] += 1
    run = dataset.run
    parts = [_front_matter(counted), f"# {folder.resolve().name}\n", _made(run)]
    if "refinement" in run.figures:
        rows = [" | ".join(map(_cell, line)) for line in refinement_lines(run.figures["refinement"])]
        parts.append(
            "\n".join(["| what | figure | which means |", "|---|---|---|", *(f"| {row} |" for row in rows), ""])
        )
    cost = [" | ".join(map(_cell, line)) for line in role_lines(run)]
    if cost:
        head = f"| {' | '.join(name.removeprefix('>') for name in ROLE_HEADER)} |"
        parts.append("\n".join([head, "|---" * len(ROLE_HEADER) + "|", *(f"| {row} |" for row in cost), ""]))
    parts += [_table(name.capitalize(), counter) for name, counter in counted.items()]
    parts.append(_table("Refused for", Counter(one.reason for one in dataset.rejects())))
    parts.append(audit_card(folder))
    parts.append(_FIELDS)
    path = folder / "README.md"
    write_whole(path, "\n".join(part for part in parts if part))
    return path


def _front_matter(counted: dict[str, Counter[str]]) -> str:
    splits = counted["split"]
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in sorted(splits, reverse=True):
        lines += [f"  - split: {json.dumps(split)}", f"    path: {json.dumps(f'data/{split}-*.parquet')}"]
    languages = [f"- {json.dumps(name)}" for name in sorted(counted["language"])]  # bare, no means false
    lines += ["language:", *languages] if languages else []
    licences = list(counted["licence"])
    known = len(licences) == 1 and licences != ["not stated"]
    lines.append(f"license: {json.dumps(licences[0])}" if known else "license: unknown")
    lines += ["task_categories:", "- visual-question-answering", "- multiple-choice", "tags:", "- sightline", "---", ""]
    return "\n".join(lines)


def _made(run: RunRecord) -> str:
    models = ", ".join(f"{role}: `{name.replace('`', '')}`" for role, name in run.models.items())
    unfixed = f" Splits `{UNFIXED}...`: weak questions, kept apart." if run.recipe == "refine" else ""
    return (
        f"Made with the sightline recipe `{run.recipe}` (version {run.version}), seed {run.seed}. Models: {models}. "
        f"Everything refused is in `rejects.parquet` with its reason; `run.json` replays the run.{unfixed}\n"
    )


def _table(head: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    rows = [f"| {_cell(name)} | {count:,} |" for name, count in counts.most_common(30)]
    return "\n".join([f"| {head} | rows |", "|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


_FIELDS = """## Fields

| field | what it holds |
|---|---|
| `question`, `options`, `answer` | the question, its options, and the index (from 0) of the right one |
| `category`, `style`, `writer` | kind of question, template or rule, and the model that wrote it |
| `rationale`, `context`, `evidence` | why the key is right; what it is asked about, in words; where it is seen: \
`page`, `boxes` (points), `span` (seconds), `quote` |
| `images`, `image_scales` | pictures of the context; pixels per point |
| `scores` | in 0..1, higher is better, null where not run: `blind` = 1 - share of a blind judge's right votes; \
`held_out` the same for another judge; `judge` = the key was confirmed by a model that saw the context; `located` |
| `flags` | `weak`: a blind judge finds the answer; `hard`, `visual_reliance`: from recorded answers, null where none |
| `split`, `group` | questions of one group never stand in two splits |
| `licence`, `source`, `provenance` | where it comes from and how it was made |
"""
