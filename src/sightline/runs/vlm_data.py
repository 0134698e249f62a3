"""Datasets as conversations for training: a folder that `sightline build` wrote, or JSON lines of one's own. Bad rows
are refused by id and reason, never silently gone.

{"id": "r1", "images": ["a.png"], "messages": [{"role": "user", "content": "<image>colour?"}, {"role": "assistant",
"content": "red"}], "split": "train", "group": "album-1"}

Content is a string in which `<image>` stands for the next picture and `<video>` for the next of "videos", seen as
evenly sampled frames; or parts as in a built dataset.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.door import require
from sightline.core.errors import InputError, Reject
from sightline.core.fingerprint import fingerprint
from sightline.core.media import Box, MediaRef
from sightline.core.message import Message, Picture
from sightline.evaluate.benchmarks.benchmark import picture
from sightline.evaluate.examples import rows as json_rows
from sightline.vlm.resolution import FRAMES, frame_times

Conversation = tuple[Message, ...]
PLACEHOLDERS = {"<image>": "image", "<video>": "video"}


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a dataset."""

    id: str
    split: str
    messages: Conversation
    group: str
    """Document, album or video; its own id where the row names none."""
    language: str = "en"
    quote: str = ""
    """What stands at the evidence."""
    boxes: tuple[Box, ...] = ()
    """Where it stands, in pixels of the only picture; empty where there are several pictures or no evidence."""


Refused = dict[str, str]
"""Reason by id."""


def items(data: Path, refused: Refused, frames: int = FRAMES) -> Iterator[Item]:
    """Every row that can be read, a video as at most so many `frames`; the others go to `refused`. Raises InputError
    where there is no such dataset."""
    for id_, make in _rows(data, frames):
        try:
            yield make()
        except Reject as error:
            refused[id_] = error.reason


def usable(rows: Iterable[Item], encode: Callable[[Conversation], object], refused: Refused) -> list[Item]:
    """Rows that `encode` takes; the others go to `refused`."""
    kept = []
    for row in rows:
        try:
            encode(row.messages)
        except Reject as error:
            refused[row.id] = error.reason
        else:
            kept.append(row)
    return kept


def told(refused: Refused) -> str:
    """ "3 rows refused: 2 row-too-long, 1 aspect-ratio"."""
    counts = Counter(refused.values()).most_common()
    return f"{len(refused)} rows refused" + (": " if counts else "") + ", ".join(f"{n} {why}" for why, n in counts)


def held_out(rows: Sequence[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """(kept, held out): whole groups in an order drawn by `seed`, until the share is reached; at least one where there
    are two or more, and never all."""
    sizes = Counter(row.group for row in rows)
    out: set[str] = set()
    taken = 0
    for group in sorted(sizes, key=lambda name: fingerprint([seed, name]))[:-1]:
        if not share or (out and taken + sizes[group] / 2 > share * len(rows)):
            break
        out.add(group)
        taken += sizes[group]
    return [row for row in rows if row.group not in out], [row for row in rows if row.group in out]


def video_pictures(path: Path, frames: int = FRAMES) -> list[Picture]:
    """Evenly sampled frames, at most one a second (SmolVLM). Raises Reject where the video cannot be read, MissingExtra
    without the package that reads it."""
    require("av", "video")
    sampled = require("sightline.media.video_sampled", "video").sampled_frames
    return [_picture(data) for data in sampled(path, partial(frame_times, most=frames))]


def _picture(data: bytes) -> Picture:
    return Picture(ref=MediaRef(sha256=hashlib.sha256(data).hexdigest(), media_type="image/*"), data=data)


def _rows(data: Path, frames: int) -> Iterator[tuple[str, Callable[[], Item]]]:
    if data.is_file():
        for number, row in json_rows(data):
            id_ = _said(row, "id", f"line {number}")
            yield id_, lambda row=row, id_=id_: _written(row, id_, data.parent, frames)  # type: ignore[misc]
        return
    files = sorted(data.glob("data/*.parquet"))
    if not files:
        remedy = "name what `sightline build` wrote, or a JSON-lines file"
        raise InputError("no dataset in this folder", subject=data, remedy=remedy)
    for file in files:
        with pq.ParquetFile(file) as parquet:
            missing = {"id", "images", "messages", "split"} - set(parquet.schema_arrow.names)
            if missing:
                raise InputError(
                    f"not a dataset of conversations: no column {', '.join(sorted(missing))}",
                    subject=file,
                    remedy="turn it into JSON lines: `sightline export DATASET --to messages --out DIR`",
                )
            for group in range(parquet.num_row_groups):
                for row in parquet.read_row_group(group).to_pylist():
                    yield str(row["id"]), lambda row=row: _built(row)  # type: ignore[misc]


def _built(row: dict[str, Any]) -> Item:
    pictures = [
        Picture(ref=MediaRef(sha256=str(image["path"]), media_type="image/png"), data=image["bytes"])
        for image in row["images"]
    ]
    item = Item(
        id=row["id"],
        split=row["split"],
        messages=_conversation(row["messages"], pictures),
        group=str(row.get("group") or row["id"]),
        language=row.get("language") or "en",
    )
    evidence = row.get("evidence") or []
    if len(pictures) != 1 or not evidence or any(one["image"] != 0 for one in evidence):
        return item
    scale = row["image_scales"][0]
    boxes = tuple(Box(*(side * scale for side in four)) for one in evidence for four in one["boxes"])
    return replace(item, boxes=boxes, quote=" ".join(one["quote"] for one in evidence))


def _written(row: dict[str, Any], id_: str, folder: Path, frames: int) -> Item:
    """A line of one's own. Raises Reject: "no-such-picture", "no-such-video", "malformed-row",
    "pictures-and-placeholders", and those of videos."""
    names, films, messages = row.get("images", []), row.get("videos", []), row.get("messages")
    if not all(isinstance(one, list) for one in (names, films, messages)):
        raise Reject("malformed-row", wanted="images, videos: lists of files; messages: a list of turns")
    pictures = [_picture(_bytes(folder, str(name))) for name in names]
    shown = []
    for name in films:
        path = (folder / str(name)).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise Reject("no-such-video", name=str(name))
        shown.append(video_pictures(path, frames))
    return Item(
        id=id_,
        split=_said(row, "split", "train"),
        messages=_conversation(messages or [], pictures, shown),
        group=_said(row, "group", id_),
        language=_said(row, "language", "en"),
    )


def _said(row: dict[str, Any], name: str, otherwise: str) -> str:
    value = row.get(name)
    return otherwise if value is None else str(value)


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return picture(folder, name)
    except InputError as error:
        raise Reject("no-such-picture", name=name) from error


def _conversation(
    messages: list[Any], pictures: Sequence[Picture], videos: Sequence[Sequence[Picture]] = ()
) -> Conversation:
    """Pictures of all turns stand in one list, in the order in which the turns show them; so do videos."""
    queue, films = iter(pictures), iter(videos)
    try:
        made = tuple(Message.of(m["role"], *_parts(m["content"], queue, films)) for m in messages)
    except (KeyError, TypeError, ValueError) as error:
        raise Reject("malformed-row", error=str(error)[:200]) from error
    if surplus := sum(1 for _ in queue) + sum(1 for _ in films):
        raise Reject("pictures-and-placeholders", pictures=len(pictures), videos=len(videos), surplus=surplus)
    return made


def _parts(content: Any, queue: Iterator[Picture], films: Iterator[Sequence[Picture]]) -> Iterator[str | Picture]:
    if isinstance(content, str):
        pieces = re.split(f"({'|'.join(PLACEHOLDERS)})", content)
        content = [{"type": PLACEHOLDERS.get(piece, "text"), "text": piece} for piece in pieces]
    for part in content:
        if part["type"] in PLACEHOLDERS.values():
            shown = next(films, None) if part["type"] == "video" else next(([one] for one in queue), None)
            if shown is None:
                raise Reject("pictures-and-placeholders", lacking=part["type"])
            yield from shown
        elif part["text"]:
            yield part["text"]
