"""What pictures ask of a model: their labels, and their captions as bytes or through a pipeline's text encoders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sightline.generate.backbone.conditioning import text_bytes
from sightline.generate.data import Pictures
from sightline.generate.denoiser import Condition
from sightline.generate.foreign import encode_prompts
from sightline.generate.model import ModelConfig


def asked_by(pictures: Pictures, config: ModelConfig) -> Condition:
    """The condition of each picture, for a model that takes such. Captions longer than a network of ours reads are cut
    at its length; no caption is the empty prompt."""
    asked = Condition(label=pictures.labels if pictures.classes else None)
    if config.prompts:
        told, which = encoded(pictures, config.prompts)
        return replace(told[which], label=asked.label)
    if config.backbone.text and pictures.captions:
        most = config.backbone.text
        cut = [caption.encode()[:most].decode(errors="ignore") for caption in pictures.captions]
        return replace(asked, text=text_bytes(cut, most))
    return asked


def encoded(pictures: Pictures, pipeline: str) -> tuple[Condition, Tensor]:
    """The embedding of each distinct caption, made once, and which of them each picture has."""
    captions = pictures.captions or ("",) * len(pictures)
    distinct = {caption: number for number, caption in enumerate(dict.fromkeys(captions))}
    which = torch.tensor([distinct[caption] for caption in captions])
    return encode_prompts(Path(pipeline), list(distinct)), which
