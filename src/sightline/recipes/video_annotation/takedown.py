"""Sources that must not be used: refused where they are found, and removed from what earlier runs computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sightline.core.errors import InputError
from sightline.core.message import Reply, Request
from sightline.core.ports import LM
from sightline.core.record import claim
from sightline.lm.cached import ReplyStore, reply_key
from sightline.pipeline import Store
from sightline.pipeline.erasing import entered, erase
from sightline.pipeline.remote import cached_copy
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.video_annotation.items import VideoFile
from sightline.recipes.video_annotation.prompts import VideoRequest

ASKED = "asked.txt"
"""Below .sightline: one line per request, the video's SHA-256 and the key of its kept answer."""


class Removed(NamedTuple):
    """What a takedown took out of a results folder."""

    videos: int
    items: int
    """Rows of the state: the file, its pictures and hashes, descriptions, annotations, records."""
    replies: int
    copies: int
    """Downloaded files, in the cache of files."""


class Noting:
    """`lm`, and a note of which video each request was about."""

    def __init__(self, lm: LM, state: Path) -> None:
        self.lm, self._path = lm, state / ASKED

    @property
    def name(self) -> str:
        return self.lm.name

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """As `lm` gives them."""
        return self.lm.replies(map(self._noted, requests))

    def _noted(self, request: Request) -> Request:
        assert isinstance(request, VideoRequest), "every request of this recipe is about a video"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="ascii") as file:  # one short line: whole, whoever else appends
            file.write(f"{request.video} {reply_key(self.name, request)}\n")
        return request


def read_takedown(path: str | Path | None) -> frozenset[str]:
    """One id, address, file name or SHA-256 per line; `#` begins a remark. Raises InputError."""
    if path is None:
        return frozenset()
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the takedown list cannot be read", subject=path, remedy=str(error)) from error
    return frozenset(line.partition(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#"))


def barred_by(video: VideoFile, barred: frozenset[str]) -> frozenset[str]:
    """The lines of a takedown list that mean this video."""
    source, about = video.source, video.about
    return frozenset({source.sha256, source.uri, source.name, about.id, about.url} - {""}) & barred


def take_down(out: Path, barred: frozenset[str]) -> Removed:
    """Remove from the state of `out` whatever was computed of barred videos: items and pictures of all steps, models'
    answers, downloads. The next build then writes a dataset without them. A person's own video file is never touched.

    Raises StorageError where another run is at work in the folder, InputError where it holds other results.
    """
    claim(out, "video_annotation")
    store = Store(out)
    found = [VideoFile.model_validate_json(text) for text in entered(store)] if barred else []
    meant = [video for video in found if barred_by(video, barred)]
    videos = {video.source.sha256 for video in meant}
    if not videos:
        return Removed(0, 0, 0, 0)
    replies = _replies(store.state, videos)
    copies = _downloads(store.state, videos | {video.transcript.sha256 for video in meant if video.transcript})
    return Removed(len(videos), erase(store, videos), replies, copies)


def _replies(state: Path, videos: set[str]) -> int:
    path = state / ASKED
    if not path.is_file():
        return 0
    rows = [line.partition(" ")[::2] for line in path.read_text(encoding="ascii").splitlines()]
    keys = {key for video, key in rows if video in videos}
    removed = ReplyStore(state / "replies.sqlite").forget(keys)
    write_whole(path, "".join(f"{video} {key}\n" for video, key in rows if video not in videos))
    return removed


def _downloads(state: Path, hashes: set[str]) -> int:
    """Copies of the files, and the notes of where they were from."""
    removed = 0
    for note in (state / "fetched").glob("*.*"):
        if note.suffix in (".json", ".site") and any(one in note.read_text(encoding="utf-8") for one in hashes):
            note.unlink()
    for sha256 in hashes:
        with suppress(FileNotFoundError):
            cached_copy(sha256).unlink()
            removed += 1
    return removed
