"""The dataset card: README.md whose YAML front matter lets `datasets.load_dataset(DIR)` find the splits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from sightline.core.record import RunRecord
from sightline.recipes.audit_record import audit_card
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole


def write_card(folder: Path) -> Path:
    """Write DIR/README.md from what is in DIR. Every figure in it is counted from the files beside it.

    Raises StorageError where it cannot be written.
    """
    dataset = Dataset(folder)
    splits, languages, styles, licences, sources = (Counter[str]() for _ in range(5))
    for row in dataset.rows(["split", "language", "style", "licence", "source"]):
        splits[row["split"]] += 1
        languages[row["language"]] += 1
        styles[row["style"]] += 1
        licences[row["licence"] or "not stated"] += 1
        sources[row["source"]["name"]] += 1
    rejected = Counter(one.reason for one in dataset.rejects())
    text = "\n".join(
        [
            _front_matter(splits, languages, licences),
            f"# {folder.resolve().name}\n",
            _how(dataset.run),
            _table("Split", "pairs", splits),
            _table("Language", "pairs", languages),
            _table("Style", "pairs", styles),
            _table("Licence", "pairs", licences),
            _table("Refused for", "rows", rejected),
            audit_card(folder),
            _FIELDS,
        ]
    )
    path = folder / "README.md"
    write_whole(path, text)
    return path


def _front_matter(splits: Counter[str], languages: Counter[str], licences: Counter[str]) -> str:
    size = splits.total()
    brackets = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    category = next((name for limit, name in brackets if size < limit), "n>1M")
    stated = [name for name in licences if name != "not stated"]
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in sorted(splits, reverse=True):
        lines += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    lines += ["language:", *(f"- {name}" for name in sorted(languages))] if languages else []
    # JSON strings are YAML strings, so a licence text with a colon or a quote cannot break the front matter
    lines += [f"license: {json.dumps(stated[0])}"] if len(licences) == 1 and stated else ["license: unknown"]
    lines += ["task_categories:", "- visual-question-answering", "- document-question-answering"]
    lines += ["tags:", "- sightline", "- evidence", f"size_categories:\n- {category}", "---", ""]
    return "\n".join(lines)


def _how(run: RunRecord) -> str:
    writer = run.models.get("writer", "none")
    by = f"by the model {_code(writer)}"
    if writer == "layout":
        by = "by rules from the pages' own layout; no language model wrote them"
    judges = ", ".join(f"{role}: {_code(run.models.get(role, 'none'))}" for role in ("judge", "blind"))
    made = "" if run.finished is None else f" on {run.finished:%Y-%m-%d}"
    return (
        f"Made{made} with the sightline recipe `{run.recipe}` (version {run.version}), seed {run.seed}. "
        f"Questions and answers were written {by}. Judges: {judges}. "
        "Each extractive answer names the page and the boxes where it stands; "
        "everything refused is in `rejects.parquet` with its reason; `run.json` replays the run.\n"
    )


def _table(head: str, unit: str, counts: Counter[str]) -> str:
    if not counts:
        return ""
    rows = [f"| {_cell(name)} | {count:,} |" for name, count in counts.most_common(30)]
    return "\n".join([f"| {head} | {unit} |", "|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


_FIELDS = """## Fields

| field | what it holds |
|---|---|
| `images` | the page pictures the question is about, as PNG or JPEG |
| `image_scales` | pixels per point of each picture: box x scale = pixels |
| `texts` | `user`, `assistant`, `source` as in Docmatix |
| `messages` | the same as a chat with typed parts, as TRL reads it |
| `evidence` | for each answer: `page` (from 0), `image` (which of `images`), `boxes` (points from the \
page's top left as displayed), `match` (exact, normalised, value, fuzzy, none), `confidence`, \
`quote` (the page's own words) |
| `scores` | `located`, `judge`, `blind` in 0..1, higher is better; null where that check was not run |
| `style`, `writer`, `language` | which rule or prompt and which model made it, and in which language |
| `split`, `group` | pairs of one group never stand in two splits |
| `licence`, `source`, `provenance` | where it comes from and how it was made |
"""
