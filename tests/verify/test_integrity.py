"""Times of annotations: what is possible, what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.media import Span
from sightline.verify.integrity import IntegrityConfig, coverage, faults, stated_time, stray_share, timecode

GOOD = [(0.0, 20.0), (20.0, 50.0), (50.5, 100.0)]


def reasons(scenes: list[tuple[float | None, float | None]], duration: float = 100.0) -> list[str]:
    return [fault.reason for fault in faults(scenes, duration)]


def test_a_good_annotation_has_no_fault() -> None:
    assert faults(GOOD, 100.0) == ()
    assert faults([(0.0, 101.5)], 100.0) == ()  # within the slack


@pytest.mark.parametrize(
    ("scenes", "expected"),
    [
        ([], ["no-scenes"]),
        ([(0.0, 20.0), (20.0, 60.0)], ["low-coverage"]),
        ([(0.0, 20.0), (None, 50.0), (50.0, 100.0)], ["missing-time", "low-coverage"]),
        ([(0.0, 50.0), (50.0, 100.0), (90.0, 80.0)], ["reversed-time"]),
        ([(0.0, 50.0), (50.0, 110.0)], ["outside-video", "low-coverage"]),
        ([(-1.0, 50.0), (50.0, 100.0)], ["outside-video", "low-coverage"]),
        ([(50.0, 100.0), (0.0, 50.0)], ["scenes-out-of-order"]),
        ([(0.0, 60.0), (50.0, 100.0)], ["scenes-overlap"]),
    ],
)
def test_each_fault_has_its_name(scenes: list[tuple[float | None, float | None]], expected: list[str]) -> None:
    assert reasons(scenes) == expected


def test_coverage_at_its_boundary() -> None:
    assert reasons([(0.0, 90.0)]) == []
    assert reasons([(0.0, 89.9)]) == ["low-coverage"]
    assert faults([(0.0, 60.0)], 100.0, IntegrityConfig(min_coverage=0.6)) == ()


def test_coverage_counts_overlaps_once() -> None:
    assert coverage([Span(5, 9), Span(0, 6), Span(1, 2)], 10) == 0.9
    assert coverage([Span(-5, 20)], 10) == 1.0


def test_stray_times() -> None:
    scene = Span(10, 20)
    inner = [(scene, (10.0, 12.0)), (scene, (8.5, 21.0)), (scene, (None, None)), (scene, (30.0, None))]
    assert stray_share(inner, 2.0) == pytest.approx(1 / 3)
    assert stray_share([], 2.0) == 0.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:01:02.500", 62.5),
        ("1:02", 62.0),
        ("62.5", 62.5),
        ("62.5s", 62.5),
        ("~ 12 seconds", 12.0),
        ("around 00:00:12", 12.0),
        ("01:02:03:250", 3723.25),
        ("0:05 - 0:09", 5.0),
        ("1m30s", 90.0),
        ("1 min 2.5 sec", 62.5),
        ("75 minutes", 4500.0),
        ("1h 2m", 3720.0),
        ("from 1m to 1m 10s", 60.0),
        ("End", 90.0),
        ("end of video", 90.0),
        ("N/A", None),
        ("", None),
        ("-", None),
        ("soon", None),
        ("00:75:00", None),
        ("-3.0", -3.0),
        (None, None),
    ],
)
def test_times_as_annotators_write_them(text: str | None, seconds: float | None) -> None:
    assert stated_time(text, 90.0) == seconds


def test_the_end_of_a_range() -> None:
    assert stated_time("0:05-0:09", 90.0, last=True) == 9.0
    assert stated_time("0:05", 90.0, last=True) == 5.0


@given(st.integers(0, 359_999_999))
def test_timecodes_come_back(thousandths: int) -> None:
    text = timecode(thousandths / 1000)
    assert len(text) == 12
    assert stated_time(text, 0.0) == pytest.approx(thousandths / 1000, abs=1e-6)
