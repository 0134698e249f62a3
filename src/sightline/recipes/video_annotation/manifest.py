"""Lists of videos to fetch, and lists of videos that must not be used.

A manifest is a CSV, JSON Lines or Parquet file with one row per video. Needed: `url`. Read where there: `id`, `sha256`,
`licence`, `subtitles` (an address), `title`, `description`, `channel`, `views`, `likes`, `comments`, `followers`, and
the names that yt-dlp gives these.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError, Reject
from sightline.core.media import Source
from sightline.core.sample import Rejected
from sightline.lm.cleaning import cleaned
from sightline.media import sniff
from sightline.pipeline.remote import recorded
from sightline.pipeline.sources import HEAD
from sightline.recipes.video_annotation.fetching import FetchConfig, Fetched, Fetcher
from sightline.recipes.video_annotation.items import TranscriptFile, VideoFile
from sightline.recipes.video_annotation.sites import Site, from_site
from sightline.recipes.video_annotation.sources import VIDEO_TYPES, about_of, find_videos, language_of
from sightline.recipes.video_annotation.takedown import barred_by, read_takedown

MANIFESTS = (".csv", ".jsonl", ".parquet")
Got = Callable[[dict[str, Any]], VideoFile | Rejected]
"""A manifest's row -> its video, or why not."""


def videos_of(
    paths: Sequence[str | Path],
    out: Path,
    *,
    takedown: str | Path | None = None,
    fetch: FetchConfig | None = None,
    site: Site | None = None,
) -> Iterator[VideoFile | Rejected]:
    """Videos of manifests among `paths`, and those under the other paths, less what `takedown` lists. With `site`,
    manifests name pages of video sites, not files."""
    found, rows = _told(paths, out)
    barred = read_takedown(takedown)
    folder = out / ".sightline" / "fetched"
    fetcher = Fetcher(folder, fetch)
    got = partial(fetched_video, fetcher=fetcher) if site is None else partial(site_video, site=site, folder=folder)
    return _allowed(found, rows, barred, got)


def unfetched(
    paths: Sequence[str | Path], out: Path, *, takedown: str | Path | None = None
) -> tuple[Iterator[VideoFile | Rejected], list[dict[str, Any]]]:
    """For a forecast: videos of this machine, and manifests' rows as they are; less what `takedown` lists."""
    found, rows = _told(paths, out)
    barred = read_takedown(takedown)
    return (_judged(one, barred) for one in found), [row for row in rows if not _named(row) & barred]


def _told(paths: Sequence[str | Path], out: Path) -> tuple[Iterator[VideoFile | Rejected], list[dict[str, Any]]]:
    manifests = [Path(path) for path in paths if str(path).lower().endswith(MANIFESTS) and Path(path).is_file()]
    others = [path for path in paths if Path(path) not in manifests]
    found = find_videos(others, [out]) if others else iter(())
    rows, refused = list[dict[str, Any]](), list[Rejected]()
    for path in manifests:
        for number, row in enumerate(read_manifest(path), 1):
            if _addressed(row):
                rows.append(row)
            else:
                name = str(row.get("id") or f"{path.name} row {number}")
                refused.append(Rejected(reason="no-address", origin=name, evidence={"url": str(row.get("url"))[:200]}))
    return chain(found, refused), rows


def _addressed(row: dict[str, Any]) -> bool:
    url = row.get("url")
    return isinstance(url, str) and url.startswith(("http://", "https://"))


def _named(row: dict[str, Any]) -> set[str]:
    return {str(row.get(name) or "") for name in ("id", "url", "sha256")} | {recorded(str(row["url"]))}


def _allowed(
    found: Iterator[VideoFile | Rejected], rows: list[dict[str, Any]], barred: frozenset[str], got: Got
) -> Iterator[VideoFile | Rejected]:
    seen: dict[str, str] = {}
    for one in found:
        if isinstance(one, VideoFile):
            seen[one.source.sha256] = one.source.name
        yield _judged(one, barred)
    for row in rows:
        if listed := _named(row) & barred:  # not even fetched
            yield _taken_down(str(row.get("id") or row["url"]), listed)
            continue
        video = got(row)
        if isinstance(video, VideoFile):
            name = video.about.url or video.source.name
            if (first := seen.get(video.source.sha256)) is not None:
                yield Rejected(reason="duplicate-file", origin=name, evidence={"same_as": first})
                continue
            seen[video.source.sha256] = name
        yield _judged(video, barred)


def _judged(one: VideoFile | Rejected, barred: frozenset[str]) -> VideoFile | Rejected:
    if isinstance(one, Rejected):
        return one
    listed = barred_by(one, barred)
    return _taken_down(one.source.name, listed) if listed else one


def _taken_down(origin: str, by: Collection[str]) -> Rejected:
    return Rejected(reason="taken-down", origin=origin, evidence={"listed": sorted(by)})


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """Its rows. Raises InputError where it cannot be read or no row has an http address in `url`."""
    try:
        rows: list[dict[str, Any]] = cleaned(_rows(path))
    except (OSError, ValueError, RecursionError, csv.Error, pa.ArrowException) as error:
        raise InputError("the manifest cannot be read", subject=path, remedy=str(error)[:200]) from error
    if not any(map(_addressed, rows)):
        raise InputError("no row of the manifest has an http address in `url`", subject=path)
    return rows


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix.lower() == ".parquet":
        found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return found
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".csv":
        return list(csv.DictReader(io.StringIO(text), restkey="", strict=True))
    return [_object(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {number} is no object")
    return row


def fetched_video(row: dict[str, Any], fetcher: Fetcher) -> VideoFile | Rejected:
    """A manifest's row as a video, or the reason why not: one line of the failure log."""
    url, name = str(row["url"]), str(row.get("id") or recorded(str(row["url"])))
    try:
        fetched = fetcher.fetch(url, str(row.get("sha256") or ""))
        subtitles = _subtitles(str(row.get("subtitles") or ""), fetcher)
    except Reject as refused:
        return Rejected(reason=refused.reason, origin=name, evidence=dict(refused.evidence))
    about, licence = about_of(row)
    media_type = _media_type(fetched)
    if media_type not in VIDEO_TYPES:
        return Rejected(reason="not-a-video", origin=name, evidence={"media_type": media_type, "size": fetched.size})
    source = _source(_file_name(url), recorded(url), fetched, licence)
    return VideoFile(source=source, transcript=subtitles, about=about.model_copy(update={"url": recorded(url)}))


def site_video(row: dict[str, Any], site: Site, folder: Path) -> VideoFile | Rejected:
    """As `fetched_video`, from a page; what the manifest says of a video counts more than what the site says."""
    url = str(row["url"])
    name = str(row.get("id") or recorded(url))
    try:
        got = from_site(url, site, folder)
    except Reject as refused:
        return Rejected(reason=refused.reason, origin=name, evidence=dict(refused.evidence))
    media_type = _media_type(got.file)
    if media_type not in VIDEO_TYPES:
        return Rejected(reason="not-a-video", origin=name, evidence={"media_type": media_type, "size": got.file.size})
    about, licence = about_of(got.about | {key: value for key, value in row.items() if value not in (None, "")})
    words = None
    if got.subtitles is not None:
        language = language_of(got.subtitles_name)
        words = TranscriptFile(
            name=got.subtitles_name, uri=str(got.subtitles.path), sha256=got.subtitles.sha256, language=language
        )
    source = _source(got.name, got.page, got.file, licence)
    return VideoFile(source=source, transcript=words, about=about.model_copy(update={"url": got.page}))


def _media_type(fetched: Fetched) -> str:
    with fetched.path.open("rb") as file:
        return sniff(file.read(HEAD))


def _source(name: str, uri: str, fetched: Fetched, licence: str) -> Source:
    return Source(
        name=name,
        uri=uri,
        sha256=fetched.sha256,
        media_type=_media_type(fetched),
        size=fetched.size,
        licence=licence or None,
    )


def _subtitles(url: str, fetcher: Fetcher) -> TranscriptFile | None:
    if not url:
        return None
    fetched: Fetched = fetcher.fetch(url)
    return TranscriptFile(name=_file_name(url), uri=str(fetched.path), sha256=fetched.sha256)


def _file_name(url: str) -> str:
    return recorded(url).rstrip("/").rpartition("/")[2] or "video"
