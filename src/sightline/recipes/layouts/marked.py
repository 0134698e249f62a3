"""The two layouts in which pictures are files and a mark "<image>" in the text says where each one stands.

The most repeated complaint about vision data is a row whose marks and pictures differ in number; a document that itself
contains the text "<image>" makes such a row, so the text is written with a blank in it ("< image>").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sightline.core.errors import InputError
from sightline.recipes.layouts.layout import Layout, Row, by_pictures, turn_offences, undecodable

MARK = "<image>"


def _text(value: str) -> str:
    return value.replace(MARK, "< image>")


def _turns(rows: Sequence[Row], marks: int) -> Iterator[tuple[str, str]]:
    """(question, answer) of each row, the first question with `marks` marks before it."""
    before = f"{MARK}\n" * marks
    for row in rows:
        for text in row["texts"]:
            yield before + _text(text["user"]), _text(text["assistant"])
            before = ""


def _convert_messages(rows: Sequence[Row]) -> Row:
    messages = []
    for user, assistant in _turns(rows, len(rows[0]["images"])):
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"id": rows[0]["id"], "split": rows[0]["split"], "messages": messages, "images": rows[0]["images"]}


def llava_turns(rows: Sequence[Row], marks: int) -> list[Row]:
    """Turns of human and gpt, the first with `marks` marks."""
    return [
        {"from": role, "value": value}
        for turn in _turns(rows, marks)
        for role, value in zip(("human", "gpt"), turn, strict=True)
    ]


def _convert_llava(rows: Sequence[Row]) -> Row:
    """A row without pictures has no "image": LLaVA trains on it as on text."""
    images = rows[0]["images"]
    shown = {"image": images[0] if len(images) == 1 else images} if images else {}
    turns = llava_turns(rows, len(images))
    return {"id": rows[0]["id"], "split": rows[0]["split"], **shown, "conversations": turns}


def _pictures(row: Mapping[str, Any], field: str) -> list[Any]:
    value = row.get(field)
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def _offences(row: object, root: Path | None, *, turns: str, role: str, text: str, field: str) -> Iterator[str]:
    pictures = _pictures(row, field) if isinstance(row, Mapping) else []
    yield from said_offences(row, turns=turns, role=role, text=text, marks=len(pictures))
    for picture in pictures:
        yield from picture_offences(picture, root)


def said_offences(row: object, *, turns: str, role: str, text: str, marks: int) -> Iterator[str]:
    """What is wrong with the turns of a row that shows `marks` pictures or videos."""
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
    found = sum(turn[text].count(MARK) for turn in said)
    if found != marks:
        yield f"{found} {MARK} marks but {marks} pictures"


def picture_offences(picture: object, root: Path | None) -> Iterator[str]:
    """Why a picture, in the row or as a path in an exported folder, could not be opened."""
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
    shown = {field: names if isinstance(row[field], list) else names[0]} if field in row else {}
    return json.dumps(kept | shown, ensure_ascii=False)


def write_files(
    rows: Iterator[Row], folder: Path, *, field: str, suffix: str, frame: tuple[str, str, str]
) -> list[Path]:
    """Text files train.SUFFIX, test.SUFFIX, with the pictures of `field` beside them."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    return write_lines(((row["split"], _saved(row, folder, field)) for row in rows), folder, suffix=suffix, frame=frame)


def write_lines(
    lines: Iterable[tuple[str, str]], folder: Path, *, suffix: str, frame: tuple[str, str, str]
) -> list[Path]:
    """(split, text of a row) -> a file per split; `frame` is what stands before, between and after rows."""
    before, between, after = frame
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for split, line in lines:
            first = split not in files
            if first:
                path = folder / f"{split}.{suffix}"
                files[split] = stack.enter_context(path.open("w", encoding="utf-8"))
            files[split].write((before if first else between) + line)
        for file in files.values():
            file.write(after)
    return [folder / f"{split}.{suffix}" for split in files]


def read_jsonl(folder: Path) -> Iterator[tuple[str, Row]]:
    """(name of the row, row) of JSON lines."""
    for path in sorted(folder.glob("*.jsonl")):
        yield from _lines(path, _read_text(path).split("\n"))


def _lines(path: Path, lines: list[str]) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{path.name} line {number}", _parsed(line, f"{path.name} line {number}")


def read_json(folder: Path) -> Iterator[tuple[str, Row]]:
    """The same of files that hold one list each."""
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
    write=partial(write_files, field="images", suffix="jsonl", frame=("", "\n", "\n")),
    read=read_jsonl,
    files="*.jsonl",
)
LLAVA = Layout(
    name="llava",
    convert=_convert_llava,
    groups=by_pictures,
    offences=partial(_offences, turns="conversations", role="from", text="value", field="image"),
    write=partial(write_files, field="image", suffix="json", frame=("[\n", ",\n", "\n]\n")),
    read=read_json,
    files="*.json",
)
