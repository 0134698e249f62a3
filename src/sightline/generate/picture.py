"""Contact sheets: many small pictures on one, as PNG bytes."""

from __future__ import annotations

import io
from math import ceil

import numpy as np
from PIL import Image
from torch import Tensor


def contact_sheet(pictures: Tensor, *, columns: int = 8, side: int = 64, gap: int = 2) -> bytes:
    """PNG of (N, C, H, W) uint8, row by row, each enlarged to `side` pixels without smoothing where that is a
    multiple."""
    rows = ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (side + gap) + gap, rows * (side + gap) + gap), "white")
    for number, picture in enumerate(pictures):
        place = (gap + number % columns * (side + gap), gap + number // columns * (side + gap))
        sheet.paste(_enlarged(picture, side), place)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def png(picture: Tensor) -> bytes:
    """One picture (C, H, W) uint8 as PNG."""
    out = io.BytesIO()
    _image(picture).save(out, "PNG")
    return out.getvalue()


def _enlarged(picture: Tensor, side: int) -> Image.Image:
    image = _image(picture)
    exact = side % image.width == 0 and side % image.height == 0
    return image.resize((side, side), Image.Resampling.NEAREST if exact else Image.Resampling.BICUBIC).convert("RGB")


def _image(picture: Tensor) -> Image.Image:
    array = picture.permute(1, 2, 0).numpy()
    return Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))
