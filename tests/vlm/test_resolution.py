"""Published figures, the stock implementations' own arithmetic, and the laws of the count."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.errors import Reject
from sightline.core.media import Box
from sightline.vlm.resolution import (
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
ALL = [Fixed(size=224, patch=14), Fixed(size=96, fit="pad"), SMOLVLM, Native(), Native(merge=2), Dynamic()]


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
    if isinstance(resolution, Fixed) and count(resolution.plan(*size)) > budget:
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
