from __future__ import annotations

import torch

from sightline.generate.backbone.dit import DiTConfig
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.data import NO_LABEL, Pictures
from sightline.generate.model import ModelConfig
from sightline.runs.image_asking import asked_by

PICTURES = Pictures(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([1, NO_LABEL]), ("a", "b"), ("ab", "가나"))


def test_labels_and_captions_are_what_pictures_ask() -> None:
    asked = asked_by(PICTURES, ModelConfig(backbone=DiTConfig(shape=(1, 4, 4), classes=2, text=8)))
    assert asked.label is not None
    assert asked.text is not None
    assert asked.label.tolist() == [1, NO_LABEL]
    assert asked.text[0].tolist() == [1 + ord("a"), 1 + ord("b"), 0, 0, 0, 0]


def test_a_caption_too_long_for_the_network_is_cut_between_letters() -> None:
    asked = asked_by(PICTURES, ModelConfig(backbone=DiTConfig(shape=(1, 4, 4), classes=2, text=5)))
    assert asked.text is not None
    assert asked.text[1].tolist() == [1 + byte for byte in "가".encode()]


def test_a_network_without_text_is_asked_for_labels_alone() -> None:
    asked = asked_by(PICTURES, ModelConfig(backbone=MLPConfig(shape=(1, 4, 4), classes=2)))
    assert asked.text is None
    assert asked.tokens is None
