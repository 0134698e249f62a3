"""Lists of videos to fetch, and lists of videos that must not be used.

A manifest is a CSV, JSON Lines or Parquet file with one row per video. Needed: `url`. Read where there: `id`, `sha256`,
`licence`, `subtitles` (an address), `title`, `description`, `channel`, `views`, `likes`, `comments`, `followers`, and
the names that yt-dlp gives these.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError, Reject
from sightline.core.media import Source
from sightline.core.sample import Rejected
from sightline.media import sniff
from sightline.pipeline.remote import recorded
from sightline.pipeline.sources import HEAD
from sightline.recipes.video_annotation.fetching import FetchConfig, Fetched, Fetcher
from sightline.recipes.video_annotation.items import TranscriptFile, VideoFile
from sightline.recipes.video_annotation.sources import VIDEO_TYPES, about_of, find_videos

MANIFESTS = (".csv", ".jsonl", ".parquet")


def videos_of(
    paths: Sequence[str | Path], out: Path, *, takedown: str | Path | None = None, fetch: FetchConfig | None = None
) -> Iterator[VideoFile | Rejected]:
    """Videos of manifests among `paths`, and those under the other paths, less what `takedown` lists."""
    manifests = [Path(path) for path in paths if str(path).lower().endswith(MANIFESTS) and Path(path).is_file()]
    others = [path for path in paths if Path(path) not in manifests]
    rows = [row for path in manifests for row in read_manifest(path)]
    barred = read_takedown(takedown)
    found = find_videos(others, [out]) if others else iter(())
    return _allowed(found, rows, barred, Fetcher(out / ".sightline" / "fetched", fetch))


def _allowed(
    found: Iterator[VideoFile | Rejected], rows: list[dict[str, Any]], barred: frozenset[str], fetcher: Fetcher
) -> Iterator[VideoFile | Rejected]:
    for one in found:
        yield _judged(one, barred)
    for row in rows:
        named = {str(row.get(name) or "") for name in ("id", "url", "sha256")} | {recorded(str(row["url"]))}
        if named & barred:  # not even fetched
            yield _taken_down(str(row.get("id") or row["url"]), named & barred)
        else:
            yield _judged(fetched_video(row, fetcher), barred)


def _judged(one: VideoFile | Rejected, barred: frozenset[str]) -> VideoFile | Rejected:
    if isinstance(one, Rejected):
        return one
    named = {one.source.sha256, one.source.uri, one.source.name, one.about.id, one.about.url} - {""}
    return _taken_down(one.source.name, named & barred) if named & barred else one


def _taken_down(origin: str, by: set[str]) -> Rejected:
    return Rejected(reason="taken-down", origin=origin, evidence={"listed": sorted(by)})


def read_takedown(path: str | Path | None) -> frozenset[str]:
    """One id, address, file name or SHA-256 per line; `#` begins a remark. Raises InputError."""
    if path is None:
        return frozenset()
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the takedown list cannot be read", subject=path, remedy=str(error)) from error
    return frozenset(line.partition(" #")[0].strip() for line in lines if line.strip() and not line.startswith("#"))


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """Its rows. Raises InputError where it cannot be read or a row has no `url`."""
    try:
        rows = _rows(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError("the manifest cannot be read", subject=path, remedy=str(error)[:200]) from error
    for number, row in enumerate(rows, 1):
        url = row.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise InputError("a manifest's row needs an http address in `url`", subject=f"{path} row {number}")
    return rows


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix.lower() == ".parquet":
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("each line must be an object")
    return rows


def fetched_video(row: dict[str, Any], fetcher: Fetcher) -> VideoFile | Rejected:
    """A manifest's row as a video, or the reason why not: one line of the failure log."""
    url, name = str(row["url"]), str(row.get("id") or recorded(str(row["url"])))
    try:
        fetched = fetcher.fetch(url, str(row.get("sha256") or ""))
        subtitles = _subtitles(str(row.get("subtitles") or ""), fetcher)
    except Reject as refused:
        return Rejected(reason=refused.reason, origin=name, evidence=dict(refused.evidence))
    with fetched.path.open("rb") as file:
        media_type = sniff(file.read(HEAD))
    if media_type not in VIDEO_TYPES:
        return Rejected(reason="not-a-video", origin=name, evidence={"media_type": media_type, "size": fetched.size})
    about, licence = about_of(row)
    source = Source(
        name=_file_name(url),
        uri=recorded(url),
        sha256=fetched.sha256,
        media_type=media_type,
        size=fetched.size,
        licence=licence or None,
    )
    return VideoFile(source=source, transcript=subtitles, about=about.model_copy(update={"url": recorded(url)}))


def _subtitles(url: str, fetcher: Fetcher) -> TranscriptFile | None:
    if not url:
        return None
    fetched: Fetched = fetcher.fetch(url)
    return TranscriptFile(name=_file_name(url), uri=str(fetched.path), sha256=fetched.sha256)


def _file_name(url: str) -> str:
    return recorded(url).rstrip("/").rpartition("/")[2] or "video"
