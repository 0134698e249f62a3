"""The two layouts in which pictures are files and a mark "<image>" in the text says where each one stands.

The most repeated complaint about vision data is a row whose marks and pictures differ in number; a document that itself
contains the text "<image>" makes such a row, so the text is written with a blank in it ("< image>").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sightline.core.errors import InputError
from sightline.recipes.layouts.layout import Layout, Row, by_pictures, turn_offences, undecodable

MARK = "<image>"


def _text(value: str) -> str:
    return value.replace(MARK, "< image>")


def _turns(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """(question, answer) of each row, the first question with a mark per picture before it."""
    marks = f"{MARK}\n" * len(rows[0]["images"])
    for row in rows:
        for text in row["texts"]:
            yield marks + _text(text["user"]), _text(text["assistant"])
            marks = ""


def _convert_messages(rows: Sequence[Row]) -> Row:
    messages = []
    for user, assistant in _turns(rows):
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"id": rows[0]["id"], "split": rows[0]["split"], "messages": messages, "images": rows[0]["images"]}


def _convert_llava(rows: Sequence[Row]) -> Row:
    conversations = []
    for user, assistant in _turns(rows):
        conversations += [{"from": "human", "value": user}, {"from": "gpt", "value": assistant}]
    images = rows[0]["images"]
    shown = images[0] if len(images) == 1 else images
    return {"id": rows[0]["id"], "split": rows[0]["split"], "image": shown, "conversations": conversations}


def _pictures(row: Mapping[str, Any], field: str) -> list[Any]:
    value = row.get(field)
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _offences(row: object, root: Path | None, *, turns: str, role: str, text: str, field: str) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield f"not an object but {type(row).__name__}"
        return
    said = row.get(turns)
    if not isinstance(said, list) or not all(isinstance(t, dict) and isinstance(t.get(text), str) for t in said):
        yield f"'{turns}' is not a list of objects with a string '{text}'"
        return
    user, assistant = ("human", "gpt") if role == "from" else ("user", "assistant")
    yield from turn_offences([str(turn.get(role)) for turn in said], user, assistant)
    for number, turn in enumerate(said):
        if not turn[text].replace(MARK, "").strip():
            yield f"turn {number} has no text"
        if turn.get(role) == assistant and MARK in turn[text]:
            yield f"turn {number}: {MARK} in an answer"
    pictures = _pictures(row, field)
    marks = sum(turn[text].count(MARK) for turn in said)
    if marks != len(pictures):
        yield f"{marks} {MARK} marks but {len(pictures)} pictures"
    for picture in pictures:
        yield from _picture_offences(picture, root)


def _picture_offences(picture: object, root: Path | None) -> Iterator[str]:
    if isinstance(picture, Mapping):
        why = undecodable(picture["bytes"])
    elif not isinstance(picture, str):
        why = "neither a path nor a picture"
    elif Path(picture).is_absolute() or ".." in Path(picture).parts:
        why = "not a path inside the folder"
    else:
        why = undecodable(None, (root or Path()) / picture)
    if why is not None:
        yield f"picture {picture['path'] if isinstance(picture, Mapping) else picture}: {why}"


def _saved(row: Row, folder: Path, field: str) -> str:
    """The row as JSON, its pictures written to files and named by relative path."""
    names = []
    for picture in _pictures(row, field):
        path = folder / "images" / picture["path"]
        if not path.exists():
            path.write_bytes(picture["bytes"])
        names.append(f"images/{picture['path']}")
    kept = {name: value for name, value in row.items() if name != "split"}
    return json.dumps(kept | {field: names if isinstance(row[field], list) else names[0]}, ensure_ascii=False)


def _write(rows: Iterator[Row], folder: Path, *, field: str, suffix: str, frame: tuple[str, str, str]) -> list[Path]:
    """Text files train.SUFFIX, test.SUFFIX; `frame` is what stands before, between and after rows."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    before, between, after = frame
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for row in rows:
            split = row["split"]
            first = split not in files
            if first:
                path = folder / f"{split}.{suffix}"
                files[split] = stack.enter_context(path.open("w", encoding="utf-8"))
            files[split].write((before if first else between) + _saved(row, folder, field))
        for file in files.values():
            file.write(after)
    return [folder / f"{split}.{suffix}" for split in files]


def _read_jsonl(folder: Path) -> Iterator[tuple[str, Row]]:
    for path in sorted(folder.glob("*.jsonl")):
        yield from _lines(path, _read_text(path).split("\n"))


def _lines(path: Path, lines: list[str]) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{path.name} line {number}", _parsed(line, f"{path.name} line {number}")


def _read_json(folder: Path) -> Iterator[tuple[str, Row]]:
    for path in sorted(folder.glob("*.json")):
        rows = _parsed(_read_text(path), path.name)
        if not isinstance(rows, list):
            raise InputError("not a JSON list of rows", subject=path)
        for number, row in enumerate(rows):
            name = row.get("id", "") if isinstance(row, dict) else ""
            yield f"{path.name} row {number} ({name})", row


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 text (byte {error.start})", subject=path) from error


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError("not JSON", subject=f"{where}, column {error.colno}") from error


MESSAGES = Layout(
    name="messages",
    convert=_convert_messages,
    groups=by_pictures,
    offences=partial(_offences, turns="messages", role="role", text="content", field="images"),
    write=partial(_write, field="images", suffix="jsonl", frame=("", "\n", "\n")),
    read=_read_jsonl,
    files="*.jsonl",
)
LLAVA = Layout(
    name="llava",
    convert=_convert_llava,
    groups=by_pictures,
    offences=partial(_offences, turns="conversations", role="from", text="value", field="image"),
    write=partial(_write, field="image", suffix="json", frame=("[\n", ",\n", "\n]\n")),
    read=_read_json,
    files="*.json",
)
