"""Overlapping crops: every patch once and in its place; what an encoder sees around it is its crop."""

from __future__ import annotations

import pytest
import torch

from sightline.train.feature_cache import FeatureCache
from sightline.vlm.encoder import in_crops
from sightline.vlm.resolution import Crops, count

SMALL = Crops(size=32, patch=8, merge=1, margin=1, most=6)
WIDE = Crops(size=48, patch=8, merge=2, margin=2, most=6)


@pytest.mark.parametrize("resolution", [SMALL, WIDE])
@pytest.mark.parametrize("size", [(60, 50), (20, 90), (200, 40), (300, 300), (5, 5)])
def test_patches_alone_are_those_of_the_whole_view(tiny, resolution, size):
    """An encoder without neighbours sees the same in crops as at once."""
    model, reader = tiny.build("none", merge=resolution.merge, resolution=resolution)
    row = reader.encode(tiny.chat(tiny.picture(1, size=size)))
    assert len(row.views) == 2
    for view, shape in zip(row.views, row.sizes, strict=True):
        with torch.no_grad():
            cropped = model.model.encode(view[None], [shape])
            whole = model.model.encoder(view[None], [shape]).last_hidden_state
        assert torch.equal(cropped, whole)


@pytest.mark.parametrize("margin", [0, 1])
def test_a_patch_is_taken_where_it_lies_further_inside(margin):
    """Crops of 4 x 4 patches of one pixel: the "encoder" tells how far each lies from its crop's nearest side."""
    resolution = Crops(size=4, patch=1, merge=1, margin=margin, most=6)
    view = resolution.plan(200, 100).views[1]
    steps = torch.arange(4)
    near = torch.minimum(steps, 3 - steps)
    depth = torch.minimum(near[:, None], near[None]).flatten()[:, None].float()

    def see(crops):
        return depth.repeat(len(crops), 1)

    pixels = torch.zeros(1, 3, view.height, view.width)
    made = in_crops(see, pixels, [(view.height, view.width)], 1, resolution.crops)
    made = made.view(view.height, view.width)
    assert int(made[margin : -margin or None, margin : -margin or None].min()) == margin


@pytest.mark.parametrize("encoder", ["siglip", "dinov2", "resnet", "native"])
@pytest.mark.parametrize("fusion", ["embed", "cross", "hybrid"])
def test_counted_are_the_tokens_made_and_rows_do_not_meet(tiny, encoder, fusion):
    model, reader = tiny.build(encoder, fusion=fusion, merge=1, kind="pooling", resolution=SMALL)
    sizes = [(60, 50), (20, 90), (200, 40)]
    rows = [reader.encode(tiny.chat(tiny.picture(i, size=size))) for i, size in enumerate(sizes)]
    words = len(reader.encode(tiny.chat()).ids)
    for row, size in zip(rows, sizes, strict=True):
        assert len(row.ids) - words == count(SMALL.plan(*size), fusion)
    with torch.no_grad():
        together = model(**reader.collate(rows), use_cache=False).logits
        for i, row in enumerate(rows):
            alone = model(**reader.collate([row]), use_cache=False).logits[0]
            assert torch.allclose(together[i, : len(alone)], alone, atol=1e-5)


def test_the_encoder_works_through_every_crop():
    """640 x 480: 2 x 3 crops and the overview, 24 x 24 patches each."""
    assert sum(map(Crops().encoded, Crops().plan(640, 480).views)) == 7 * 576


def test_a_folder_and_a_cache_know_the_crops(tiny, tmp_path):
    model, reader = tiny.build("siglip", merge=1, resolution=SMALL)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path).eval()
    batch = reader.collate([reader.encode(tiny.chat(tiny.picture(1)))])
    with torch.no_grad():
        assert torch.equal(again(**batch).logits, model(**batch).logits)
    key = FeatureCache(model.model, tmp_path).key
    model.model.config.crops = [32, 0]
    assert FeatureCache(model.model, tmp_path).key != key
