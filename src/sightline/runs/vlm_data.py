"""A sightline dataset folder as conversations for training; bad rows are counted by reason, never silently gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError, Reject
from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture

Conversation = tuple[Message, ...]


def conversations(folder: Path, split: str = "train") -> Iterator[tuple[str, Conversation]]:
    """(id, conversation) of one split of FOLDER/data/*.parquet; pictures with their bytes, before the question. Raises
    InputError where there is no such dataset."""
    files = sorted(folder.glob("data/*.parquet"))
    if not files:
        raise InputError("no dataset in this folder", subject=folder, remedy="name what `sightline build` wrote")
    for file in files:
        with pq.ParquetFile(file) as parquet:
            for group in range(parquet.num_row_groups):
                for row in parquet.read_row_group(group).to_pylist():
                    if row["split"] == split:
                        yield row["id"], _conversation(row)


def usable(
    rows: Iterator[tuple[str, Conversation]], encode: Callable[[Conversation], object]
) -> tuple[list[Conversation], dict[str, str]]:
    """Rows that `encode` takes, and the reason of every other one by its id."""
    kept, refused = [], {}
    for id_, row in rows:
        try:
            encode(row)
        except Reject as error:
            refused[id_] = error.reason
        else:
            kept.append(row)
    return kept, refused


def told(refused: dict[str, str]) -> str:
    """ "3 rows refused: 2 row-too-long, 1 aspect-ratio"."""
    counts = Counter(refused.values()).most_common()
    return f"{len(refused)} rows refused" + (": " if counts else "") + ", ".join(f"{n} {why}" for why, n in counts)


def _conversation(row: dict[str, Any]) -> Conversation:
    pictures = [
        Picture(ref=MediaRef(sha256=str(image["path"]), media_type="image/png"), data=image["bytes"])
        for image in row["images"]
    ]
    queue = iter(pictures)
    return tuple(_message(message, queue) for message in row["messages"])


def _message(message: dict[str, Any], queue: Iterator[Picture]) -> Message:
    """Pictures of all turns stand in one list, in the order in which the turns show them."""
    parts = [next(queue) if part["type"] == "image" else part["text"] for part in message["content"]]
    return Message.of(message["role"], *parts)
