"""What pictures are compared by: features that need no download. A figure always says which of them it was taken on.

    "classifier"   the last hidden layer of a small convolutional classifier, trained on the very data (labels needed)
    "pca"          principal components of the pixels
    any Hugging Face vision model from a local folder

Shapes: pictures (N, C, H, W) uint8; features (N, D) float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.core.fingerprint import seeded
from sightline.generate.data import Pictures

Features = Callable[[Tensor], Tensor]


class Classifier(nn.Module):
    """Two convolutions, pooling, a 64-wide hidden layer."""

    def __init__(self, channels: int, classes: int, size: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d(min(4, size)),
            nn.Flatten(),
            nn.Linear(64 * min(4, size) ** 2, 64),
            nn.SiLU(),
        )
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


@dataclass(frozen=True, slots=True)
class Trained:
    """A classifier and how good it is on pictures that it was not trained on."""

    model: Classifier
    accuracy: float

    def features(self, pictures: Tensor) -> Tensor:
        """(N, 64) float64."""
        with torch.no_grad():
            return torch.cat([self.model.body(_scaled(part)) for part in torch.split(pictures, 1024)]).double()

    def classes(self, pictures: Tensor) -> Tensor:
        """(N,) predicted labels."""
        with torch.no_grad():
            return torch.cat([self.model(_scaled(part)).argmax(1) for part in torch.split(pictures, 1024)])


def train_classifier(train: Pictures, held_out: Pictures, *, steps: int = 600, seed: int = 0) -> Trained:
    """Adam 1e-3, batches of 128. Raises InputError where there are no labels."""
    known = train.labels >= 0
    if not train.classes or not known.any():
        raise InputError(
            "a classifier needs labelled pictures", remedy="put each class into its own folder, or use pca"
        )
    pixels, labels = train.pixels[known], train.labels[known]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Classifier(pixels.shape[1], len(train.classes), pixels.shape[2])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(steps):
        generator = torch.Generator().manual_seed(seeded(seed, "classifier", step) >> 1)
        rows = torch.randint(len(pixels), (min(128, len(pixels)),), generator=generator)
        loss = functional.cross_entropy(model(_scaled(pixels[rows])), labels[rows])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    trained = Trained(model.eval(), 0.0)
    accuracy = (trained.classes(held_out.pixels) == held_out.labels).double().mean().item()
    return Trained(trained.model, accuracy)


def pca(train: Pictures, most: int = 32) -> Features:
    """Projection on the first principal components of the pixels in [-1, 1]."""
    flat = _scaled(train.pixels).flatten(1).double()
    mean = flat.mean(0)
    some = flat[:: -(-len(flat) // 5000)]  # of all classes, in whose order the pictures may stand
    _, _, directions = torch.linalg.svd(some - mean, full_matrices=False)
    axes = directions[:most].T
    return lambda pictures: (_scaled(pictures).flatten(1).double() - mean) @ axes


def hugging_face(source: str, *, batch: int = 64) -> Features:
    """Pooled output (or mean token) of a vision model of transformers: a local folder, or an id that is in the local
    cache. Pictures are brought to the model's size and colour scale. Nothing is downloaded. Raises InputError where
    there is no such model."""
    transformers: Any = require("transformers", "generate")
    try:
        model = transformers.AutoModel.from_pretrained(source, local_files_only=True, use_safetensors=True).eval()
    except (OSError, ValueError) as error:
        raise InputError(
            "not a vision model that transformers can read locally",
            subject=source,
            remedy="a folder with config.json and model.safetensors, or fetch the id into the cache first",
        ) from error
    vision = getattr(model, "vision_model", model)
    if not hasattr(vision.config, "num_channels"):
        raise InputError("the model takes no pictures", subject=source, remedy="a vision model, such as ViT or DINOv2")
    size = int(getattr(vision.config, "image_size", 224))
    mean, deviation = _colour_scale(source, transformers)

    def features(pictures: Tensor) -> Tensor:
        rows = []
        with torch.no_grad():
            for part in torch.split(pictures, batch):
                whole = part.float().div(255).expand(-1, 3, -1, -1)
                x = functional.interpolate(whole, (size, size), mode="bilinear", antialias=True)
                out = vision(pixel_values=(x - mean) / deviation)
                pooled = getattr(out, "pooler_output", None)
                rows.append((pooled.flatten(1) if pooled is not None else out.last_hidden_state.mean(1)).double())
        return torch.cat(rows)

    return features


def _colour_scale(source: str, transformers: Any) -> tuple[Tensor, Tensor]:
    """(mean, deviation), each (3, 1, 1), that the model's preprocessor names; 0.5 and 0.5 where it has none."""
    try:
        settings, _ = transformers.ImageProcessingMixin.get_image_processor_dict(source, local_files_only=True)
    except OSError:
        settings = {}
    mean, deviation = (torch.tensor(settings.get(key) or [0.5] * 3) for key in ("image_mean", "image_std"))
    return mean.reshape(3, 1, 1), deviation.reshape(3, 1, 1)


def nearest(samples: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Distance and index of each sample's nearest picture: root mean square over the values in [-1, 1]; (N,), (N,)."""
    flat, others = (_scaled(part).flatten(1) for part in (samples, pictures))
    distances = torch.cat([torch.cdist(part, others) for part in torch.split(flat, 512)]) / flat.shape[1] ** 0.5
    found = distances.min(1)
    return found.values, found.indices


def _scaled(pictures: Tensor) -> Tensor:
    return pictures.float() / 127.5 - 1
