"""Video sites through the port: yt-dlp on a page of a local server, and an extractor that a script plays."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sightline.core import door
from sightline.core.errors import MissingExtra, Reject
from sightline.core.sample import Rejected
from sightline.recipes.video_annotation.fetching import FetchConfig
from sightline.recipes.video_annotation.items import VideoFile
from sightline.recipes.video_annotation.manifest import videos_of
from sightline.recipes.video_annotation.sites import Downloaded, YtDlp

FAST = FetchConfig(pause=0.01, requests_per_second=1000, timeout=5, attempts=1)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Played:
    """Gives the same clip for each page, with subtitles and what a site says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def download(self, url: str, folder: Path) -> Downloaded:
        self.asked += 1
        if "gone" in url:
            raise Reject("not-fetched", url=url, error="this video is private")
        video = Path(shutil.copy(self.folder / "webb_narration_13s.mp4", folder / "video.mp4"))
        words = Path(shutil.copy(self.folder / "webb_narration_13s.vtt", folder / "video.ko.vtt"))
        about = {"id": "abc", "title": "제목", "channel": "A channel", "view_count": 7, "webpage_url": url,
                 "license": "CC-BY-4.0", "formats": [1] * 10}  # fmt: skip
        return Downloaded(video, about, words)


def test_pages_become_videos_and_none_is_asked_twice(tmp_path: Path, samples: Path) -> None:
    manifest = tmp_path / "pages.jsonl"
    rows = [{"id": "one", "url": "https://site.example/watch?v=abc", "channel": "Ours"},
            {"id": "two", "url": "https://site.example/gone"}]  # fmt: skip
    manifest.write_text("\n".join(map(json.dumps, rows)))
    site = Played(samples / "videos")
    for _ in range(2):
        video, refused = videos_of([manifest], tmp_path / "out", site=site)
    assert isinstance(video, VideoFile)
    assert (video.about.title, video.about.views, video.about.channel) == ("제목", 7, "Ours")
    assert (video.source.uri, video.source.licence) == ("https://site.example/watch?v=abc", "CC-BY-4.0")
    assert video.transcript is not None
    assert video.transcript.language == "ko"
    assert isinstance(refused, Rejected)
    assert (refused.origin, refused.reason) == ("two", "not-fetched")
    assert site.asked == 3  # the page that failed is asked again


def test_yt_dlp_on_a_local_page(tmp_path: Path, samples: Path) -> None:
    pytest.importorskip("yt_dlp")
    served = tmp_path / "served"
    served.mkdir()
    shutil.copy(samples / "videos" / "street_scenes_10s.mp4", served / "clip.mp4")
    shutil.copy(samples / "videos" / "webb_narration_13s.mp4", served / "other.mp4")
    source = '<source src="clip.mp4" type="video/mp4">'
    (served / "page.html").write_text(f"<html><head><title>A page</title></head><body><video>{source}</video></body>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    manifest = tmp_path / "pages.csv"
    manifest.write_text(f"id,url\npage,{here}/page.html\nfile,{here}/other.mp4\nnone,{here}/none.html\n")
    try:
        page, file, none = videos_of([manifest], tmp_path / "out", site=YtDlp(FAST))
    finally:
        server.shutdown()
        server.server_close()
    for one, name in ((page, "clip.mp4"), (file, "other.mp4")):
        assert isinstance(one, VideoFile)
        assert one.source.size == (served / name).stat().st_size
    assert isinstance(none, Rejected)
    assert none.reason == "not-fetched"
    assert "404" in none.evidence["error"]


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(door.importlib, "import_module", missing)
    with pytest.raises(MissingExtra, match=r"\[sites\]"):
        YtDlp()
