"""What a person may point at, and what files may be like."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import sys
import threading
import zipfile
from pathlib import Path

import fsspec
import pytest

from sightline.core.errors import InputError, MissingExtra
from sightline.core.sample import File, Rejected
from sightline.pipeline.remote import recorded
from sightline.pipeline.sources import find_files, local_path


def sniff(head: bytes) -> str:
    return "application/pdf" if head.startswith(b"%PDF") else "application/octet-stream"


def find(*paths: str | Path, exclude: tuple[Path, ...] = ()) -> list[File | Rejected]:
    return list(find_files(paths, sniff, {"application/pdf"}, "not-a-pdf", exclude))


def names(found: list[File | Rejected]) -> list[str]:
    return [row.source.name if isinstance(row, File) else f"{row.reason}: {row.origin}" for row in found]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def write(folder: Path, **files: bytes) -> None:
    for name, data in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".pdf").write_bytes(data)


def test_a_folder_is_read_with_all_below_sorted_by_path(tmp_path: Path) -> None:
    write(tmp_path, b=b"%PDF b", a__z=b"%PDF z", a__c=b"%PDF c", n=b"no", __hidden=b"")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.pdf").write_bytes(b"%PDF hidden")
    found = find(tmp_path)
    assert names(found) == ["c.pdf", "z.pdf", "b.pdf", "not-a-pdf: n.pdf"]
    assert isinstance(found[0], File)
    data = b"%PDF c"
    assert found[0].source.model_dump() == {
        "name": "c.pdf",
        "uri": str(tmp_path / "a/c.pdf"),
        "sha256": hashlib.sha256(data).hexdigest(),
        "media_type": "application/pdf",
        "size": len(data),
        "licence": None,
    }
    assert isinstance(found[3], Rejected)
    assert found[3].evidence["media_type"] == "application/octet-stream"


def test_files_folders_and_patterns_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, one__a=b"%PDF a", one__b=b"%PDF b", two__c=b"%PDF c", three__d=b"%PDF d")
    monkeypatch.chdir(tmp_path)
    assert names(find("two/c.pdf", "one", "th*")) == ["c.pdf", "a.pdf", "b.pdf", "d.pdf"]
    assert names(find("**/*.pdf")) == ["a.pdf", "b.pdf", "d.pdf", "c.pdf"]
    assert [row.source.uri for row in find("two/c.pdf") if isinstance(row, File)] == [str(tmp_path / "two/c.pdf")]


def test_a_name_with_pattern_signs_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "report [1].pdf").write_bytes(b"%PDF")
    assert names(find(tmp_path / "report [1].pdf")) == ["report [1].pdf"]


def test_the_same_bytes_twice_are_read_once(tmp_path: Path) -> None:
    write(tmp_path, a=b"%PDF same", b=b"%PDF other", c=b"%PDF same")
    first, _, double = find(tmp_path)
    assert isinstance(first, File)
    assert isinstance(double, Rejected)
    assert (double.reason, double.origin, double.evidence["same_as"]) == ("duplicate-file", "c.pdf", first.source.uri)
    assert names(find(tmp_path / "a.pdf", tmp_path / "a.pdf")) == ["a.pdf", "duplicate-file: a.pdf"]


def test_a_name_that_is_not_utf_8_can_be_shown_stored_and_opened(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xb0\xa1 caf\xe9.pdf"
    with open(raw, "wb") as file:
        file.write(b"%PDF old")
    (found,) = find(tmp_path)
    assert isinstance(found, File)
    assert found.source.name == "\\xb0\\xa1 caf\\xe9.pdf"
    assert File.model_validate_json(found.model_dump_json()) == found
    with open(local_path(found.source), "rb") as file:
        assert file.read() == b"%PDF old"
    assert names(find(os.fsdecode(raw))) == [found.source.name]
    assert names(find(found.source.uri)) == [found.source.name]


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a b.pdf").write_bytes(b"%PDF")
    (found,) = find(f"file://{tmp_path}/a%20b.pdf")
    assert isinstance(found, File)
    assert local_path(found.source) == found.source.uri == str(tmp_path / "a b.pdf")


def test_links_pipes_and_unreadable_files(tmp_path: Path) -> None:
    write(tmp_path, a__x=b"%PDF x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "gone.pdf").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "a" / "pipe.pdf")
    found = find(tmp_path)
    assert names(found) == ["unreadable-file: gone.pdf", "unreadable-file: pipe.pdf", "x.pdf"]
    assert [row.evidence["error"] for row in found if isinstance(row, Rejected)] == [
        "No such file or directory",
        "not a regular file",
    ]


def test_the_results_folder_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, a=b"%PDF a", out__b=b"%PDF b")
    assert names(find(tmp_path, exclude=(tmp_path / "out", tmp_path / "not-there"))) == ["a.pdf"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("empty", "no file in the folder"),
        ("missing.pdf", "no such file or folder"),
        ("*.tiff", "nothing matches the pattern"),
        ("memory://nothing/there", "no file there"),
        ("nonsense://x/y", "unknown kind of URL"),
    ],
)
def test_a_wrong_path_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=says):
        find(path)


def test_a_protocol_without_its_package_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match="s3fs"):
        find("s3://bucket/reports")


@pytest.fixture
def memory() -> fsspec.AbstractFileSystem:
    files = fsspec.filesystem("memory")
    files.pipe({"/box/b.pdf": b"%PDF b", "/box/deep/a.pdf": b"%PDF a", "/box/n.txt": b"no"})
    return files


def test_a_url_is_listed_copied_once_and_opened_from_the_copy(memory: fsspec.AbstractFileSystem, cache: Path) -> None:
    found = find("memory://box")
    assert names(found) == ["b.pdf", "a.pdf", "not-a-pdf: n.txt"]
    assert isinstance(found[1], File)
    assert found[1].source.uri == "memory:///box/deep/a.pdf"
    path = Path(local_path(found[1].source))
    assert path.read_bytes() == b"%PDF a"
    assert path.is_relative_to(cache)
    inode = path.stat().st_ino
    assert find("memory://box") == found
    assert path.stat().st_ino == inode
    path.unlink()
    assert Path(local_path(found[1].source)).read_bytes() == b"%PDF a"
    assert names(find("memory://box/*.pdf")) == ["b.pdf"]
    assert names(find("memory://box/b.pdf")) == ["b.pdf"]


def test_a_remote_file_that_changed_is_not_taken_for_the_old_one(memory: fsspec.AbstractFileSystem) -> None:
    (found,) = find("memory://box/b.pdf")
    assert isinstance(found, File)
    memory.pipe("/box/b.pdf", b"%PDF new")
    Path(local_path(found.source)).unlink()
    with pytest.raises(InputError, match="has changed"):
        local_path(found.source)
    (new,) = find("memory://box/b.pdf")
    assert new != found


def test_a_web_file_that_changed_is_copied_anew(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF one")
    serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/a.pdf"
        (first,), (again,) = find(url), find(url)
        (tmp_path / "a.pdf").write_bytes(b"%PDF another")
        os.utime(tmp_path / "a.pdf", (0, 0))
        (new,) = find(url)
        server.shutdown()
    assert first == again
    assert isinstance(new, File)
    assert new.source.size == len(b"%PDF another")
    assert len(list((cache / "sightline" / "files" / "seen").iterdir())) == 2


def test_what_an_error_says_holds_no_password(tmp_path: Path) -> None:
    serve = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}/gone.pdf"
        (row,) = find(f"http://me:secret@{place}")
        server.shutdown()
    assert isinstance(row, Rejected)
    assert (row.reason, row.evidence["error"]) == ("unreadable-file", f"http://{place}")
    with pytest.raises(InputError, match=r"cannot be reached .*: ftp://127\.0\.0\.1:9/a\.pdf"):
        find("ftp://me:secret@127.0.0.1:9/a.pdf")


def test_files_inside_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("in/a.pdf", "%PDF a")
        archive.writestr("in/b.pdf", "%PDF b")
    assert names(find(f"zip://in/*.pdf::{tmp_path}/x.zip")) == ["a.pdf", "b.pdf"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://me:secret@host/a/b.pdf?X-Signature=secret#p", "https://host/a/b.pdf"),
        ("ftp://me:secret@host/a@b.pdf", "ftp://host/a@b.pdf"),
        ("zip://a.pdf::https://me:secret@host/x.zip?key=secret", "zip://a.pdf::https://host/x.zip"),
        ("s3://bucket/a#b?.pdf", "s3://bucket/a#b?.pdf"),
        ("github://org:repo@main/a.pdf", "github://org:repo@main/a.pdf"),
        ("hf://datasets/org/name@main/a.pdf", "hf://datasets/org/name@main/a.pdf"),
    ],
)
def test_secrets_of_a_url_are_not_recorded(url: str, kept: str) -> None:
    assert recorded(url) == kept
