"""Perceptual hash of page pictures (pHash: the signs of the low frequencies of a 32 x 32 thumbnail, 64 bits).

Equal bit for bit to `imagehash.phash` (tests/golden), on a picture reduced by whole factors first, which costs a
fraction and moves few bits. Written out here because that library loads scipy: half a second in every worker.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL = 128
"""Pixels of the shorter side that are kept before hashing."""
SIDE, LOWEST = 32, 8
_COSINES = 2 * np.cos(np.pi * np.outer(np.arange(LOWEST), 2 * np.arange(SIDE) + 1) / (2 * SIDE))
"""(8, 32): the first rows of the unscaled type-II DCT."""
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
    skip = 3 if factor >= 9 else 1
    # Interleaved RGB is read as a grey picture three times as wide: averaging boxes of 3n x n spares a conversion. Of a
    # large picture every third row is enough for a mean.
    wide = Image.fromarray(np.ascontiguousarray(pixels[::skip]).reshape(-1, width * samples))
    return phash(wide.reduce((samples * factor, factor // skip)))


def phash(grey: Image.Image) -> str:
    """16 hex digits, row by row: which of the 8 x 8 lowest frequencies of the 32 x 32 thumbnail are above their median
    (type-II DCT of columns, then rows, in float64)."""
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS), np.float64)
    low = (_COSINES @ small @ _COSINES.T).round(6)  # a plain picture has zeros, not the rounding of sums
    return np.packbits(low > np.median(low)).tobytes().hex()


def distance(first: str, second: str) -> int:
    """Bits that differ, 0..64."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


def _hashed(image: Image.Image) -> str:
    grey = image.convert("L")
    factor = max(1, min(grey.size) // THUMBNAIL)
    if factor > 1:
        grey = grey.reduce(factor)
    return phash(grey)
