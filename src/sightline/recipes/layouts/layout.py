"""What a layout is: a function from our rows to its rows, the rules its trainer holds rows to, and its files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """One trainer's layout."""

    name: str
    convert: Callable[[Sequence[Row]], Row]
    """Rows of ours that share pictures -> one row of this layout; pictures stay as {"bytes", "path"}."""
    groups: Callable[[Iterable[Row]], Iterator[list[Row]]]
    """Which of our rows become one row."""
    offences: Callable[[Mapping[str, Any], Path | None], Iterator[str]]
    """What the trainer would refuse in a row; paths are relative to the folder (None: pictures are in the row)."""
    write: Callable[[Iterator[Row], Path], list[Path]]
    """Rows of all splits (each names its "split") -> the files a trainer is pointed to."""
    read: Callable[[Path], Iterator[tuple[str, Row]]]
    """(name of the row, row) of an exported folder."""
    files: str
    """Glob that tells an exported folder of this layout."""


def one_by_one(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Each question its own conversation."""
    for row in rows:
        yield [row]


def by_pictures(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Questions in a row about the same pictures become one conversation of several turns."""
    for _, group in groupby(rows, key=lambda row: (row["split"], [image["path"] for image in row["images"]])):
        yield list(group)


def by_document(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Questions in a row about the same document."""
    for _, group in groupby(rows, key=lambda row: (row["split"], row["source"]["sha256"])):
        yield list(group)


def undecodable(data: bytes | None, path: Path | None = None) -> str | None:
    """Why a picture cannot be decoded; None where it can."""
    try:
        with Image.open(io.BytesIO(data) if data is not None else str(path)) as picture:
            picture.load()
    except FileNotFoundError:
        return "file not found"
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"not decodable ({type(error).__name__})"
    return None


def turn_offences(roles: Sequence[str], user: str, assistant: str) -> Iterator[str]:
    """Turns must alternate, begin with the user and end with the assistant; one system turn may stand first."""
    turns = list(roles[1:] if roles[:1] == ["system"] else roles)
    if not turns:
        yield "no turns"
    elif turns != [user, assistant] * (len(turns) // 2):
        yield f"turns do not alternate {user}, {assistant}: {', '.join(turns[:6])}"
