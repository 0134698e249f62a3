"""Documents in, verified question-answer dataset out (the Docmatix recipe with its weak points mended)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.recipes.document_qa.build import build_documents
    from sightline.recipes.document_qa.config import CheckConfig, ChunkConfig, DocumentQAConfig, ReadConfig
    from sightline.recipes.document_qa.forecast import forecast_documents
    from sightline.recipes.document_qa.models import Models

__all__ = [
    "CheckConfig",
    "ChunkConfig",
    "DocumentQAConfig",
    "Models",
    "ReadConfig",
    "build_documents",
    "forecast_documents",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "CheckConfig": "sightline.recipes.document_qa.config:CheckConfig",
        "ChunkConfig": "sightline.recipes.document_qa.config:ChunkConfig",
        "DocumentQAConfig": "sightline.recipes.document_qa.config:DocumentQAConfig",
        "Models": "sightline.recipes.document_qa.models:Models",
        "ReadConfig": "sightline.recipes.document_qa.config:ReadConfig",
        "build_documents": "sightline.recipes.document_qa.build:build_documents",
        "forecast_documents": "sightline.recipes.document_qa.forecast:forecast_documents",
    },
)
