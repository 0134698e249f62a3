"""What flows through a pipeline: items, pages, training samples and rejected rows.

An `Item` is JSON plus at most one blob of bytes (a page picture). Only the JSON is hashed and kept in memory.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sightline.core.fingerprint import fingerprint
from sightline.core.media import Evidence, MediaRef, Source, Word
from sightline.core.message import Message


class Item(BaseModel):
    """One thing that a step takes or gives. Equal JSON = equal item, whatever machine made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blob: bytes | None = Field(default=None, exclude=True, repr=False)
    """Bytes that travel beside the JSON (a PNG); stored once by the pipeline, never part of the key: the JSON must
    name them by hash."""

    @property
    def key(self) -> str:
        """Content hash: the item's half of a ledger key."""
        return fingerprint(f"{type(self).__name__}\n{self.model_dump_json()}".encode())

    @property
    def blob_sha256(self) -> str | None:
        """Content hash of `blob`; None without one."""
        return None if self.blob is None else hashlib.sha256(self.blob).hexdigest()


class Written(NamedTuple):
    """An item whose JSON is at hand, as a step may yield it in an item's place: exactly what `model_dump_json` would
    give. It is kept as it is, not read and checked again."""

    kind: type[Item]
    json: str


class File(Item):
    """A file to read: where every plan begins."""

    source: Source


class Page(Item):
    """One page of a document: its words with boxes, and (in `blob`) its picture."""

    source: Source
    index: int
    """From 0."""
    pages: int
    """Pages in the whole document."""
    width: float
    """Points, as displayed (after rotation and crop)."""
    height: float
    image: MediaRef
    scale: float
    """Pixels per point of the picture."""
    rotation: int = 0
    """/Rotate of the page: 0, 90, 180 or 270; words and picture are already upright."""
    words: tuple[Word, ...] = ()
    """Reading order."""
    text_from: str = "pdf"
    """"pdf" for the file's own text layer, "ocr:NAME" otherwise."""
    perceptual_hash: str = ""
    """Hex of the picture's 64-bit pHash."""

    @property
    def blob_sha256(self) -> str | None:
        return None if self.blob is None else self.image.sha256

    @property
    def text(self) -> str:
        """Words in reading order; a new line per printed line, an empty line between blocks."""
        out: list[str] = []
        before: Word | None = None
        for word in self.words:
            if before is not None:
                out.append(" " if word.line == before.line else "\n" if word.block == before.block else "\n\n")
            out.append(word.text)
            before = word
        return "".join(out)


class Provenance(BaseModel):
    """How a record came to be: enough to make it again, and to find everything made from one source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    version: int
    run: str
    """Fingerprint of the resolved configuration; run.json beside the dataset holds it in full."""
    parents: tuple[str, ...] = ()
    """Keys of the items it was made from."""
    seed: int = 0


class Conversation(Item):
    """A training sample: pictures, a chat about them, and the evidence of each answer."""

    id: str
    images: tuple[MediaRef, ...]
    image_scales: tuple[float, ...] = ()
    """Pixels per point of each image: evidence boxes x scale = pixels."""
    messages: tuple[Message, ...]
    evidence: tuple[Evidence, ...] = ()
    """One for each assistant message, in order."""
    scores: dict[str, float | None] = Field(default_factory=dict)
    """In 0..1; None where that check was not run."""
    style: str
    writer: str
    """Which writer made it: "layout" or the language model's name."""
    language: str
    split: str = "train"
    group: str = ""
    """Samples of one group never stand in two splits."""
    licence: str | None = None
    source: Source
    provenance: Provenance


class Choice(Item):
    """A multiple-choice question about a page, a photo or a piece of video, and what tests of it came to."""

    id: str
    question: str
    options: tuple[str, ...] = Field(min_length=2, max_length=10)
    answer: int = Field(ge=0)
    """Index of the right option, from 0: the key."""
    category: str = ""
    rationale: str = ""
    """Why the key is right, as the writer gave it."""
    context: str = ""
    """What it is asked about, in words: a page's text, a timed transcript."""
    evidence: Evidence | None = None
    """Page and boxes, or the span of seconds, where the answer is seen."""
    images: tuple[MediaRef, ...] = ()
    image_scales: tuple[float, ...] = ()
    """Pixels per point of each image of a page."""
    scores: dict[str, float | None] = Field(default_factory=dict)
    """In 0..1, higher is better; None where that check was not run."""
    flags: dict[str, bool | None] = Field(default_factory=dict)
    """"weak", "hard", "visual_reliance" ...; None where that is not known."""
    style: str = ""
    """Template or rule that made it."""
    writer: str = ""
    language: str = "en"
    split: str = "train"
    group: str = ""
    """Samples of one group never stand in two splits."""
    licence: str | None = None
    source: Source
    provenance: Provenance | None = None
    """None where it was taken in from elsewhere."""

    @model_validator(mode="after")
    def _answer_is_an_option(self) -> Choice:
        if self.answer >= len(self.options):
            raise ValueError(f"answer {self.answer} is none of {len(self.options)} options")
        return self


class Rejected(BaseModel):
    """A row that was refused: never silently gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    """Kebab-case, countable: "no-text-layer", "not-on-page"."""
    step: str = ""
    item: str = ""
    """Key of the refused item."""
    origin: str = ""
    """For people: "report.pdf page 3"."""
    evidence: dict[str, Any] = Field(default_factory=dict)
    """JSON-able: the figures and texts that show why."""
