"""A multiple-choice dataset on disk: `Choice` <-> row, and what stands beside the rows.

    DIR/README.md            card; `datasets.load_dataset(DIR)` opens the splits
    DIR/data/train-00000.parquet, test-..., unfixed_train-...    weak questions that no rewriting mended, kept apart
    DIR/evaluate/test.jsonl  the same questions as `sightline evaluate --benchmark mcq` reads them, without the unfixed
    DIR/rejects.parquet, run.json, report.html, .sightline/          as for documents

{"id": "9c1f...", "question": "Which door opens first?", "options": ["the left", ...], "answer": 2, "category": "...",
 "context": "...", "evidence": {"page": 0, "span": None, "quote": "...", ...}, "scores": {"blind": 0.8, "judge": 1.0},
 "flags": {"weak": False, "hard": None, "visual_reliance": None}, "images": [...], "source": {...}, ...}
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sightline.core.media import MediaRef
from sightline.core.sample import Choice
from sightline.pipeline.sinks import Columns
from sightline.pipeline.work import unwritable
from sightline.recipes.adversarial_qa.pictures import SUFFIXES
from sightline.recipes.adversarial_qa.video_scenes import heard
from sightline.recipes.dataset import COLUMNS as DOCUMENT_COLUMNS

UNFIXED = "unfixed_"
"""Before the name of the split that a question would stand in had it not stayed weak."""
SCORES = ("located", "judge", "blind", "held_out")
FLAGS = ("weak", "hard", "visual_reliance")
_PLAIN = ("id", "question", "answer", "category", "rationale", "context")
_ENDS = ("style", "writer", "language", "split", "group", "licence", "source", "provenance")
COLUMNS: Columns = {
    "id": "string",
    "images": ["image"],
    "image_scales": ["float64"],
    "image_pages": DOCUMENT_COLUMNS["image_pages"],
    "question": "string",
    "options": ["string"],
    "answer": "int64",
    "category": "string",
    "rationale": "string",
    "context": "string",
    "evidence": {**DOCUMENT_COLUMNS["evidence"][0], "span": ["float64"]},
    "scores": dict.fromkeys(SCORES, "float64"),
    "flags": dict.fromkeys(FLAGS, "bool"),
    **{name: DOCUMENT_COLUMNS[name] for name in _ENDS},
}
_MEDIA_TYPES = {suffix: media_type for media_type, suffix in SUFFIXES.items()}


def to_row(choice: Choice, picture: Callable[[str], bytes]) -> dict[str, Any]:
    """One row; `picture` gives a picture's bytes by its hash."""
    plain = choice.model_dump(mode="json", include=set(COLUMNS) - {"images"})
    return plain | {
        "images": [{"bytes": picture(ref.sha256), "path": picture_name(ref)} for ref in choice.images],
        "image_pages": [
            {"sha256": ref.sha256, "page": ref.page, "width": ref.width, "height": ref.height} for ref in choice.images
        ],
        "scores": dict.fromkeys(SCORES) | {name: choice.scores.get(name) for name in SCORES},
        "flags": dict.fromkeys(FLAGS) | {name: choice.flags.get(name) for name in FLAGS},
    }


def from_row(row: Mapping[str, Any], paths: Iterable[str]) -> Choice:
    """The inverse of `to_row`; `paths` are the names of its pictures, whose bytes are not needed."""
    refs = [
        {**about, "media_type": _MEDIA_TYPES[path.rpartition(".")[2]]}
        for path, about in zip(paths, row["image_pages"], strict=True)
    ]
    fields = {name: row[name] for name in (*_PLAIN, *_ENDS, "options", "evidence", "scores", "flags", "image_scales")}
    if fields["evidence"] is not None and not fields["evidence"]["span"]:
        fields["evidence"] = {**fields["evidence"], "span": None}
    return Choice.model_validate(fields | {"images": refs})


def picture_name(ref: MediaRef) -> str:
    """File name of a picture: its hash, shortened, and what it is."""
    return f"{ref.sha256[:32]}.{SUFFIXES[ref.media_type]}"


def write_examples(choices: Iterable[Choice], folder: Path, picture: Callable[[str], bytes]) -> None:
    """DIR/evaluate: one JSON-lines file per split as the benchmark "mcq" reads it, with pictures as files. The whole
    folder is made anew."""
    fresh = folder.with_name(f".{folder.name}.writing")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        files: dict[str, Any] = {}
        for choice in choices:
            if choice.split.startswith(UNFIXED):
                continue
            if choice.split not in files:
                files[choice.split] = (fresh / f"{choice.split}.jsonl").open("w", encoding="utf-8")
            files[choice.split].write(json.dumps(_saved(choice, fresh, picture), ensure_ascii=False) + "\n")
        for file in files.values():
            file.close()
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
    except OSError as error:
        raise unwritable(error, folder) from error


def _saved(choice: Choice, folder: Path, picture: Callable[[str], bytes]) -> dict[str, Any]:
    """The example with its pictures written to files."""
    names = []
    for ref in choice.images:
        path = folder / "pictures" / picture_name(ref)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(picture(ref.sha256))
        names.append(f"pictures/{path.name}")
    return example(choice) | {"images": names}


def example(choice: Choice) -> dict[str, Any]:
    """What the benchmark "mcq" is told of a question, without pictures. The words of a page stand in its picture; of a
    video's, what is said is shown, as CinePile shows subtitles."""
    paged = any(ref.page is not None for ref in choice.images)
    return {
        "id": choice.id,
        "question": choice.question,
        "context": "" if paged else heard(choice.context) if choice.images else choice.context,
        "options": list(choice.options),
        "answer": choice.answer,
        "category": choice.category,
        "hard": choice.flags.get("hard"),
        "group": choice.group or None,
        "language": choice.language,
    }


def stored(rows: Iterator[dict[str, Any]]) -> Iterator[Choice]:
    """Rows that come with their pictures' names."""
    for row in rows:
        yield from_row(row, [image["path"] for image in row["images"]])
