"""Scenes onto cuts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import Reject
from sightline.core.media import Span
from sightline.verify.aligning import align

FPS = 25.0


def boundaries(scenes: list[Span], cuts: list[float], duration: float) -> list[float]:
    return [span.end for span in align(scenes, cuts, duration, FPS).spans[:-1]]


def test_a_boundary_goes_to_the_nearest_cut_within_two_seconds() -> None:
    scenes = [Span(0, 9.2), Span(9.2, 30.0), Span(30.0, 60.0)]
    found = align(scenes, [8.0, 10.0, 33.0], 60.0, FPS)
    assert [span.end for span in found.spans] == [10.0, 30.0, 60.0]
    assert found.warned == ()
    assert [one.on_cut for one in found.moved] == [False, True, True, False, False, False]


@pytest.mark.parametrize(("offset", "snaps"), [(1.99, True), (2.0, True), (2.01, False), (-2.0, True), (-2.01, False)])
def test_the_window_at_its_edge(offset: float, snaps: bool) -> None:
    (boundary,) = boundaries([Span(0, 30), Span(30, 60)], [30 + offset], 60)
    assert boundary == (30 + offset if snaps else 30)


def test_movement_is_warned_above_25_frames_and_refused_above_125() -> None:
    assert align([Span(0, 30), Span(30, 60)], [31.0], 60, FPS).warned == ()  # 25 frames
    warned = align([Span(0, 30), Span(30, 60)], [31.04], 60, FPS).warned
    assert [round(one.frames) for one in warned] == [26, 26]
    assert len(align([Span(5.0, 30), Span(30, 60)], [], 60, FPS).warned) == 1  # 125 frames at the start
    with pytest.raises(Reject) as refused:
        align([Span(5.04, 30), Span(30, 60)], [], 60, FPS)
    assert refused.value.reason == "moved-too-far"
    with pytest.raises(Reject):
        align([Span(0, 30), Span(30, 54.9)], [], 60, FPS)
    with pytest.raises(Reject):  # a gap of eleven seconds between two scenes
        align([Span(0, 20), Span(31, 60)], [], 60, FPS)


def test_two_boundaries_never_share_a_cut() -> None:
    found = boundaries([Span(0, 9.5), Span(9.5, 10.5), Span(10.5, 20)], [10.1], 20)
    assert found == [9.5, 10.1]


def test_a_scene_without_length_is_refused() -> None:
    with pytest.raises(Reject) as refused:
        align([Span(0, 9.0), Span(9.0, 9.01), Span(9.01, 20)], [], 20, FPS)
    assert refused.value.reason == "scenes-collapse"


_times = st.lists(st.integers(1, 5999), min_size=1, max_size=12, unique=True)


@given(_times, st.lists(st.integers(1, 5999), max_size=30, unique=True))
def test_scenes_touch_keep_their_order_and_never_move_beyond_the_window(inner: list[int], cuts: list[int]) -> None:
    ends = [0.0, *(time / 100 for time in sorted(inner)), 60.0]
    scenes = [Span(a, b) for a, b in pairwise(ends)]
    try:
        found = align(scenes, [cut / 100 for cut in cuts], 60.0, FPS)
    except Reject as refused:
        assert refused.reason == "scenes-collapse"  # noqa: PT017
        return
    assert found.spans[0].start == 0
    assert found.spans[-1].end == 60
    assert all(a.end == b.start and a.start < a.end for a, b in pairwise(found.spans))
    assert all(abs(one.now - one.stated) <= 2.0 + 1e-9 for one in found.moved)
