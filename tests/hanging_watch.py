"""A decoder that never comes back, for worker processes to import."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sightline.recipes.video_annotation.items import VideoFile, WatchedVideo
from sightline.recipes.video_annotation.watching import Watch


@dataclass(frozen=True, slots=True)
class HangingWatch(Watch):
    """Hangs in C code that gives no other thread a turn, as a decoder's endless loop does, at files named so."""

    def __call__(self, item: VideoFile, /) -> Iterator[WatchedVideo]:
        if "hang" in item.source.name:
            re.match(r"(a+)+$", "a" * 60 + "b")
        yield from Watch.__call__(self, item)
