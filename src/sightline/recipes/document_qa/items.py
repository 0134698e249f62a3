"""What flows between the steps of this recipe:

File -> PageRef -> Page -> PageSketch -> Chunk -> Drafts -> Pair -> Conversation
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.media import Evidence, MediaRef, Source
from sightline.core.sample import Item, Page


class PageRef(Item):
    """A page that was counted but not yet read."""

    source: Source
    index: int
    """From 0."""
    pages: int


class PageSketch(Item):
    """All that decides which pages are laid together and which say nothing new: worked out page by page in worker
    processes, looked at for all pages together in one."""

    page: str
    """Key of the page."""
    source: Source
    index: int
    image: str
    """Hash of the picture."""
    perceptual_hash: str
    text: str
    """Fingerprint of the folded text."""
    words: int
    signature: str
    """Hex of its MinHash: 128 numbers of 32 bits, little-endian."""
    language: str
    """Of the page's text."""
    tokens: int
    """Of the page's text, as estimated."""


class Chunk(Item):
    """Consecutive pages of one document that a writer sees at once."""

    pages: tuple[Page, ...]
    """With words, without pictures. A page too long for the token cap appears as several chunks, each with a part of
    its words."""
    group: str
    """Leak group: chunks of one document, or of documents that share near-duplicate pages, carry the same."""
    language: str
    """"en" or "ko": the language the questions are to be in."""

    @property
    def source(self) -> Source:
        return self.pages[0].source


class Draft(BaseModel):
    """A question and answer as a writer gave it, not yet checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    answer: str
    page: int | None = None
    """Index of the document page (from 0) the writer says it is on; None where it does not say."""
    kind: Literal["extractive", "abstractive"] = "extractive"
    """Extractive: the answer's words stand on the page. Abstractive: a summary or inference."""
    style: str
    """Which prompt or rule made it: "layout/key-value", "lm/broad"."""


class Drafts(Item):
    """All a writer gave for one chunk."""

    chunk: Chunk
    drafts: tuple[Draft, ...]
    writer: str
    """"layout", or the language model's name."""


class Pair(Item):
    """A checked question and answer on its way to a record."""

    question: str
    answer: str
    kind: Literal["extractive", "abstractive"]
    evidence: Evidence
    scores: dict[str, float | None] = Field(default_factory=dict)
    images: tuple[MediaRef, ...]
    """The pages it is about; `evidence.image` says which of them shows the answer."""
    image_scales: tuple[float, ...]
    """Pixels per point of each image."""
    style: str
    writer: str
    language: str
    group: str
    source: Source
    parents: tuple[str, ...]
    """Keys of the chunk and of the evidence page."""

    @property
    def origin(self) -> str:
        """How a person calls the page that it is tied to."""
        assert self.evidence.page is not None, "a checked pair names its page"
        return f"{self.source.name} page {self.evidence.page + 1}"
