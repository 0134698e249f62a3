"""Are the times of an annotation possible? Scenes must lie inside the video, one after the other, and reach from its
beginning to its end - looked at *before* anything is moved: an annotation that stops at 60 % is refused, not stretched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.media import Span

Stated = tuple[float | None, float | None]
"""Start and end as an annotator said them, seconds; None where nothing readable was said."""


class IntegrityConfig(BaseModel):
    """How much disorder is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_coverage: float = Field(default=0.9, ge=0, le=1)
    """Share of the video that lies in some scene."""
    slack: float = Field(default=2.0, ge=0)
    """Seconds by which a time may lie outside the video or its scene, or two scenes overlap: what aligning can mend."""
    max_stray: float = Field(default=0.25, ge=0, le=1)
    """Share of the times inside scenes (activities, props, moods) that may lie outside their scene by more than
    `slack`."""


class Fault(NamedTuple):
    """One thing that is wrong: `reason` in kebab-case, the scene's number (from 0) where it has one, the figures."""

    reason: str
    scene: int | None
    figures: dict[str, float | None]


def faults(scenes: Sequence[Stated], duration: float, config: IntegrityConfig | None = None) -> tuple[Fault, ...]:
    """Everything wrong with the scenes' times, in order of the scenes; empty where all is possible.

    Reasons: "no-scenes", "missing-time", "reversed-time", "outside-video", "scenes-out-of-order", "scenes-overlap",
    "low-coverage".
    """
    config = config or IntegrityConfig()
    if not scenes:
        return (Fault("no-scenes", None, {}),)
    found: list[Fault] = []
    spans: list[Span] = []
    for number, (start, end) in enumerate(scenes):
        reason = _fault_of(start, end, duration, config.slack)
        if reason or start is None or end is None:
            found.append(Fault(reason, number, {"start": start, "end": end, "duration": duration}))
            continue
        if spans and start < spans[-1].start:
            found.append(Fault("scenes-out-of-order", number, {"start": start, "before": spans[-1].start}))
        elif spans and start < spans[-1].end - config.slack:
            found.append(Fault("scenes-overlap", number, {"start": start, "before": spans[-1].end}))
        spans.append(Span(start, end))
    covered = coverage(spans, duration)
    if covered < config.min_coverage:
        found.append(Fault("low-coverage", None, {"coverage": round(covered, 4), "needed": config.min_coverage}))
    return tuple(found)


def _fault_of(start: float | None, end: float | None, duration: float, slack: float) -> str:
    if start is None or end is None:
        return "missing-time"
    if end <= start:
        return "reversed-time"
    return "outside-video" if start < 0 or end > duration + slack else ""


def coverage(spans: Sequence[Span], duration: float) -> float:
    """Share of 0..duration that lies in at least one span.

    >>> coverage([Span(0, 4), Span(2, 6)], 10.0)
    0.6
    """
    covered = reached = 0.0
    for start, end in sorted(spans):
        start, end = max(start, reached, 0.0), min(end, duration)
        covered += max(0.0, end - start)
        reached = max(reached, end)
    return covered / duration if duration > 0 else 0.0


def stray_share(inner: Sequence[tuple[Span, Stated]], slack: float) -> float:
    """Of the times inside scenes, given as (scene, stated), the share that lies outside their scene by more than
    `slack`; a time that is missing strays nowhere. 0 where there is none."""
    told = [(scene, [time for time in stated if time is not None]) for scene, stated in inner]
    told = [(scene, times) for scene, times in told if times]
    strays = sum(min(times) < scene.start - slack or max(times) > scene.end + slack for scene, times in told)
    return strays / len(told) if told else 0.0


_SPOKEN = re.compile(
    r"(?:(\d+)\s*h(?:(?:ou)?rs?)?\s*)?(\d+)\s*m(?:in(?:ute)?s?)?(?:\s*(\d+(?:[.,]\d+)?)\s*s(?:ec(?:ond)?s?)?)?\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[:.,]\d+)*")
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:[.,]\d+)?)$")
_NOTHING = re.compile(r"^\W*(n/?a|none|null|not applicable|unknown|throughout|-*)\W*$", re.IGNORECASE)
_END = re.compile(r"^\W*(the\s+)?end(\s+of\b.*)?\W*$", re.IGNORECASE)


def stated_time(text: str | None, duration: float, *, last: bool = False) -> float | None:
    """Seconds of a time as annotators write it; None for nothing readable. "end" is the video's end; of a range the
    first time counts, or the last if `last`.

    >>> [stated_time(text, 90.0) for text in ("00:01:02.500", "around 1:02", "1m 2s", "0:05 - 0:09", "end", "n/a")]
    [62.5, 62.0, 62.0, 5.0, 90.0, None]
    """
    if text is None or _NOTHING.match(text):
        return None
    if _END.match(text):
        return duration
    text = _SPOKEN.sub(lambda said: ":".join([*([said[1]] if said[1] else []), said[2], said[3] or "0"]), text)
    times = [_seconds(match[0]) for match in _NUMBER.finditer(text)]
    if not times:
        return None
    seconds = times[-1 if last else 0]
    negative = re.match(r"^\s*-\s*\d", text) is not None and len(times) == 1
    return None if seconds is None else -seconds if negative else seconds


def _seconds(text: str) -> float | None:
    parts = text.replace(",", ".").split(":")
    if len(parts) == 4:  # HH:MM:SS:mmm
        parts = [*parts[:2], f"{parts[2]}.{parts[3]}"]
    match = _CLOCK.match(":".join(parts))
    if match is None:
        return None
    seconds = float(match[3])
    if match[2] is None:
        return seconds
    if seconds >= 60 or (match[1] is not None and int(match[2]) > 59):
        return None
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + seconds


def timecode(seconds: float) -> str:
    """HH:MM:SS.mmm.

    >>> timecode(3723.0625)
    '01:02:03.062'
    """
    thousandths = round(seconds * 1000)
    return (
        f"{thousandths // 3_600_000:02}:{thousandths // 60_000 % 60:02}"
        f":{thousandths // 1000 % 60:02}.{thousandths % 1000:03}"
    )
