"""How pages of a PDF are read, as a value. Apart from the reading itself, so that whoever only states it loads no
PDFium."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class PageConfig(BaseModel):
    """How a page becomes a picture and words, and what is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dpi: float = Field(default=150.0, gt=0)
    """Pixels per inch of the page picture."""
    max_side: int = Field(default=2940, ge=1)
    """Pixels; a longer page is rendered at a lower scale."""
    min_dpi: float = Field(default=10.0, gt=0)
    """Below this a picture shows nothing that can be read: the page is refused. The largest page that PDF readers must
    accept (14,400 points) stands at 14.7 dpi with the default `max_side`."""
    min_text_pixels: float = Field(default=4.0, ge=0)
    """Median height of the words in a picture that `max_side` made smaller; below it nobody can read them there."""
    max_pixels: int = Field(default=100_000_000, ge=1)
    """Of the page picture: bounds memory (3 bytes each)."""
    max_image_pixels: int = Field(default=250_000_000, ge=1)
    """Of one picture inside the page: decoding it may take 4 bytes each."""
    picture: Literal["png", "jpeg"] = "png"
    jpeg_quality: int = Field(default=90, ge=1, le=100)
    min_chars: int = Field(default=16, ge=1)
    """A page with fewer visible characters whose pictures cover `scan_cover` of it is a scan with a stamp."""
    scan_cover: float = Field(default=0.5, ge=0, le=1)
    """Share of the page."""
    max_garbled: float = Field(default=0.3, ge=0, le=1)
    """Share of characters without a meaning above which a text layer is not used."""
