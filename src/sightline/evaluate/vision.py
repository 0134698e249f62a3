"""A vision model of transformers as feature extractor for `frechet` and `kid`: pictures in, vectors out.

The model's own processor prepares the pictures (size, crop, mean and deviation); the feature is the pooled output, or
the mean of the last tokens where a model has none. Which one it was stands in `name`, which belongs into the
signature: distances of different extractors cannot be compared.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from transformers import AutoImageProcessor, AutoModel

from sightline.core.errors import InputError, ModelError
from sightline.evaluate.totals import Array


class VisionFeatures:
    """Features of encoded pictures by a model in a local folder, or on the hub where the user names one.

    >>> extract = VisionFeatures("dinov2-base/")                                       # doctest: +SKIP
    >>> frechet(moments(extract(real)), moments(extract(made)), extractor=extract.name)  # doctest: +SKIP
    """

    def __init__(self, model: str | Path, *, device: str = "cpu", batch: int = 32) -> None:
        """Weights are read from safetensors only. Raises ModelError where they, or the processor, cannot be had."""
        folder = Path(model).is_dir()
        told: dict[str, Any] = {"local_files_only": folder}
        prepare: Any = AutoImageProcessor
        try:
            self._prepare = prepare.from_pretrained(model, backend="pil", **told)
            loaded = AutoModel.from_pretrained(model, use_safetensors=True, dtype=torch.float32, **told)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"no vision model with safetensors and processor ({str(error).splitlines()[0][:120]})",
                subject=model,
                remedy="the folder is not complete" if folder else "name a folder, or a hub id that can be reached",
            ) from error
        self._vision = getattr(loaded, "vision_model", loaded).eval().to(device)
        self._device, self._batch = device, batch
        width = getattr(loaded.config, "vision_config", loaded.config)
        self.name = f"{Path(model).name}:{width.model_type}"

    def __call__(self, pictures: Iterable[bytes]) -> Iterator[Array]:
        """(n, d) float64 batches, n at most `batch`, for `moments`. Raises InputError for bytes that are no picture."""
        left = iter(pictures)
        at = 0
        while part := list(islice(left, self._batch)):
            opened = [_opened(data, at + i) for i, data in enumerate(part)]
            at += len(part)
            pixels = self._prepare(images=opened, return_tensors="pt")["pixel_values"].to(self._device)
            with torch.no_grad():
                out = self._vision(pixel_values=pixels)
            pooled = getattr(out, "pooler_output", None)
            found = out.last_hidden_state.mean(dim=1) if pooled is None else pooled.flatten(1)
            yield np.asarray(found.double().cpu().numpy())


def _opened(data: bytes, number: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"picture {number} cannot be read ({error})") from error
