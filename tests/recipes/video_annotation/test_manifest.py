"""Fetching from a server that drops, throttles, lies and forbids."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sightline.core.errors import InputError, Reject, StorageError
from sightline.core.fingerprint import fingerprint
from sightline.core.sample import Rejected
from sightline.lm import Scripted
from sightline.pipeline.remote import recorded
from sightline.recipes.document_qa import build_documents
from sightline.recipes.video_annotation.build import build_videos
from sightline.recipes.video_annotation.config import WatchConfig
from sightline.recipes.video_annotation.fetching import FetchConfig, Fetcher
from sightline.recipes.video_annotation.items import VideoFile
from sightline.recipes.video_annotation.manifest import read_manifest, videos_of
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.sources import find_videos
from sightline.recipes.video_annotation.watching import Watch

FAST = FetchConfig(pause=0.01, requests_per_second=1000, timeout=5, attempts=3)


class Server:
    """Serves one body under paths that each misbehave in one way."""

    def __init__(self, body: bytes, subtitles: bytes = b"") -> None:
        self.body, self.subtitles = body, subtitles
        self.asked: Counter[str] = Counter()
        self.ranges: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked[self.path] += 1
                outer.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        kind = to.path.strip("/").split("?")[0].split("/")[0]
        body, start = (self.subtitles if kind == "subtitles" else self.body), 0
        wanted = to.headers.get("Range")
        self.ranges.append(wanted)
        if kind == "missing":
            to.send_error(404)
            return
        if kind == "moody" and self.asked[to.path] < 3:
            to.send_error(503)
            return
        if wanted and kind not in ("norange", "forgetful"):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                to.send_error(416)
                return
            to.send_response(206)
            to.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            to.send_response(200)
        piece = body[start:]
        claimed = len(piece) + (1000 if kind == "liar" else 0)
        to.send_header("Content-Length", str(claimed))
        if kind != "nameless":
            to.send_header("ETag", f'"{self.asked[to.path]}"' if kind == "forgetful" else '"one"')
        to.end_headers()
        dropping = kind in ("drops", "norange", "forgetful", "nameless") and self.asked[to.path] < 4
        third = kind in ("drops", "nameless")
        to.wfile.write(piece[: -(-len(body) // 3)] if dropping and third else piece[:7000] if dropping else piece)
        if dropping or kind == "liar":
            to.close_connection = True


@pytest.fixture
def server(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    videos = samples / "videos"
    made = Server((videos / "webb_narration_13s.mp4").read_bytes(), (videos / "webb_narration_13s.srt").read_bytes())
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("kind", ["good", "drops", "norange", "forgetful", "moody"])
def test_the_file_arrives_whole(server: Server, tmp_path: Path, kind: str) -> None:
    config = FAST.model_copy(update={"attempts": 6})
    fetched = Fetcher(tmp_path / "state", config).fetch(f"{server.url}/{kind}/a.mp4")
    assert fetched.path.read_bytes() == server.body
    assert fetched.sha256 == hashlib.sha256(server.body).hexdigest()
    if kind == "drops":
        assert server.asked["/drops/a.mp4"] == 3
        third = -(-len(server.body) // 3)
        assert server.ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"]


def test_pieces_that_nobody_vouches_for_are_joined_only_under_a_checksum(server: Server, tmp_path: Path) -> None:
    third, sha256 = -(-len(server.body) // 3), hashlib.sha256(server.body).hexdigest()
    Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/nameless/a.mp4", sha256)
    assert server.ranges == [None, f"bytes={third}-", f"bytes={2 * third}-"]
    server.ranges.clear()
    Fetcher(tmp_path / "other", FAST.model_copy(update={"attempts": 6})).fetch(f"{server.url}/nameless/b.mp4")
    assert set(server.ranges) == {None}


def test_a_piece_as_long_as_the_file_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(server.body).hexdigest()
    fetcher, url = Fetcher(tmp_path / "state", FAST), f"{server.url}/good/a.mp4"
    (tmp_path / "state").mkdir()
    piece = tmp_path / "state" / f"{fingerprint(recorded(url) + sha256)}.part"
    piece.write_bytes(bytes(len(server.body)))  # killed before its hash was looked at
    assert fetcher.fetch(url, sha256).path.read_bytes() == server.body
    assert server.ranges == [f"bytes={len(server.body)}-", None]


def test_the_cache_of_files_may_be_on_another_disk(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, replace = os.rename, os.replace

    def across(move: Callable[[Path, Path], None], source: Path, target: Path) -> None:
        if ("cache" in Path(source).parts) != ("cache" in Path(target).parts):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        move(source, target)

    monkeypatch.setattr(os, "rename", partial(across, rename))
    monkeypatch.setattr(os, "replace", partial(across, replace))
    fetched = Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/good/a.mp4")
    assert fetched.path.read_bytes() == server.body
    assert [path.name for path in fetched.path.parent.iterdir()] == [fetched.sha256]


def test_a_full_disk_is_said_and_no_fault_of_the_video(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Fetcher, "_copied", full)
    with pytest.raises(StorageError):
        Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/good/a.mp4")


def test_an_address_in_any_script_is_fetched(server: Server, tmp_path: Path) -> None:
    Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/good/비디오 1.mp4?a=%20b&c=d")
    assert list(server.asked) == ["/good/%EB%B9%84%EB%94%94%EC%98%A4%201.mp4?a=%20b&c=d"]


def test_nothing_is_asked_twice(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/good/a.mp4")
    assert server.asked.total() == 1


@pytest.mark.parametrize(("kind", "tries"), [("missing", 1), ("liar", None)])
def test_failures_are_named(server: Server, tmp_path: Path, kind: str, tries: int | None) -> None:
    with pytest.raises(Reject) as refused:
        Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/{kind}/a.mp4?secret=1")
    assert refused.value.reason == "not-fetched"
    assert "secret" not in str(refused.value.evidence)
    assert tries is None or server.asked.total() == tries
    assert refused.value.evidence["attempts"] == server.asked.total()


def test_wrong_checksum(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Reject) as refused:
        Fetcher(tmp_path / "state", FAST).fetch(f"{server.url}/good/a.mp4", "0" * 64)
    assert refused.value.reason == "wrong-checksum"


def test_pace(server: Server, tmp_path: Path) -> None:
    import time

    slow = FAST.model_copy(update={"bytes_per_second": len(server.body) / 0.4})
    began = time.monotonic()
    Fetcher(tmp_path / "state", slow).fetch(f"{server.url}/good/a.mp4")
    assert time.monotonic() - began > 0.3


def rows_of(server: Server) -> list[dict[str, str]]:
    return [
        {"id": "one", "url": f"{server.url}/good/one.mp4", "subtitles": f"{server.url}/subtitles/one.srt",
         "licence": "CC-BY-4.0", "channel": "Sample Channel", "views": "7"},
        {"id": "two", "url": f"{server.url}/missing/two.mp4"},
        {"id": "three", "url": f"{server.url}/subtitles/three.mp4"},
        {"id": "four", "url": f"{server.url}/drops/four.mp4"},
    ]  # fmt: skip


def write(rows: list[dict[str, str]], path: Path) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, sorted({name for row in rows for name in row}))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        names = sorted({name for row in rows for name in row})
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), path)
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_manifest_and_takedown(server: Server, tmp_path: Path, ending: str) -> None:
    manifest = write(rows_of(server), tmp_path / f"list.{ending}")
    takedown = tmp_path / "takedown.txt"
    takedown.write_text("# asked by their maker\nfour\n")
    found = list(videos_of([manifest], tmp_path / "out", takedown=takedown, fetch=FAST))
    one = found[0]
    assert isinstance(one, VideoFile)
    assert (one.source.licence, one.about.channel, one.about.views, one.about.id) == (
        "CC-BY-4.0", "Sample Channel", 7, "one",
    )  # fmt: skip
    assert one.transcript is not None
    refused = [(row.origin, row.reason) for row in found[1:] if isinstance(row, Rejected)]
    assert refused == [("two", "not-fetched"), ("three", "not-a-video"), ("four", "taken-down")]
    assert server.asked["/drops/four.mp4"] == 0


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_row_without_an_address_is_refused_alone(server: Server, tmp_path: Path, ending: str) -> None:
    rows = [{"id": "one", "url": f"{server.url}/good/one.mp4"}, {"id": "two", "url": "ftp://x"}, {"id": "", "url": ""}]
    manifest = write(rows, tmp_path / f"list.{ending}")
    found = list(videos_of([manifest], tmp_path / "out", fetch=FAST))
    assert sum(isinstance(one, VideoFile) for one in found) == 1
    refused = [(row.reason, row.origin) for row in found if isinstance(row, Rejected)]
    assert refused == [("no-address", "two"), ("no-address", f"list.{ending} row 3")]


def test_the_bad_line_of_a_manifest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"url": "http://x"}\n\n{"url": "http')
    with pytest.raises(InputError, match="line 3"):
        read_manifest(path)


@pytest.mark.parametrize("text", ["id,link\n1,http://x", "url\nftp://x", "url\n/etc/passwd"])
def test_broken_manifests(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text)
    with pytest.raises(InputError):
        read_manifest(path)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("open.csv", 'url,title\nhttp://x/a.mp4,"never closed\nhttp://x/b.mp4,two\n', "unexpected end of data"),
        ("long.csv", f'url,title\nhttp://x/a.mp4,"{"b" * 140_000}"\n', "field larger than field limit"),
        ("deep.jsonl", "[" * 100_000, "recursion"),
    ],
)
def test_a_manifest_that_swallows_its_rows_is_an_error(tmp_path: Path, name: str, text: str, why: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        read_manifest(path)


def test_half_a_letter_in_a_manifest_is_read_as_its_stand_in(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"url": "http://x/a.mp4", "title": "cut \\ud83d"}\n')
    assert read_manifest(path) == [{"url": "http://x/a.mp4", "title": "cut \ufffd"}]
    path = tmp_path / "list.csv"
    path.write_text("url,title\nhttp://x/a.mp4,one,too,many\n")
    assert read_manifest(path)[0]["title"] == "one"


def test_the_same_bytes_under_two_addresses_are_one_video(server: Server, tmp_path: Path) -> None:
    rows = [{"url": f"{server.url}/good/one.mp4"}, {"url": f"{server.url}/good/again.mp4"}]
    first, second = videos_of([write(rows, tmp_path / "list.csv")], tmp_path / "out", fetch=FAST)
    assert isinstance(first, VideoFile)
    assert isinstance(second, Rejected)
    assert (second.reason, second.origin) == ("duplicate-file", rows[1]["url"])
    assert second.evidence == {"same_as": rows[0]["url"]}


def test_subtitles_belong_to_the_video_whose_name_they_bear(samples: Path, tmp_path: Path) -> None:
    names = ("talk.mp4", "talk.part2.mp4")
    for name, sample in zip(names, ("street_scenes_10s.mp4", "webb_narration_13s.mp4"), strict=True):
        shutil.copy(samples / "videos" / sample, tmp_path / name)
    shutil.copy(samples / "videos" / "webb_narration_13s.srt", tmp_path / "talk.part2.en.srt")
    (tmp_path / "talk.info.json").write_text('{"title": "cut \\ud83d"}')
    one, two = find_videos([tmp_path])
    assert isinstance(one, VideoFile)
    assert isinstance(two, VideoFile)
    assert one.transcript is None
    assert one.about.title == "cut \ufffd"
    assert two.transcript is not None
    assert two.transcript.language == "en"


def test_three_letters_in_a_subtitle_name_are_no_two_letter_code(samples: Path, tmp_path: Path) -> None:
    shutil.copy(samples / "videos" / "webb_narration_13s.mp4", tmp_path / "talk.mp4")
    shutil.copy(samples / "videos" / "webb_narration_13s.srt", tmp_path / "talk.swe.srt")
    (one,) = find_videos([tmp_path])
    assert isinstance(one, VideoFile)
    (watched,) = Watch(WatchConfig())(one)
    assert (watched.words_from, watched.language) == ("file:talk.swe.srt", "en")  # not Swahili


@pytest.mark.parametrize("kind", [str, Path])
def test_one_path_need_not_be_a_list(tmp_path: Path, kind: type) -> None:
    gone = kind(tmp_path / "gone")
    with pytest.raises(InputError, match=r"no such file or folder.*gone"):
        build_documents(gone, tmp_path / "documents")
    with pytest.raises(InputError, match=r"no such file or folder.*gone"):
        build_videos(gone, tmp_path / "videos", Models(Scripted(lambda _: "")))


def test_subtitles_that_cannot_be_read_refuse_their_video(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(samples / "videos" / "street_scenes_10s.mp4", tmp_path / "talk.mp4")
    (tmp_path / "talk.srt").write_text("1")
    whole = Path.read_bytes

    def forbidden(path: Path) -> bytes:
        if path.suffix == ".srt":
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    (one,) = find_videos([tmp_path])
    assert isinstance(one, Rejected)
    assert one.reason == "unreadable-file"
    assert "talk.srt" in one.evidence["error"]


def test_takedown_by_hash_of_a_local_file(samples: Path, tmp_path: Path) -> None:
    path = samples / "videos" / "street_scenes_10s.mp4"
    takedown = tmp_path / "list.txt"
    takedown.write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    (one,) = videos_of([path], tmp_path / "out", takedown=takedown)
    assert isinstance(one, Rejected)
    assert one.reason == "taken-down"
