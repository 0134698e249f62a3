"""Thresholds at their boundaries."""

from __future__ import annotations

import pytest

from sightline.core.media import Span
from sightline.recipes.video_annotation.filters import FilterConfig, refusals, static_share

GOOD = {"duration": 200.0, "words": 150, "freezes": (), "language": "en", "licence": None}


def reasons(config: FilterConfig | None = None, **changes: object) -> list[str]:
    return [one.reason for one in refusals(**{**GOOD, **changes}, config=config or FilterConfig())]  # type: ignore


def test_a_good_video_is_kept() -> None:
    assert reasons() == []


@pytest.mark.parametrize(("words", "expected"), [(100, ["little-speech"]), (102, [])])
def test_words_per_second(words: int, expected: list[str]) -> None:
    assert reasons(words=words) == expected  # 0.50 and 0.51


@pytest.mark.parametrize(("words", "expected"), [(50, ["too-few-words"]), (51, [])])
def test_words(words: int, expected: list[str]) -> None:
    assert reasons(words=words, duration=60.0) == expected


@pytest.mark.parametrize(("duration", "expected"), [(599.0, []), (600.0, []), (601.0, ["too-long"])])
def test_length(duration: float, expected: list[str]) -> None:
    assert reasons(duration=duration, words=2000) == expected
    assert reasons(FilterConfig(max_minutes=11), duration=duration, words=2000) == []


@pytest.mark.parametrize(("frozen", "expected"), [(0, []), (3, []), (4, ["static-picture"]), (6, ["static-picture"])])
def test_static_segments_of_ten(frozen: int, expected: list[str]) -> None:
    freezes = tuple(Span(60.0 * n, 60.0 * n + 50.0) for n in range(frozen))
    assert static_share(freezes, 600.0, FilterConfig()) == pytest.approx(frozen / 10)
    assert reasons(duration=600.0, words=2000, freezes=freezes) == expected


def test_standstill_must_fill_fifty_seconds_at_once() -> None:
    config = FilterConfig()
    assert static_share([Span(0, 49.9)], 60.0, config) == 0
    assert static_share([Span(0, 25), Span(30, 60)], 60.0, config) == 0
    assert static_share([Span(35, 85)], 120.0, config) == 0  # 25 s in each of two segments
    assert static_share([Span(0, 600)], 600.0, config) == 1


def test_a_short_last_segment_needs_the_same_share() -> None:
    config = FilterConfig()
    assert static_share([Span(60, 85)], 90.0, config) == pytest.approx(1 / 3)
    assert static_share([Span(60, 84.9)], 90.0, config) == 0
    assert static_share([Span(0, 10)], 10.0, config) == 1


def test_language_and_licence_only_on_request() -> None:
    assert reasons(FilterConfig(languages=("en", "ko")), language="ko") == []
    assert reasons(FilterConfig(languages=("en",)), language="ko") == ["other-language"]
    assert reasons(FilterConfig(need_licence=True)) == ["no-licence"]
    assert reasons(FilterConfig(need_licence=True), licence="CC-BY-4.0") == []


def test_every_refusal_carries_its_figure() -> None:
    for one in refusals(**GOOD | {"words": 0, "duration": 700.0}, config=FilterConfig()):  # type: ignore[arg-type]
        assert {"value", "limit"} <= one.evidence.keys()
