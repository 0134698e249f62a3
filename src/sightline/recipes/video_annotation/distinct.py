"""Videos that show the same: re-encoded, scaled or cropped copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sightline.core.sample import Item, Rejected
from sightline.recipes.video_annotation.items import WatchedVideo
from sightline.verify.picture_hashing import BLANK, distance

ALIKE_BITS = 12
"""Of 64 that may differ between two pictures of the same moment."""
ALIKE_PLACES = 5
"""Of 8 moments that must be alike (or all that are not of one colour, where fewer are)."""
SAME_LENGTH = 0.03
"""Share by which two lengths may differ."""


class DistinctConfig(BaseModel):
    """What becomes of copies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: bool = False


Hashes = tuple[tuple[str, ...], ...]


def alike(first: Hashes, second: Hashes) -> bool:
    """Whole against whole, and either one's middle against the other's whole (a crop)."""
    same = compared = 0
    for ours, theirs in zip(first, second, strict=False):
        if BLANK in (ours[0], theirs[0]):
            continue
        compared += 1
        nearest = min(
            *(distance(one, theirs[0]) for one in ours),
            *(distance(ours[0], one) for one in theirs),
        )
        same += nearest <= ALIKE_BITS
    return compared >= 2 and same >= min(ALIKE_PLACES, compared)


@dataclass(frozen=True, slots=True)
class Distinct:
    """Gives each video its group; of a group only the largest picture stays (then the longer, then by hash)."""

    config: DistinctConfig
    name: ClassVar[str] = "distinct"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = WatchedVideo
    gives: ClassVar[type[Item]] = WatchedVideo

    def all(self, items: Iterable[WatchedVideo], /) -> Iterator[WatchedVideo | Rejected]:
        leader = _leaders(items)
        for item in items:
            name, sha256 = leader[item.source.sha256]
            if sha256 != item.source.sha256 and not self.config.keep:
                yield Rejected(
                    reason="near-duplicate-video", item=item.key, origin=item.source.name, evidence={"same_as": name}
                )
            else:
                yield item.model_copy(update={"group": f"g-{sha256[:16]}"})


def _leaders(items: Iterable[WatchedVideo]) -> dict[str, tuple[str, str]]:
    """Hash of each video -> name and hash of the best one of its group. Compared are only videos that share 16 bits of
    a hash at the same moment."""
    best_first = sorted(
        (
            (
                -item.facts.width * item.facts.height,
                -item.facts.duration,
                item.source.sha256,
                item.source.name,
                item.hashes,
            )
            for item in items
        ),
        key=lambda row: row[:3],
    )
    leader: dict[str, tuple[str, str]] = {}
    buckets: dict[tuple[int, str], list[int]] = defaultdict(list)
    for number, (_, minus_length, sha256, name, hashes) in enumerate(best_first):
        leader[sha256] = (name, sha256)
        keys = {(8 * part + place, one[4 * part : 4 * part + 4]) for place, row in enumerate(hashes) for one in row
                for part in range(4)}  # fmt: skip
        for other in sorted({number for key in keys for number in buckets[key]}):
            _, length, theirs, _, their_hashes = best_first[other]
            if abs(length - minus_length) <= SAME_LENGTH * abs(length) and alike(their_hashes, hashes):
                leader[sha256] = leader[theirs]
                break
        for key in keys:
            buckets[key].append(number)
    return leader
