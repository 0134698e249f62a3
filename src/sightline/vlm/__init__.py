"""A composable vision-language model: any encoder, any connector, any fusion, any language model. Importing this loads
no torch; the names below do, when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.vlm.chat import VLMChat
    from sightline.vlm.connector import Connector
    from sightline.vlm.encoder import NativeVisionConfig, PatchVisionConfig
    from sightline.vlm.fusion import Fusion
    from sightline.vlm.model import VLM
    from sightline.vlm.reader import VLMReader, reader_for
    from sightline.vlm.resolution import Crops, Dynamic, Fixed, Native, Tiles, count
    from sightline.vlm.tokenizer import byte_tokenizer

__all__ = [
    "VLM",
    "Connector",
    "Crops",
    "Dynamic",
    "Fixed",
    "Fusion",
    "Native",
    "NativeVisionConfig",
    "PatchVisionConfig",
    "Tiles",
    "VLMChat",
    "VLMReader",
    "byte_tokenizer",
    "count",
    "reader_for",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "VLM": "sightline.vlm.model:VLM",
        "Connector": "sightline.vlm.connector:Connector",
        "Crops": "sightline.vlm.resolution:Crops",
        "Dynamic": "sightline.vlm.resolution:Dynamic",
        "Fixed": "sightline.vlm.resolution:Fixed",
        "Fusion": "sightline.vlm.fusion:Fusion",
        "Native": "sightline.vlm.resolution:Native",
        "NativeVisionConfig": "sightline.vlm.encoder:NativeVisionConfig",
        "PatchVisionConfig": "sightline.vlm.encoder:PatchVisionConfig",
        "Tiles": "sightline.vlm.resolution:Tiles",
        "VLMChat": "sightline.vlm.chat:VLMChat",
        "VLMReader": "sightline.vlm.reader:VLMReader",
        "byte_tokenizer": "sightline.vlm.tokenizer:byte_tokenizer",
        "count": "sightline.vlm.resolution:count",
        "reader_for": "sightline.vlm.reader:reader_for",
    },
)
