"""Videos of video sites, through a port: an address of a page in; a file, its metadata and its subtitles out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from sightline.core.door import require
from sightline.core.errors import Reject
from sightline.core.fingerprint import fingerprint
from sightline.lm.cleaning import cleaned
from sightline.pipeline.remote import recorded
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.video_annotation.fetching import FetchConfig, Fetched, digest, keep

SUBTITLES = (".srt", ".vtt")


class Downloaded(NamedTuple):
    """What a site gave, in the folder that was named."""

    video: Path
    about: dict[str, Any]
    """Metadata under yt-dlp's names."""
    subtitles: Path | None


class Site(Protocol):
    """Downloads from pages."""

    def download(self, url: str, folder: Path) -> Downloaded:
        """The page's video into `folder`. Raises Reject "not-fetched"."""


class YtDlp:
    """yt-dlp (the extra "sites"): MP4 of at most 720 lines where there is one, subtitles of `languages`, made by people
    first, continued where it broke off. Proxies are taken from the environment.

    Raises MissingExtra where it is not installed.
    """

    def __init__(self, config: FetchConfig | None = None, languages: tuple[str, ...] = ("en", "ko")) -> None:
        self._config, self._languages = config or FetchConfig(), languages
        self._module = require("yt_dlp", "sites")

    def options(self, folder: Path) -> dict[str, Any]:
        """For yt_dlp.YoutubeDL; the retries, pace and sizes of `FetchConfig` under its names."""
        config = self._config
        return {
            "quiet": True,
            "no_warnings": True,
            "noprogress": True,
            "noplaylist": True,
            "format": "best[height<=720][ext=mp4]/best[height<=720]/best",
            "outtmpl": str(folder / "video.%(ext)s"),
            "writesubtitles": True,
            "writeautomaticsub": True,
            "subtitleslangs": list(self._languages),
            "subtitlesformat": "vtt/srt",
            "retries": config.attempts,
            "fragment_retries": config.attempts,
            "socket_timeout": config.timeout,
            "sleep_interval_requests": 1 / config.requests_per_second,
            "ratelimit": config.bytes_per_second,
            "max_filesize": config.max_bytes,
            "cachedir": False,
        }

    def download(self, url: str, folder: Path) -> Downloaded:
        try:
            with self._module.YoutubeDL(self.options(folder)) as ydl:
                about = ydl.sanitize_info(ydl.extract_info(url, download=True))
        except self._module.utils.YoutubeDLError as error:
            raise Reject("not-fetched", url=recorded(url), error=str(error)[:200]) from error
        found = sorted(path for path in folder.iterdir() if path.suffix not in (*SUBTITLES, ".part", ".ytdl"))
        if not found:
            raise Reject("not-fetched", url=recorded(url), error="the page gave no file", limit=self._config.max_bytes)
        subtitles = sorted(path for path in folder.iterdir() if path.suffix in SUBTITLES)
        return Downloaded(found[0], about, subtitles[0] if subtitles else None)


class FromSite(BaseModel):
    """A download that was kept: the note that spares asking again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Fetched
    name: str
    page: str
    """Address to record."""
    about: dict[str, Any]
    subtitles: Fetched | None
    subtitles_name: str = ""


KEPT = (
    "id", "title", "description", "channel", "uploader", "language", "license", "webpage_url", "view_count",
    "like_count", "comment_count", "channel_follower_count", "duration",
)  # fmt: skip
"""Of the metadata; the rest of what sites tell is large and nobody's business."""


def from_site(url: str, site: Site, folder: Path) -> FromSite:
    """Download to the cache of files; nothing is asked where an earlier run did it. Raises Reject "not-fetched"."""
    note = folder / f"{fingerprint(['site', url])}.site"
    if note.is_file():
        known = FromSite.model_validate_json(note.read_text(encoding="utf-8"))
        if all(one.path.is_file() for one in (known.file, known.subtitles) if one is not None):
            return known
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="site-") as place:
        got = site.download(url, Path(place))
        got = got._replace(about=cleaned(got.about))
        made = FromSite(
            file=_kept(got.video),
            name=f"{got.about.get('id') or 'video'}{got.video.suffix}",
            page=str(got.about.get("webpage_url") or recorded(url)),
            about={name: got.about[name] for name in KEPT if name in got.about},
            subtitles=None if got.subtitles is None else _kept(got.subtitles),
            subtitles_name="" if got.subtitles is None else got.subtitles.name,
        )
    write_whole(note, made.model_dump_json())
    return made


def _kept(path: Path) -> Fetched:
    return keep(path, *digest(path))
