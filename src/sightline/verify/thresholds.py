"""Where a score of the text checks becomes a reason: a file of its own, so that a recipe's config loads no check."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Thresholds(BaseModel):
    """Where a score becomes a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: float = Field(default=0.55, ge=0.0, le=1.0)
    """Below: "weak-match". An exact match far from all question words has 0.7; a number whose unit the page writes
    nowhere 0.5 at best."""
    support: float = Field(default=0.5, ge=0.0, le=1.0)
    """Below: "unsupported"."""
    complete: bool = True
    """Whether "cut-off" is a reason."""
