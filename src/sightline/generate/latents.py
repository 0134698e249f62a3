"""Pictures to latents and back through a diffusers autoencoder (AutoencoderKL or AutoencoderDC) from a local folder;
without one, pictures are their own latents. Shapes: pictures (N, 3, H, W) uint8; units (N, C, h, w) float32."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import torch
from torch import Tensor, nn

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.generate.model import Pixels, to_pixels, to_unit

AUTOENCODERS = ("AutoencoderKL", "AutoencoderDC")


@lru_cache(maxsize=2)
def autoencoder(folder: str) -> nn.Module:
    """Raises InputError where the folder holds no autoencoder of a supported kind."""
    try:
        name = json.loads((FilePath(folder) / "config.json").read_text("utf-8")).get("_class_name")
    except (OSError, ValueError) as error:
        raise InputError("no readable autoencoder", subject=folder) from error
    if name not in AUTOENCODERS:
        raise InputError(
            f"an autoencoder of the kind {name} is not supported", subject=folder, remedy=str(AUTOENCODERS)
        )
    cls: Any = getattr(require("diffusers", "generate"), name)
    model: nn.Module = cls.from_pretrained(folder, use_safetensors=True, local_files_only=True).eval()
    return model.requires_grad_(False)


def encode(pictures: Tensor, pixels: Pixels, *, batch: int = 16) -> Tensor:
    """uint8 pictures -> unit states; the mean of the posterior, so that latents can be cached."""
    if not pixels.latent:
        return to_unit(pictures, pixels)
    model: Any = autoencoder(pixels.latent)
    parts = []
    with torch.no_grad():
        for part in torch.split(pictures, batch):
            out = model.encode(part.float() / 127.5 - 1)
            latent = out.latent_dist.mean if hasattr(out, "latent_dist") else out.latent
            parts.append((latent - pixels.mean) / pixels.std)
    return torch.cat(parts)


def decode(units: Tensor, pixels: Pixels, *, batch: int = 16) -> Tensor:
    """Unit states -> uint8 pictures."""
    if not pixels.latent:
        return to_pixels(units, pixels)
    model: Any = autoencoder(pixels.latent)
    with torch.no_grad():
        decoded = [model.decode(part * pixels.std + pixels.mean).sample for part in torch.split(units, batch)]
    return to_pixels(torch.cat(decoded), Pixels(mean=0.0, std=1.0))
