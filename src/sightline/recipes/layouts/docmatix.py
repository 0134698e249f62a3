"""Docmatix: one row per document, all its page pictures and all its questions (huggingface/docmatix)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sightline.recipes.layouts.layout import Layout, Row, by_document, undecodable
from sightline.recipes.layouts.parquet import read, writer


def _convert(rows: Sequence[Row]) -> Row:
    images = {image["path"]: image for row in rows for image in row["images"]}
    return {
        "split": rows[0]["split"],
        "images": list(images.values()),
        "texts": [text for row in rows for text in row["texts"]],
    }


def _offences(row: Mapping[str, Any], _: Path | None) -> Iterator[str]:
    images, texts = row.get("images"), row.get("texts")
    if not isinstance(images, list) or not images:
        yield "no pictures"
    if not isinstance(texts, list) or not texts:
        yield "no texts"
    for image in images or ():
        why = "no bytes" if not image or not image.get("bytes") else undecodable(image["bytes"])
        if why is not None:
            yield f"picture {image and image.get('path')}: {why}"
    for number, text in enumerate(texts or ()):
        for field in ("user", "assistant", "source"):
            if not isinstance(text, Mapping) or not (text.get(field) or "").strip():
                yield f"text {number} has no '{field}'"


LAYOUT = Layout(
    name="docmatix",
    convert=_convert,
    groups=by_document,
    offences=_offences,
    write=writer("images", "texts"),
    read=read,
    files="data/*.parquet",
)
