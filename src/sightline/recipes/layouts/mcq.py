"""Multiple choice as CinePile publishes it (tomg-group-umd/cinepile; lmms-eval reads the same fields), as JSON lines:

{"id": "9c1f", "question": "Who enters first?", "choices": ["the guide", ...], "answer_key": "the driver",
 "answer_key_position": 1, "question_category": "temporal", "movie_scene": "00:01 ...", "images": ["images/9c1f.png"],
 "hard_split": "True", "visual_reliance": null, "language": "en"}

`sightline refine` reads it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sightline.recipes.layouts.layout import Layout, Row, one_by_one
from sightline.recipes.layouts.marked import picture_offences, read_jsonl, write_files


def _convert(rows: Sequence[Row]) -> Row:
    (row,) = rows
    said = {True: "True", False: "False", None: None}
    return {
        "id": row["id"],
        "split": row["split"],
        "question": row["question"],
        "choices": row["options"],
        "answer_key": row["options"][row["answer"]],
        "answer_key_position": row["answer"],
        "question_category": row["category"],
        "movie_scene": row["context"],
        "images": row["images"],
        "hard_split": said[row["flags"]["hard"]],
        "visual_reliance": said[row["flags"]["visual_reliance"]],
        "language": row["language"],
        "group": row["group"],
        "licence": row["licence"],
    }


def _offences(row: object, root: Path | None) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield f"not an object but {type(row).__name__}"
        return
    question, choices, place = (row.get(name) for name in ("question", "choices", "answer_key_position"))
    if not isinstance(question, str) or not question.strip():
        yield "no question"
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(c, str) and c.strip() for c in choices):
        yield "'choices' is not a list of at least two texts"
    elif len(set(choices)) < len(choices):
        yield "two choices are the same"
    elif not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(choices):
        yield "'answer_key_position' is no place in 'choices'"
    elif row.get("answer_key") != choices[place]:
        yield "'answer_key' is not the choice at 'answer_key_position'"
    for picture in _pictures(row):
        yield from picture_offences(picture, root)


def _pictures(row: Mapping[str, Any]) -> list[Any]:
    found = row.get("images") or []
    return found if isinstance(found, list) else [found]


LAYOUT = Layout(
    name="mcq",
    convert=_convert,
    groups=one_by_one,
    offences=_offences,
    write=partial(write_files, field="images", suffix="jsonl", frame=("", "\n", "\n")),
    read=read_jsonl,
    files="*.jsonl",
)
