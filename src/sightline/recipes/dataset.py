"""A built dataset on disk: `Conversation` <-> row, the Parquet schema, and reading it again.

    DIR/README.md            card with YAML front matter: `datasets.load_dataset(DIR)` opens it
    DIR/data/train-00000.parquet, test-00000.parquet
    DIR/rejects.parquet      everything refused, with reason and evidence
    DIR/run.json             what the run was         DIR/audit.json   catch rates, after `sightline audit`
    DIR/report.html          for people               DIR/.sightline/  ledger and parts: resume needs them, users do not

One row is one question and answer:

    {"id": "3f2c...", "images": [{"bytes": b"\\x89PNG...", "path": "3f2c....png"}], "image_scales": [2.0833],
     "texts": [{"user": "What is the total amount due?", "assistant": "529.87 EUR", "source": "invoice.pdf"}],
     "messages": [{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "..."}]}, ...],
     "evidence": [{"page": 0, "image": 0, "boxes": [[412.0, 631.5, 470.2, 643.0]], "unit": "pt", ...}],
     "scores": {"located": 0.98, "judge": None, "blind": None}, "style": "layout/key-value", ...}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.fingerprint import fingerprint
from sightline.core.media import MediaRef, Source
from sightline.core.message import Message, Picture, Text
from sightline.core.record import RunRecord
from sightline.core.sample import Conversation, Provenance, Rejected
from sightline.media.sniffing import sniff_file
from sightline.pipeline.sinks import Columns

Row = dict[str, Any]

_LOOKED_AT = 100
"""Files of a folder that is no dataset, to tell what it is instead."""
SCORES = ("located", "judge", "blind")
COLUMNS: Columns = {
    "id": "string",
    "images": ["image"],
    "image_scales": ["float64"],
    "image_pages": [{"sha256": "string", "page": "int64", "width": "int64", "height": "int64"}],
    "texts": [{"user": "string", "assistant": "string", "source": "string"}],
    "messages": [{"role": "string", "content": [{"type": "string", "text": "string"}]}],
    "evidence": [
        {
            "page": "int64",
            "image": "int64",
            "boxes": [["float64"]],
            "unit": "string",
            "match": "string",
            "confidence": "float64",
            "quote": "string",
        }
    ],
    "scores": dict.fromkeys(SCORES, "float64"),
    "style": "string",
    "writer": "string",
    "language": "string",
    "split": "string",
    "group": "string",
    "licence": "string",
    "source": {
        "name": "string",
        "uri": "string",
        "sha256": "string",
        "media_type": "string",
        "size": "int64",
        "licence": "string",
    },
    "provenance": {"recipe": "string", "version": "int64", "run": "string", "parents": ["string"], "seed": "int64"},
}


def to_row(record: Conversation, blob: Callable[[str], bytes]) -> Row:
    """One row of the dataset; `blob` gives a picture's bytes by its hash."""
    turns = [(message.role, message.text) for message in record.messages]
    asked = [text for role, text in turns if role == "user"]
    answered = [text for role, text in turns if role == "assistant"]
    plain = record.model_dump(mode="json", include=set(COLUMNS) - {"images", "messages", "evidence"})
    return plain | {
        "images": [{"bytes": blob(ref.sha256), "path": _picture_name(ref)} for ref in record.images],
        "image_pages": [
            {"sha256": ref.sha256, "page": ref.page, "width": ref.width, "height": ref.height} for ref in record.images
        ],
        "texts": [
            {"user": user, "assistant": assistant, "source": record.source.name}
            for user, assistant in zip(asked, answered, strict=True)
        ],
        "messages": [_message_row(message) for message in record.messages],
        "evidence": [one.model_dump(mode="json", exclude={"span"}) for one in record.evidence],
        "scores": dict.fromkeys(SCORES) | record.scores,
    }


def from_row(row: Mapping[str, Any]) -> Conversation:
    """The inverse of `to_row`: nothing of the record is lost on the way to Parquet and back."""
    refs = tuple(
        MediaRef(
            sha256=about["sha256"],
            media_type=_MEDIA_TYPES[image["path"].rpartition(".")[2]],
            width=about["width"],
            height=about["height"],
            page=about["page"],
        )
        for image, about in zip(row["images"], row["image_pages"], strict=True)
    )
    return Conversation.model_validate(
        {name: row[name] for name in ("id", "style", "writer", "language", "split", "group", "licence", "evidence")}
        | {
            "images": refs,
            "image_scales": tuple(row["image_scales"]),
            "messages": tuple(_message_from_row(message, refs) for message in row["messages"]),
            "scores": dict(row["scores"]),
            "source": Source.model_validate(row["source"]),
            "provenance": Provenance.model_validate(row["provenance"]),
        }
    )


def _builders(folder: Path) -> str:
    """How to make a dataset of what lies in `folder`."""
    files = (path for path in sorted(folder.glob("*")) if path.is_file())
    found = {sniff_file(path) for path in islice(files, _LOOKED_AT)}
    if any(one.startswith("video/") for one in found):
        return f"`sightline build videos {folder} --out DIR`"
    if any(one.startswith("image/") for one in found):
        return "a JSON-lines file with their names in `images`, for `sightline build questions FILE --sees picture`"
    if "application/pdf" in found:
        return f"`sightline build documents {folder} --out DIR`"
    return "`sightline build documents`, `build videos` or `build questions`, each PATH --out DIR"


class Dataset:
    """A dataset folder that `sightline build` made.

    Raises InputError where the folder holds none, or a file of it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = sorted((folder / "data").glob("*.parquet")) if folder.is_dir() else []
        if not (folder / "run.json").is_file():
            raise InputError("no sightline dataset here", subject=folder, remedy=f"build one: {_builders(folder)}")
        if (folder / "begun.json").is_file():
            raise InputError("a model's training, no dataset", subject=folder, remedy="name the dataset's folder")
        with _readable(folder / "run.json") as path:
            self.run = RunRecord.model_validate_json(path.read_bytes())

    @property
    def fingerprint(self) -> str:
        """Of its run and of which rows it holds."""
        return fingerprint([self.run.fingerprint, *(row["id"] for row in self.rows(["id"]))])

    def made_by(self, recipe: str) -> Dataset:
        """Itself, if that recipe made it; raises InputError else: other recipes keep other columns."""
        if self.run.recipe != recipe:
            raise InputError(f"made by the recipe {self.run.recipe!r}, not {recipe!r}", subject=self.folder)
        return self

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """All rows in file order, or only some columns of them; one row group in memory at a time."""
        for file in self.files:
            with _readable(file):
                parquet = pq.ParquetFile(file)
            with parquet:
                for group in range(parquet.num_row_groups):
                    with _readable(file):
                        table = parquet.read_row_group(group, columns=list(columns) if columns else None)
                    yield from table.to_pylist()

    def row(self, id_: str) -> Row:
        """The row whose id is or uniquely begins with `id_`. Raises InputError where none or several do."""
        found = [row["id"] for row in self.rows(["id"]) if row["id"].startswith(id_)]
        if len(found) != 1:
            what = "no record has that id" if not found else f"{len(found)} records begin with that id"
            raise InputError(what, subject=id_)
        return next(row for row in self.rows() if row["id"] == found[0])

    def rejects(self) -> Iterator[Rejected]:
        path = self.folder / "rejects.parquet"
        if not path.is_file():
            return
        with _readable(path), pq.ParquetFile(path) as parquet:  # `read_table` would load pandas
            rows = parquet.read().to_pylist()
        for row in rows:
            yield Rejected.model_validate(row | {"evidence": json.loads(row["evidence"])})


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    try:
        yield path
    except (OSError, ValueError) as error:
        remedy = "build it again with the command that made it; what is done is not done twice"
        raise InputError("a file of the dataset cannot be read", subject=path, remedy=remedy) from error


_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg"}
_SUFFIXES = {media_type: suffix for suffix, media_type in _MEDIA_TYPES.items()}


def _picture_name(ref: MediaRef) -> str:
    return f"{ref.sha256[:32]}.{_SUFFIXES[ref.media_type]}"


def _message_row(message: Message) -> Row:
    content = [
        {"type": "text", "text": part.text} if isinstance(part, Text) else {"type": "image", "text": None}
        for part in message.parts
    ]
    return {"role": message.role, "content": content}


def _message_from_row(row: Mapping[str, Any], refs: Sequence[MediaRef]) -> Message:
    pictures = iter(refs)
    parts = tuple(
        Text(text=part["text"]) if part["type"] == "text" else Picture(ref=next(pictures)) for part in row["content"]
    )
    return Message(role=row["role"], parts=parts)
