"""Everything that decides a documents dataset, as one frozen value; saved as run.json beside the dataset."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sightline.media import PageConfig
from sightline.verify import Thresholds

OcrName = Literal["none", "auto", "tesseract", "rapidocr"]
FROZEN = ConfigDict(frozen=True, extra="forbid")


class ReadConfig(BaseModel):
    """How pages are read."""

    model_config = FROZEN

    page: PageConfig = PageConfig()
    ocr: OcrName = "none"
    """Engine for pages without a text layer; "none" rejects them by name, "auto" takes one that reads the language."""
    ocr_language: str = "auto"
    """ISO 639-1 code of scanned pages, which have no text to tell by; "auto" needs an engine that reads all."""
    licence: str | None = None
    """Of all files of this run, where they state none."""


class ChunkConfig(BaseModel):
    """What a writer sees at once (Docmatix: 5 pages, 5,000 tokens, overlap 1)."""

    model_config = FROZEN

    pages_per_chunk: int = Field(default=5, ge=1)
    tokens_per_chunk: int = Field(default=5000, ge=64)
    overlap: int = Field(default=1, ge=0)
    """Pages that two neighbouring chunks share."""
    language: Literal["auto", "en", "ko"] = "auto"
    """Of the questions; "auto" follows the page, and rejects pages in a language no writer has templates for."""

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.overlap >= self.pages_per_chunk:
            raise ValueError(
                f"an overlap of {self.overlap} leaves nothing new in a chunk of {self.pages_per_chunk} pages"
            )
        return self


class CheckConfig(BaseModel):
    """When a draft becomes a pair."""

    model_config = FROZEN

    thresholds: Thresholds = Thresholds()
    """From which scores on an extractive answer counts as standing on its page, beside what is asked."""
    keep_unlocated: bool = False
    """Keep extractive answers that fail these thresholds too; their scores say so."""


class DocumentQAConfig(BaseModel):
    """The recipe `document_qa`."""

    model_config = FROZEN

    read: ReadConfig = ReadConfig()
    chunk: ChunkConfig = ChunkConfig()
    check: CheckConfig = CheckConfig()
    pairs_per_page: int = Field(default=4, ge=1)
    """Docmatix found about 4: more overlap, fewer lack detail."""
    writer_sees: Literal["text", "picture", "both"] = "text"
    """What a language model that writes is shown of the pages; Docmatix showed text."""
    judge_sees: Literal["text", "picture", "both"] = "text"
    min_judge: float | None = Field(default=None, ge=0.0, le=1.0)
    """Reject below; None scores and keeps (FineVision: removing low-scored samples hurt more than keeping them)."""
    min_blind: float | None = Field(default=None, ge=0.0, le=1.0)
    test_share: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Of the pairs; whole leak groups are moved, so it is met as nearly as they allow."""
    seed: int = 0
