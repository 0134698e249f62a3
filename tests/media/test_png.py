"""The PNG writer, checked with Pillow's reader."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sightline.media.png import Canvas, encode_png


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.verify()
    return Image.open(io.BytesIO(data))


def filled(pixels: np.ndarray) -> Canvas:
    canvas = Canvas(pixels.shape[1], pixels.shape[0])
    canvas.scanlines[:, 1:] = pixels.reshape(pixels.shape[0], -1)
    return canvas


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (130, 7, 3), (65, 1, 3), (5, 9), (1, 70)])
def test_pillow_reads_back_what_was_written(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    image = decoded(encode_png(pixels))
    assert image.mode == ("L" if len(shape) == 2 else "RGB")
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_canvas_is_grey_only_without_any_colour() -> None:
    grey = np.repeat(np.random.default_rng(2).integers(0, 256, (100, 33, 1), np.uint8), 3, axis=2)
    image = decoded(filled(grey).png())
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), grey[..., 0])
    for place in [(0, 0), (99, 32), (64, 0), (63, 32), (50, 16)]:
        for channel in range(3):
            touched = grey.copy()
            touched[(*place, channel)] ^= 1
            image = decoded(filled(touched).png())
            assert image.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(image), touched)


def test_plain_parts_are_clipped_to_the_canvas() -> None:
    pixels = np.full((20, 30, 3), 255, np.uint8)
    pixels[10, 15] = (255, 255, 254)
    canvas = filled(pixels)
    assert canvas.is_plain(0, 0, 15, 20)
    assert canvas.is_plain(16, 0, 99, 99)
    assert canvas.is_plain(-5, -5, 3, 3)
    assert not canvas.is_plain(14, 9, 17, 12)
    assert not canvas.is_plain(-5, -5, 99, 99)
    assert filled(np.full((4, 4, 3), (1, 2, 3), np.uint8)).is_plain(0, 0, 4, 4)


def test_plain_parts_are_those_that_are_plain() -> None:
    draw = np.random.default_rng(0)
    pixels = np.full((60, 90, 3), 255, np.uint8)
    pixels[20:40, 30:60] = draw.integers(0, 256, (20, 30, 3))
    pixels[50, 70] = 0  # one dark pixel, which no probe need meet
    corners = draw.integers(-20, 100, (500, 2))
    edges = np.concatenate((corners, corners + draw.integers(-3, 40, (500, 2))), axis=1)
    canvas = filled(pixels)
    expected = {part for part, edge in enumerate(edges.tolist()) if canvas.is_plain(*edge)}
    assert 100 < len(expected) < 450
    assert canvas.plain_parts(edges) == expected
