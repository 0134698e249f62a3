"""Which videos are worth annotating: pure functions over what was measured. FineVideo's thresholds are the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.media import Span
from sightline.core.sample import Rejected


class FilterConfig(BaseModel):
    """Each threshold with its reason; 0 switches a lower one off, a value above 1 `max_static`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words_per_second: float = Field(default=0.5, ge=0)
    """More than this must be said: narration is what makes a video tell something."""
    min_words: int = Field(default=50, ge=0)
    """More than this many words in all."""
    max_static: float = Field(default=0.4, ge=0, le=2)
    """From this share of standing picture on a video is refused; above 1 none is."""
    segment_seconds: float = Field(default=60.0, gt=0)
    freeze_seconds: float = Field(default=50.0, gt=0)
    """A segment is static when one standstill fills this much of it; a shorter last segment needs the same share."""
    min_seconds: float = Field(default=1.0, ge=0)
    max_minutes: float = Field(default=10.0, gt=0)
    """FineVideo: annotations of longer videos got worse."""
    languages: tuple[str, ...] = ()
    """ISO 639-1; empty keeps all."""
    need_licence: bool = False
    """Refuse what states no licence."""


def words_per_second(words: int, seconds: float) -> float:
    """0 for no time at all."""
    return words / seconds if seconds > 0 else 0.0


def static_share(freezes: Sequence[Span], duration: float, config: FilterConfig) -> float:
    """Share of the time that lies in static segments. Segments of 60 s from the beginning; the last may be shorter.

    >>> static_share([Span(0, 55)], 120.0, FilterConfig())
    0.5
    """
    static = start = 0.0
    while start < duration:
        end = min(start + config.segment_seconds, duration)
        longest = max((min(span.end, end) - max(span.start, start) for span in freezes), default=0.0)
        if longest >= config.freeze_seconds / config.segment_seconds * (end - start) - 1e-6:
            static += end - start
        start += config.segment_seconds
    return static / duration if duration > 0 else 0.0


def refusals(
    *, duration: float, words: int, freezes: Sequence[Span], language: str, licence: str | None, config: FilterConfig
) -> Iterator[Rejected]:
    """Every reason against a video, with its figure and the threshold; nothing where it is kept.

    Reasons: "too-short", "too-long", "too-few-words", "little-speech", "static-picture", "other-language",
    "no-licence".
    """

    def against(reason: str, value: object, limit: object) -> Rejected:
        return Rejected(reason=reason, evidence={"value": value, "limit": limit, "duration": round(duration, 3)})

    if duration < config.min_seconds:
        yield against("too-short", round(duration, 3), config.min_seconds)
    if duration > config.max_minutes * 60:
        yield against("too-long", round(duration, 3), config.max_minutes * 60)
    static = static_share(freezes, duration, config)
    if static >= config.max_static:
        yield against("static-picture", round(static, 4), config.max_static)
    if config.min_words and words <= config.min_words:
        yield against("too-few-words", words, config.min_words)
    density = words_per_second(words, duration)
    if config.min_words_per_second and density <= config.min_words_per_second:
        yield against("little-speech", round(density, 4), config.min_words_per_second)
    if config.languages and language not in config.languages:
        yield against("other-language", language, list(config.languages))
    if config.need_licence and not licence:
        yield against("no-licence", None, "stated")
