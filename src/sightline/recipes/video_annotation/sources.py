"""Videos and what lies beside them: subtitles (.srt, .vtt) and metadata (.info.json, as yt-dlp writes it)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sightline.core.sample import File, Rejected
from sightline.lm.cleaning import clean
from sightline.media import sniff
from sightline.pipeline import find_files
from sightline.pipeline.remote import is_remote
from sightline.pipeline.sources import local_path
from sightline.recipes.video_annotation.items import About, TranscriptFile, VideoFile

VIDEO_TYPES = frozenset(
    {
        "application/ogg", "video/mp2t", "video/mp4", "video/mpeg", "video/quicktime", "video/webm", "video/x-flv",
        "video/x-matroska", "video/x-ms-asf", "video/x-msvideo",
    }
)  # fmt: skip
BESIDE = (".srt", ".vtt", ".json")
"""Endings of files that accompany videos: no videos, and not refused as such."""
_LANGUAGE = re.compile(r"\.([a-z]{2,3})(?:-[A-Za-z0-9]+)*\.(?:srt|vtt)$")


def find_videos(paths: Sequence[str | Path], exclude: Sequence[str | Path] = ()) -> Iterator[VideoFile | Rejected]:
    """Videos under `paths`, by content. Refused: "not-a-video", "duplicate-file", "unreadable-file". Raises InputError
    as `find_files` does."""
    for one in find_files(paths, sniff, VIDEO_TYPES, "not-a-video", exclude):
        if isinstance(one, File):
            try:
                yield accompanied(one)
            except OSError as error:  # of what lies beside it
                yield Rejected(reason="unreadable-file", origin=one.source.name, evidence={"error": str(error)[:200]})
        elif not (one.reason == "not-a-video" and one.origin.lower().endswith(BESIDE)):
            yield one


def accompanied(file: File, about: About | None = None) -> VideoFile:
    """A file with its subtitles and metadata, where it lies on this machine beside them."""
    source = file.source
    if is_remote(source.uri):
        return VideoFile(source=source, about=about or About())
    here = Path(local_path(source))
    told, licence = _metadata(here)
    if source.licence is None and licence:
        source = source.model_copy(update={"licence": licence})
    return VideoFile(source=source, transcript=_transcript(here), about=about or told)


def _transcript(video: Path) -> TranscriptFile | None:
    """NAME.srt or NAME.vtt; else NAME.LANGUAGE.srt or .vtt, the first by name."""
    stem = video.name[: len(video.name) - len(video.suffix)]
    exact = [video.with_name(stem + ending) for ending in (".srt", ".vtt")]
    coded = sorted(
        path
        for path in video.parent.iterdir()
        if path.name.startswith(f"{stem}.") and _LANGUAGE.fullmatch(path.name, len(stem))
    )
    for path in (*exact, *coded):
        if path.is_file():
            return TranscriptFile(
                name=_shown(path.name),
                uri=_shown(str(path)),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                language="" if path in exact else language_of(path.name),
            )
    return None


def language_of(name: str) -> str:
    """Of a subtitle file by its name ("talk.ko.srt"); "" where it does not say."""
    match = _LANGUAGE.search(name)
    return match[1] if match else ""


def _metadata(video: Path) -> tuple[About, str]:
    path = video.with_suffix(".info.json")
    if not path.is_file():
        return About(), ""
    try:
        found = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return About(), ""
    return about_of(found if isinstance(found, dict) else {})


def about_of(found: dict[str, Any]) -> tuple[About, str]:
    """Metadata and licence from the names that yt-dlp gives them, or shorter ones; other types count as unknown."""

    def text(*names: str) -> str:
        value = next((found[name] for name in names if isinstance(found.get(name), str)), "")
        return clean(value)

    def number(*names: str) -> int:
        for name in names:
            try:
                return max(0, int(float(found.get(name) or "x")))
            except (TypeError, ValueError, OverflowError):
                continue
        return 0

    about = About(
        id=text("id"),
        url=text("webpage_url", "url"),
        title=text("title"),
        description=text("description"),
        channel=text("channel", "uploader"),
        language=text("language")[:2].lower(),
        views=number("view_count", "views"),
        likes=number("like_count", "likes"),
        comments=number("comment_count", "comments"),
        followers=number("channel_follower_count", "followers"),
    )
    return about, text("license", "licence")


def _shown(text: str) -> str:
    """JSON cannot hold lone surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace") if _odd(text) else text


def _odd(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)
