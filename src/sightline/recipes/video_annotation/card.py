"""The dataset card of a video dataset: README.md with YAML front matter, every figure counted from the files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sightline.recipes.audit_record import audit_card
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole


def write_video_card(folder: Path) -> Path:
    """Write DIR/README.md from what is in DIR."""
    dataset = Dataset(folder)
    splits, categories, languages, licences = (Counter[str]() for _ in range(4))
    hours: Counter[str] = Counter()
    for row in dataset.rows(["split", "root_category", "language", "licence", "duration"]):
        splits[row["split"]] += 1
        category = row["root_category"] or "not asked"
        categories[category] += 1
        hours[category] += row["duration"] / 3600
        languages[row["language"] or "none"] += 1
        licences[row["licence"] or "not stated"] += 1
    refused = Counter(one.reason for one in dataset.rejects())
    run = dataset.run
    roles = ", ".join(f"{role}: {_code(name)}" for role, name in sorted(run.models.items()))
    text = "\n".join(
        [
            _front_matter(splits, languages, licences),
            f"# {folder.resolve().name}\n",
            f"{sum(splits.values()):,} videos, {sum(hours.values()):.2f} hours, annotated scene by scene with the "
            f"sightline recipe `{run.recipe}` (version {run.version}). Models: {roles}. The annotator's own words are "
            "in `annotation_text`; scenes lie on detected cuts where one is near, and reach from the beginning to the "
            "end; what could not be true was refused and is in `rejects.parquet` with its reason; `run.json` replays "
            f"the run. {_BYTES if run.config.get('store_videos') else _NO_BYTES}\n",
            _table(
                "Category",
                ("videos", "hours"),
                [(name, f"{n:,}", f"{hours[name]:.2f}") for name, n in categories.most_common()],
            ),
            _table("Language", ("videos",), [(name, f"{n:,}") for name, n in languages.most_common(30)]),
            _table("Licence", ("videos",), [(name, f"{n:,}") for name, n in licences.most_common(30)]),
            _table("Refused for", ("rows",), [(name, f"{n:,}") for name, n in refused.most_common()]),
            audit_card(folder),
            _FIELDS,
        ]
    )
    path = folder / "README.md"
    write_whole(path, text)
    return path


def _front_matter(splits: Counter[str], languages: Counter[str], licences: Counter[str]) -> str:
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in sorted(splits, reverse=True):
        lines += [f"  - split: {split}", f"    path: data/{split}-*.parquet"]
    known = sorted(code for code in languages if len(code) == 2)
    lines += ["language:", *(f"- {code}" for code in known)] if known else []
    stated = [name for name in licences if name != "not stated"]
    # JSON strings are YAML strings, so a licence text with a colon or a quote cannot break the front matter
    lines += [f"license: {json.dumps(stated[0])}"] if len(licences) == 1 and stated else ["license: unknown"]
    lines += ["task_categories:", "- video-text-to-text", "- visual-question-answering", "tags:", "- sightline"]
    return "\n".join([*lines, "- video", "- scenes", "---", ""])


def _table(head: str, units: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [f"| {head} | {' | '.join(units)} |", "|---" * (1 + len(units)) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, row))} |" for row in rows), ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


_BYTES = "Each video's file is in the column `video`."
_NO_BYTES = "Videos are referred to by address and hash, not copied."
_FIELDS = """## Fields

| field | what it holds |
|---|---|
| `source` | name, address, SHA-256, media type, size and licence of the video file |
| `thumbnails`, `thumbnail_times` | one picture per scene (JPEG) and its second |
| `scenes` | id, title, start and end in seconds, mood, two scores in 0..1 |
| `questions` | five questions with answers |
| `transcript`, `words_from` | cues with seconds, and where the words are from |
| `json` | the whole annotation and metadata in the form of FineVideo's `json` field, times as HH:MM:SS.mmm |
| `annotation_text` | the annotator's own words, before they were put into fields |
| `moved_frames` | by how many frames each stated start and end was moved, in order |
| `category`, `root_category` | a leaf of the taxonomy by its path, "unmatched", or empty where nobody was asked |
| `split`, `group` | videos that show the same carry one group and never stand in two splits |
"""
