"""TRL's vision layout: `messages` whose content is a list of {"type": "image"} and {"type": "text", "text"} parts, and
`images` with as many pictures as there are image parts (trl/data_utils.py: prepare_multimodal_messages)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sightline.recipes.layouts.layout import Layout, Row, by_pictures, turn_offences, undecodable
from sightline.recipes.layouts.parquet import read, writer


def _convert(rows: Sequence[Row]) -> Row:
    messages = [dict(message) for message in rows[0]["messages"]]
    for row in rows[1:]:
        for message in row["messages"]:
            content = [part for part in message["content"] if part["type"] == "text"]
            messages.append({"role": message["role"], "content": content})
    return {"id": rows[0]["id"], "split": rows[0]["split"], "images": rows[0]["images"], "messages": messages}


def _offences(row: Mapping[str, Any], _: Path | None) -> Iterator[str]:
    messages, images = row.get("messages"), row.get("images")
    if not isinstance(messages, list) or not isinstance(images, list):
        yield "needs the lists 'messages' and 'images'"
        return
    if not all(isinstance(message, Mapping) and isinstance(message.get("content"), list) for message in messages):
        yield "a message's content is not a list of typed parts"
        return
    yield from turn_offences([message.get("role") for message in messages], "user", "assistant")
    parts = [part for message in messages for part in message["content"]]
    marks = sum(part.get("type") == "image" for part in parts)
    if marks != len(images):
        yield f"{marks} image parts but {len(images)} pictures"
    for part in parts:
        if part.get("type") not in ("image", "text"):
            yield f"unknown part type {part.get('type')!r}"
        elif part["type"] == "text" and not (part.get("text") or "").strip():
            yield "a text part without text"
    for image in images:
        why = "no bytes" if not image or not image.get("bytes") else undecodable(image["bytes"])
        if why is not None:
            yield f"picture {image and image.get('path')}: {why}"


LAYOUT = Layout(
    name="trl",
    convert=_convert,
    groups=by_pictures,
    offences=_offences,
    write=writer("id", "images", "messages"),
    read=read,
    files="data/*.parquet",
)
