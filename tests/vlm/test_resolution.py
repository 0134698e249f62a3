"""Published figures, the stock implementations' own arithmetic, and the laws of the count."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import Reject
from sightline.core.media import Box
from sightline.vlm.resolution import (
    Crops,
    Dynamic,
    Fixed,
    Native,
    Tiles,
    count,
    fitted,
    frame_times,
    layout,
    special_tokens,
)

SMOLVLM = Tiles(patch=14, merge=3)
ALL = [Fixed(size=224, patch=14), Fixed(size=96, fit="pad"), SMOLVLM, Native(), Native(merge=2), Dynamic(), Crops()]


@st.composite
def sizes(draw):
    """1..4096, aspect ratios to 1:50."""
    long = draw(st.integers(1, 4096))
    short = draw(st.integers(max(1, -(-long // 50)), long))
    return (long, short) if draw(st.booleans()) else (short, long)


def test_published_counts():
    assert SMOLVLM.plan(1024, 1024).features == 17 * 81 == 1377
    assert SMOLVLM.plan(1920, 1080).features == SMOLVLM.plan(1024, 768).features == 13 * 81 == 1053
    assert Tiles(tile=364, longest=364, patch=14, merge=2).plan(364, 364).features == 169
    assert count(Native().plan(1024, 1024)) == 64 * 65 == 4160
    assert count(Dynamic().plan(224, 224)) == 66
    assert count(Dynamic().plan(1024, 1024)) == 1225 + 2
    assert count(Fixed(size=384, patch=14).plan(10, 20)) == 729


@given(sizes(), st.sampled_from(ALL), st.sampled_from(["embed", "cross", "hybrid"]))
@settings(max_examples=300, deadline=None)
def test_plans_are_whole(size, resolution, fusion):
    plan = resolution.plan(*size)
    tokens = dict.fromkeys(special_tokens(resolution))
    spelled = list(layout(plan, fusion))
    assert {token for token, _ in spelled} <= set(tokens)
    assert all(times > 0 for _, times in spelled)
    images = sum(times for token, times in spelled if token == "<image>")
    crossed = [view for view in plan.views if fusion == "cross" or (fusion == "hybrid" and view.tile)]
    assert images + sum(v.rows * v.cols for v in crossed) == plan.features > 0
    assert sum(times for token, times in spelled if token == "<seen>") == len(crossed)
    for view in plan.views:
        assert view.rows == view.height // resolution.patch // resolution.merge > 0
        assert view.cols == view.width // resolution.patch // resolution.merge > 0


@given(sizes(), st.sampled_from(ALL), st.integers(100, 3000))
@settings(max_examples=200, deadline=None)
def test_budget_is_kept_or_refused(size, resolution, budget):
    least = count(Crops(most=0).plan(*size)) if isinstance(resolution, Crops) else 0
    if (isinstance(resolution, Fixed) and count(resolution.plan(*size)) > budget) or least > budget:
        with pytest.raises(Reject, match="over-budget"):
            fitted(*size, resolution, budget)
        return
    plan = fitted(*size, resolution, budget)
    assert count(plan) <= budget
    if count(resolution.plan(*size)) <= budget:
        assert plan == resolution.plan(*size)


@given(sizes(), st.sampled_from(ALL), st.tuples(*[st.floats(0, 1)] * 4))
@settings(max_examples=200, deadline=None)
def test_boxes_survive_every_view(size, resolution, four):
    box = Box(four[0] * size[0], four[1] * size[1], four[2] * size[0], four[3] * size[1])
    plan = resolution.plan(*size)
    for index in range(len(plan.views)):
        back = plan.from_view(plan.to_view(box, index), index)
        assert all(abs(a - b) <= max(size) / 1000 for a, b in zip(back, box, strict=True))


@given(sizes())
@settings(max_examples=100, deadline=None)
def test_tiles_cover_without_overlap(size):
    tiles = [view for view in SMOLVLM.plan(*size).views if view.tile]
    wide, high = tiles[0].resized
    assert sum(view.width * view.height for view in tiles) == wide * high
    assert len({(view.left, view.top) for view in tiles}) == len(tiles)


@pytest.mark.parametrize(
    ("size", "rows", "cols", "tokens", "of_36"),
    [
        ((113, 113), 1, 1, 316, 316),
        ((336, 336), 1, 1, 316, 316),
        ((560, 336), 1, 2, 412, 412),
        ((561, 336), 1, 3, 508, 508),
        ((640, 480), 2, 3, 740, 740),
        ((480, 640), 3, 2, 748, 748),
        ((1000, 200), 1, 4, 604, 604),
        ((800, 600), 3, 4, 1196, 1196),
        ((1024, 1024), 3, 3, 972, 2140),
        ((1920, 1080), 3, 4, 1196, 2644),
        ((2480, 3508), 4, 3, 1204, 2860),
        ((4096, 300), 1, 12, 1372, 1948),
        ((300, 4096), 12, 1, 1460, 2084),
    ],
)
def test_crops_are_those_of_molmo(size, rows, cols, tokens, of_36):
    """Computed by `select_tiling` and `compute_num_tokens` of allenai/molmo's MolmoImageProcessor (crop mode
    "overlap-and-resize-c2", 336 px, margins 4 and 4, column tokens), for 12 crops at most and for 36."""
    plan = Crops().plan(*size)
    _, large = plan.views
    assert ((large.height - 112) // 224, (large.width - 112) // 224) == (rows, cols)
    assert count(plan) == tokens
    assert count(Crops(most=36).plan(*size)) == of_36
    assert count(Crops(most=0).plan(*size)) == 12 * 13 + 2


def test_a_thin_picture_gets_its_crops():
    """A side within the margins is as one pixel."""
    assert (Crops().plan(3000, 60).views[1].width, Crops().plan(3000, 60).views[1].height) == (12 * 224 + 112, 336)


@pytest.mark.parametrize("wrong", [{"size": 340}, {"margin": 12}, {"margin": 3}])
def test_crops_that_cannot_be(wrong):
    with pytest.raises(ValueError, match="crops"):
        Crops(**wrong)


@pytest.mark.parametrize("resolution", ALL)
def test_hopeless_pictures_are_refused_by_name(resolution):
    with pytest.raises(Reject) as refused:
        resolution.plan(1, 10_000)
    assert refused.value.reason == "aspect-ratio"
    assert refused.value.evidence["height"] == 10_000
    with pytest.raises(Reject, match="empty-picture"):
        resolution.plan(0, 5)


def test_frames_of_a_video():
    assert len(frame_times(3600)) == 50
    assert frame_times(0.2) == (0.1,)
    times = frame_times(10)
    assert len(times) == 10
    assert times[0] == 0.5
    assert {round(b - a, 9) for a, b in pairwise(times)} == {1.0}
