"""Choosing videos up to a number of hours: equal shares for categories, no channel too often, the same draw every time.

FineVideo's rule (contentselection/oracle.py) with its gaps closed: draws are seeded by video, the channel's count is
global, what one category cannot fill goes to all others in rounds, and the last gap is filled with the longest video
that fits, not with the shortest ones.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.fingerprint import seeded


class SelectionConfig(BaseModel):
    """How videos are chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: float = Field(gt=0)
    """Most hours in all."""
    comments: float = 0.2
    views: float = 0.5
    likes: float = 0.3
    """Weights of the scaled figures in a video's engagement."""
    per_repeat: float = Field(default=0.1, ge=0, le=1)
    """A channel's n-th further video is taken with a probability smaller by this each time."""
    channel_cap: int = Field(default=10, ge=1)
    """Most videos of a channel, over all categories."""
    seed: int = 0


class Candidate(NamedTuple):
    """A video as far as the choice looks at it."""

    id: str
    category: str
    channel: str
    """"" where unknown: no cap then."""
    seconds: float
    views: int
    likes: int
    comments: int
    followers: int


class CategoryShare(NamedTuple):
    """One category's line of the report; seconds."""

    category: str
    quota: float
    chosen: float
    supply: float

    @property
    def met(self) -> bool:
        return self.chosen >= 0.99 * self.quota


class Selection(NamedTuple):
    """Ids in order of choice, and how the shares came out (largest lack first)."""

    ids: tuple[str, ...]
    seconds: float
    target: float
    shares: tuple[CategoryShare, ...]

    @property
    def unmet(self) -> tuple[CategoryShare, ...]:
        return tuple(share for share in self.shares if not share.met)


def engagement(videos: Sequence[Candidate], config: SelectionConfig) -> dict[str, float]:
    """Id -> 0..1: each figure scaled from its least to its most over all videos, then weighted."""

    def scaled(values: list[int]) -> list[float]:
        low, high = min(values), max(values)
        return [(value - low) / (high - low) if high > low else 0.0 for value in values]

    if not videos:
        return {}
    columns = (
        (config.comments, scaled([video.comments for video in videos])),
        (config.views, scaled([video.views for video in videos])),
        (config.likes, scaled([video.likes for video in videos])),
    )
    return {video.id: sum(weight * column[n] for weight, column in columns) for n, video in enumerate(videos)}


def select(videos: Iterable[Candidate], config: SelectionConfig) -> Selection:
    """At most `config.hours`; the same for any order of `videos`."""
    pool = sorted(videos, key=lambda video: video.id)
    target = config.hours * 3600
    choice = _Choice(pool, target, config)
    choice.rounds(drawn=True)
    choice.rounds(drawn=False)
    choice.fill()
    return choice.result()


class _Choice:
    def __init__(self, pool: Sequence[Candidate], target: float, config: SelectionConfig) -> None:
        scores = engagement(pool, config)
        self._config, self._target, self._pool = config, target, pool
        self._waiting: dict[str, list[Candidate]] = defaultdict(list)
        for video in sorted(
            pool, key=lambda video: (-scores[video.id], video.followers, seeded(config.seed, "tie", video.id))
        ):
            self._waiting[video.category].append(video)
        self._taken: list[str] = []
        self._seconds = 0.0
        self._by_category: Counter[str] = Counter()
        self._by_channel: Counter[str] = Counter()

    def rounds(self, *, drawn: bool) -> None:
        """Share what is left among all categories that still have videos, until nothing more fits."""
        while True:
            open_ = [name for name in sorted(self._waiting) if self._waiting[name]]
            room = self._target - self._seconds
            before = len(self._taken)
            for name in open_:
                self._take_from(name, room / len(open_), drawn)
            if len(self._taken) == before:
                return

    def fill(self) -> None:
        """The longest that fits, whatever its category."""
        rest = sorted(
            (video for videos in self._waiting.values() for video in videos),
            key=lambda video: (-video.seconds, video.id),
        )
        for video in rest:
            if self._fits(video, self._target - self._seconds):
                self._take(video)

    def result(self) -> Selection:
        supply: Counter[str] = Counter()
        for video in self._pool:
            supply[video.category] += video.seconds  # type: ignore[assignment]
        quota = self._target / len(supply) if supply else 0.0
        shares = [CategoryShare(name, quota, float(self._by_category[name]), float(supply[name])) for name in supply]
        shares.sort(key=lambda share: (share.chosen - share.quota, share.category))
        return Selection(tuple(self._taken), self._seconds, self._target, tuple(shares))

    def _take_from(self, category: str, room: float, drawn: bool) -> None:
        left: list[Candidate] = []
        for video in self._waiting[category]:
            if self._fits(video, room) and (not drawn or self._drawn(video)):
                room -= video.seconds
                self._take(video)
            else:
                left.append(video)
        self._waiting[category] = left

    def _fits(self, video: Candidate, room: float) -> bool:
        capped = video.channel and self._by_channel[video.channel] >= self._config.channel_cap
        return not capped and video.seconds <= room + 1e-9 and video.seconds > 0

    def _drawn(self, video: Candidate) -> bool:
        if not video.channel:
            return True
        chance = 1 - self._config.per_repeat * self._by_channel[video.channel]
        return seeded(self._config.seed, "draw", video.id) / 2**64 < chance

    def _take(self, video: Candidate) -> None:
        self._taken.append(video.id)
        self._seconds += video.seconds
        self._by_category[video.category] += video.seconds  # type: ignore[assignment]
        self._by_channel[video.channel] += 1
