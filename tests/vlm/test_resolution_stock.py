"""Counts against the arithmetic of transformers' own Pillow processors (5.23), sizes 1..4096, aspects to 1:50."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Idefics3ImageProcessorPil
from transformers.models.pixtral import image_processing_pil_pixtral as pixtral
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from sightline.vlm.resolution import Dynamic, Native, Tiles

IDEFICS = Idefics3ImageProcessorPil(size={"longest_edge": 1536}, max_image_size={"longest_edge": 384})


@st.composite
def sizes(draw):
    long = draw(st.integers(1, 4096))
    short = draw(st.integers(max(1, -(-long // 50)), long))
    return (long, short) if draw(st.booleans()) else (short, long)


@given(sizes())
@settings(max_examples=300, deadline=None)
def test_dynamic_is_qwen2_vl(size):
    view = Dynamic().plan(*size).views[0]
    if round(size[0] / 28) and round(size[1] / 28):  # the stock one gives a side of 0 pixels otherwise, or grows it
        bounds = {"min_pixels": 56 * 56, "max_pixels": 28 * 28 * 1280}
        assert (view.height, view.width) == smart_resize(size[1], size[0], factor=28, **bounds)


@given(sizes())
@settings(max_examples=300, deadline=None)
def test_tiles_are_idefics3(size):
    plan = Tiles(patch=14, merge=3).plan(*size)
    _, rows, cols = IDEFICS.get_number_of_image_patches(size[1], size[0], {})
    tiles = [view.tile for view in plan.views if view.tile]
    assert len(tiles) == rows * cols
    assert not tiles or tiles[-1] == (rows, cols)


@given(sizes())
@settings(max_examples=300, deadline=None)
def test_native_is_pixtral(size):

    view = Native().plan(*size).views[0]
    blank = np.broadcast_to(np.uint8(0), (3, size[1], size[0]))
    theirs = pixtral.get_resize_output_image_size(blank, 1024, 16, input_data_format="channels_first")
    if min(theirs):
        assert (view.height, view.width) == theirs
