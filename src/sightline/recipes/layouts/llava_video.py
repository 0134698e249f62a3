"""LLaVA-Video (lmms-lab/LLaVA-Video-178K; LLaVA-NeXT's training reads it): the file beside a conversation, whose first
turn has one mark "<image>" for the whole video.

{"id": "v1-0", "data_source": "sightline", "video": "videos/3f2c.mp4",
 "conversations": [{"from": "human", "value": "<image>\\nWho speaks?"}, {"from": "gpt", "value": "The narrator"}]}
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError
from sightline.core.media import Source
from sightline.media import sniff
from sightline.pipeline.sources import local_path
from sightline.recipes.layouts.layout import Layout, Row, by_document
from sightline.recipes.layouts.marked import llava_turns, read_json, said_offences, write_lines

HEAD = 4096
"""Bytes by which a file is known as a video."""


def _convert(rows: Sequence[Row]) -> Row:
    return {
        "id": rows[0]["id"],
        "split": rows[0]["split"],
        "data_source": "sightline",
        "video": rows[0]["source"],
        "conversations": llava_turns(rows, marks=1),
    }


def _offences(row: object, root: Path | None) -> Iterator[str]:
    yield from said_offences(row, turns="conversations", role="from", text="value", marks=1)
    video = row.get("video") if isinstance(row, Mapping) else None
    why = _unusable(video, root)
    if why is not None:
        yield f"video {video['name'] if isinstance(video, Mapping) else video}: {why}"


def _unusable(video: object, root: Path | None) -> str | None:
    """Why a trainer could not open a video: a source of ours, or a path in an exported folder."""
    if isinstance(video, Mapping):
        try:
            path = Path(local_path(Source.model_validate(video)))
        except InputError as error:
            return str(error)
    elif not isinstance(video, str):
        return "no path"
    elif Path(video).is_absolute() or ".." in Path(video).parts:
        return "not a path inside the folder"
    else:
        path = (root or Path()) / video
    if not path.is_file():
        return "file not found"
    with path.open("rb") as file:
        found = sniff(file.read(HEAD))
    return None if found.startswith("video/") else f"not a video but {found}"


def _saved(row: Row, folder: Path) -> str:
    """The row as JSON; its video stands in the folder, as another name of the same file where the disk allows it."""
    source = Source.model_validate(row["video"])
    path = folder / "videos" / f"{source.sha256[:32]}{Path(source.name).suffix.lower()}"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        _placed(local_path(source), path)
    kept = {name: value for name, value in row.items() if name != "split"}
    return json.dumps(kept | {"video": f"videos/{path.name}"}, ensure_ascii=False)


def _placed(source: str, path: Path) -> None:
    try:
        os.link(os.path.realpath(source), path)
    except OSError:
        shutil.copyfile(source, path)


def _write(rows: Iterator[Row], folder: Path, **form: Any) -> list[Path]:
    return write_lines(((row["split"], _saved(row, folder)) for row in rows), folder, **form)


LAYOUT = Layout(
    name="llava-video",
    convert=_convert,
    groups=by_document,
    offences=_offences,
    write=partial(_write, suffix="json", frame=("[\n", ",\n", "\n]\n")),
    read=read_json,
    files="*.json",
)
