"""What is asked of a model and what counts as right, and reading it from files line by line without a guess."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightline.core.errors import InputError
from sightline.core.score import Prediction


class Example(BaseModel):
    """One question of a benchmark."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    question: str
    context: str = ""
    """Words that the question is about, where no picture shows them: subtitles, a story."""
    references: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Of a multiple-choice question; empty for others."""
    answer: int | None = None
    """Index of the right option."""
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    """True boxes: corners in pixels of the original picture."""
    size: tuple[float, float] | None = None
    """Width and height of the original picture in pixels."""
    group: str | None = None
    """Document, image or video: examples of one group are not independent."""
    category: str = ""
    hard: bool | None = None
    language: str = "en"
    pictures: tuple[bytes, ...] = Field(default=(), exclude=True, repr=False)
    """Encoded pictures, in the order in which the model sees them."""


def rows(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) of a JSON-lines file; empty lines are passed over.

    Raises InputError with the line's number where a line is no JSON object, not UTF-8, or cut off.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file", subject=path)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"line {number} is not UTF-8 (byte {error.start + 1})", subject=path) from error
            if not line.strip():
                continue
            try:
                found = json.loads(line, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                cut = "" if raw.endswith(b"\n") else "; the file may be cut off"
                raise InputError(f"line {number} is no JSON ({error}{cut})", subject=path) from error
            if not isinstance(found, dict):
                raise InputError(f"line {number} holds no object but {type(found).__name__}", subject=path)
            yield number, found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON number")


def read_predictions(path: str | Path) -> list[Prediction]:
    """`{"id", "prediction", "references": [...], "group"?}` lines.

    Raises InputError with the line's number for a missing, empty or double id, a prediction that is no text, and
    references that are missing, empty or no texts; other fields are left alone.
    """
    seen: dict[str, int] = {}
    out = []
    for number, row in rows(path):
        identity = _id(row, number, path, seen)
        prediction, references = row.get("prediction"), row.get("references")
        if not isinstance(prediction, str):
            raise InputError(f"line {number}: 'prediction' must be a text, not {_kind(prediction)}", subject=path)
        if isinstance(references, str) or not isinstance(references, list) or not references:
            raise InputError(f"line {number}: 'references' must be a list with a text in it", subject=path)
        if not all(isinstance(text, str) for text in references):
            raise InputError(f"line {number}: 'references' must hold texts only", subject=path)
        group = row.get("group")
        if group is not None and not isinstance(group, str | int):
            raise InputError(f"line {number}: 'group' must be a text or a whole number", subject=path)
        out.append(
            Prediction(
                id=identity, prediction=clean(prediction), references=tuple(map(clean, references)),
                group=None if group is None else str(group),
            )
        )  # fmt: skip
    if not out:
        raise InputError("no predictions in the file", subject=path)
    return out


def example(row: Mapping[str, Any], number: int, path: object, seen: dict[str, int]) -> Example:
    """A row in our own layout as an Example. Raises InputError with the line's number."""
    return made({**row, "id": _id(row, number, path, seen)}, f"line {number}", path)


def made(fields: Mapping[str, Any], where: str, path: object) -> Example:
    """An example of these fields. Raises InputError that says `where` of `path` one is of another kind."""
    try:
        return Example.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {name}: {first['msg']}", subject=path) from error


def _id(row: Mapping[str, Any], number: int, path: object, seen: dict[str, int]) -> str:
    found = row.get("id")
    whole = isinstance(found, int) and not isinstance(found, bool)
    if not (isinstance(found, str) and found.strip()) and not whole:
        raise InputError(f"line {number}: no 'id'", subject=path, remedy="every line needs a text or whole number")
    identity = clean(str(found))
    if identity in seen:
        raise InputError(f"line {number}: id {identity!r} is there already, in line {seen[identity]}", subject=path)
    seen[identity] = number
    return identity


def clean(text: str) -> str:
    """Without lone surrogates and NULs, which no file of ours can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _kind(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return "nothing" if value is None else type(value).__name__
