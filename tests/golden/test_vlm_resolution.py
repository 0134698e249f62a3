"""Our plans against the arithmetic of transformers' own image processors."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers.models.idefics3.image_processing_pil_idefics3 import get_resize_output_image_size as idefics3_size
from transformers.models.pixtral.image_processing_pil_pixtral import get_resize_output_image_size as pixtral_size
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from sightline.vlm.resolution import Dynamic, Native, Tiles

SIDES = st.tuples(st.integers(1, 4096), st.integers(1, 4096)).filter(lambda s: max(s) / min(s) <= 50)


@given(SIDES)
@settings(max_examples=200, deadline=None)
def test_dynamic_is_qwen2_vl(size):
    high, wide = smart_resize(size[1], size[0])
    view = Dynamic().plan(*size).views[0]
    assert (view.width, view.height) == (wide, high)


@given(SIDES)
@example((17, 1))  # channels last, the stock code would take a height of 1 for the channels
@settings(max_examples=100, deadline=None)
def test_native_is_pixtral(size):
    picture = np.zeros((3, size[1], size[0]), dtype=np.uint8)
    high, wide = pixtral_size(picture, (1024, 1024), (16, 16))
    view = Native().plan(*size).views[0]
    assert (view.width, view.height) == (max(16, wide), max(16, high))


@given(SIDES)
@settings(max_examples=100, deadline=None)
def test_tiles_are_idefics3(size):
    picture = np.zeros((3, size[1], size[0]), dtype=np.uint8)
    high, wide = idefics3_size(picture, resolution_max_side=1536)
    across, down = math.ceil(wide / 384), math.ceil(high / 384)
    assert len(Tiles(patch=14, merge=3).plan(*size).views) == across * down + 1
