"""Perceptual hash of page pictures (pHash: the signs of the low frequencies of a 32 x 32 thumbnail, 64 bits).

Source: the DCT hash of the imagehash library, computed on a picture reduced by whole factors first, which costs a
fraction and moves few bits.
"""

from __future__ import annotations

import io

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL = 128
"""Pixels of the shorter side that are kept before hashing."""
BLANK = "8000000000000000"
"""Hash of a picture of one colour: says nothing, so it never makes two pages alike."""


def picture_hash(data: bytes) -> str:
    """16 hex digits for an encoded picture (JPEG is decoded small at once)."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (2 * THUMBNAIL, 2 * THUMBNAIL))
        return _hashed(image)


def picture_hash_of(pixels: NDArray[np.uint8]) -> str:
    """The same for an array of shape (height, width) or (height, width, 3). Colours count equally here and by their
    brightness there, so that the two may differ by a few bits on a colourful page."""
    height, width = pixels.shape[:2]
    samples = pixels.size // (height * width)
    factor = max(1, min(height, width) // THUMBNAIL)
    # Interleaved RGB is read as a grey picture three times as wide: averaging boxes of 3n x n spares a conversion.
    wide = Image.fromarray(np.ascontiguousarray(pixels).reshape(height, width * samples))
    return str(imagehash.phash(wide.reduce((samples * factor, factor))))


def distance(first: str, second: str) -> int:
    """Bits that differ, 0..64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def _hashed(image: Image.Image) -> str:
    grey = image.convert("L")
    factor = max(1, min(grey.size) // THUMBNAIL)
    if factor > 1:
        grey = grey.reduce(factor)
    return str(imagehash.phash(grey))
