"""What every sampler is measured against: pictures that no training saw, and what each feature makes of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sightline.evaluate.features import frechet, moments
from sightline.generate.data import Pictures
from sightline.generate.denoiser import Condition
from sightline.generate.features import Features
from sightline.generate.latents import decode
from sightline.generate.model import ImageModel, ModelConfig
from sightline.generate.producing import Recipe, produce
from sightline.runs.image_asking import asked_by


@dataclass(frozen=True, slots=True)
class Drawn:
    """One seed's pictures."""

    pixels: Tensor
    """(N, C, H, W) uint8."""
    evaluations: float
    """Network evaluations for one picture."""


def turns(n: int, seed: int) -> Tensor:
    """The order (n,) in which a seed asks for what `n` pictures are labelled with."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Held-out pictures and their features."""

    pictures: Pictures
    asked: Condition
    """What each of them asks of a model."""
    features: Mapping[str, Features]
    reference: Mapping[str, Tensor]

    @classmethod
    def of(cls, pictures: Pictures, features: Mapping[str, Features], model: ModelConfig) -> Yardstick:
        """Extract once. `model`: of the samplers to come, for what its network can be asked."""
        reference = {name: extract(pictures.pixels) for name, extract in features.items()}
        return cls(pictures, asked_by(pictures, model), features, reference)

    @property
    def first(self) -> str:
        """The feature that curves are drawn and settings are chosen by."""
        return next(iter(self.features))

    def draw(self, model: ImageModel, recipe: Recipe, seed: int) -> Drawn:
        """As many pictures as are held out, of the same labels and captions in an order of the seed: the classes are as
        frequent as in the reference."""
        n = len(self.pictures)
        made = produce(model, n, replace(recipe, seed=seed), self.asked[turns(n, seed)])
        return Drawn(decode(made.units, model.config.pixels), made.evaluations)

    def distance(self, feature: str, pixels: Tensor) -> float:
        """FD of pictures (N, C, H, W) to the held-out ones."""
        return self.apart(feature, self.features[feature](pixels))

    def apart(self, feature: str, found: Tensor) -> float:
        """FD of extracted features (N, D)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the card states sample sizes and bias itself
            return frechet(moments([found.numpy()]), moments([self.reference[feature].numpy()])).value
