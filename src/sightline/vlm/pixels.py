"""Pictures -> the views of a plan, with Pillow alone."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from sightline.core.errors import Reject
from sightline.vlm.picture_plan import PicturePlan
from sightline.vlm.resolution import FusionKind, crosses

MEAN = (0.5, 0.5, 0.5)
STD = (0.5, 0.5, 0.5)
"""SigLIP's: pixels in -1..1."""
FILL = (127, 127, 127)


def opened(data: bytes) -> Image.Image:
    """The decoded picture in RGB as a viewer shows it: turned upright (EXIF), what is transparent on white, 16 bits
    scaled to 8. Raises `Reject("unreadable-picture")`."""
    try:
        with Image.open(BytesIO(data)) as picture:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I;16"):
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            if upright.has_transparency_data:
                clear = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
            return upright.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Reject("unreadable-picture", error=type(error).__name__) from error


def cut(
    picture: Image.Image, plan: PicturePlan, mean: Sequence[float] = MEAN, std: Sequence[float] = STD
) -> list[Tensor]:
    """One float32 (3, height, width) per view."""
    resized: dict[tuple[int, int], Image.Image] = {}
    out = []
    for view in plan.views:
        if view.resized not in resized:
            same = picture.size == view.resized
            resized[view.resized] = picture if same else picture.resize(view.resized, Image.Resampling.BICUBIC)
        whole = resized[view.resized]
        if (view.left, view.top, (view.width, view.height)) != (0, 0, view.resized):
            canvas = Image.new("RGB", (view.width, view.height), FILL)
            canvas.paste(whole, (-view.left, -view.top))
            whole = canvas
        array: Any = np.asarray(whole, dtype=np.float32) / np.float32(255)
        array = (array - np.asarray(mean, dtype=np.float32)) / np.asarray(std, dtype=np.float32)
        out.append(torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))))
    return out


def sizes_of(plan: PicturePlan, fusion: FusionKind) -> list[tuple[int, int, int]]:
    """(height, width, 1 where reached by cross-attention) per view: rows of `image_sizes`."""
    return [(view.height, view.width, int(crosses(view, fusion))) for view in plan.views]


def stacked(views: Sequence[Tensor]) -> Tensor:
    """(V, 3, H, W), smaller views filled with zeros below and to the right."""
    high, wide = max(view.shape[1] for view in views), max(view.shape[2] for view in views)
    out = views[0].new_zeros(len(views), 3, high, wide)
    for row, view in zip(out, views, strict=True):
        row[:, : view.shape[1], : view.shape[2]] = view
    return out
