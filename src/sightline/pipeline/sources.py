"""Finds the files a person points at: folders, single files, globs, fsspec URLs. Hashes them, and says what is refused.

    find_files(["scans/", "s3://bucket/reports"], sniff, {"application/pdf"}, "not-a-pdf")  ->  File | Rejected, ...

Order: as given, a folder's files sorted by path. Names beginning with a dot inside a folder are not looked at. What
other machines hold is copied once to a cache folder, by content hash; `local_path(source)` is where to open any file.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from sightline.core.errors import InputError
from sightline.core.media import Source
from sightline.core.sample import File, Rejected
from sightline.pipeline.remote import cached_copy, cause, fetch, is_remote, list_remote
from sightline.pipeline.rows import whole

HEAD = 4096
"""Bytes from the beginning of a file that `sniff` gets to see."""
CHUNK = 1 << 20


class Found(NamedTuple):
    """A file before it is read: where to open it, how it is named in records."""

    path: str
    """Local path, undecodable bytes as surrogates; or a URL."""
    name: str
    uri: str


def find_files(
    paths: Sequence[str | Path],
    sniff: Callable[[bytes], str],
    wanted: Collection[str],
    refusal: str = "unwanted-type",
    exclude: Sequence[str | Path] = (),
) -> Iterator[File | Rejected]:
    """Files under `paths` whose content `sniff`s as one of the `wanted` media types; `refusal` is the others' reason.

    Refused rows: `refusal`, "unreadable-file", "duplicate-file" (same bytes as one before; evidence `same_as`).
    `exclude`: folders that are not entered (the results folder, when it lies inside). Listing happens at once, reading
    as the iterator is drawn. Raises InputError for a path that does not exist, a folder or pattern without any file,
    and a URL that cannot be listed; MissingExtra where its protocol needs a package.
    """
    skipped = {_identity(os.fspath(path)) for path in exclude}
    found = [file for path in paths for file in _expand(os.fspath(path), skipped)]
    return _read(found, sniff, wanted, refusal)


def local_path(source: Source) -> str:
    """Where to open the source's bytes on this machine; a remote file is fetched where its cached copy is not here.

    Pass it to `open`: a name that is not UTF-8 holds surrogates. Raises InputError where it cannot be fetched, or has
    changed since it was hashed.
    """
    if source.uri.startswith("file://"):
        return os.fsdecode(unquote_to_bytes(source.uri.removeprefix("file://")))
    if not is_remote(source.uri):
        return source.uri
    path = cached_copy(source.sha256)
    if not path.exists() and fetch(source.uri) != source.sha256:
        raise InputError("the file has changed since it was listed", subject=source.uri, remedy="run again")
    return str(path)


def _read(
    found: Sequence[Found], sniff: Callable[[bytes], str], wanted: Collection[str], refusal: str
) -> Iterator[File | Rejected]:
    seen: dict[str, str] = {}
    for file in found:
        try:
            path = str(cached_copy(fetch(file.path))) if is_remote(file.path) else file.path
            with _opened(path) as stream:
                head, sha256, size = _digest(stream)
        except (OSError, InputError) as error:
            why = whole(cause(error))
            yield Rejected(reason="unreadable-file", origin=file.name, evidence={"uri": file.uri, "error": why})
            continue
        media_type = sniff(head)
        if media_type not in wanted:
            evidence = {"uri": file.uri, "media_type": media_type, "size": size}
            yield Rejected(reason=refusal, origin=file.name, evidence=evidence)
        elif sha256 in seen:
            evidence = {"uri": file.uri, "same_as": seen[sha256], "sha256": sha256}
            yield Rejected(reason="duplicate-file", origin=file.name, evidence=evidence)
        else:
            seen[sha256] = file.uri
            yield File(source=Source(name=file.name, uri=file.uri, sha256=sha256, media_type=media_type, size=size))


def _opened(path: str) -> BinaryIO:
    """Only a regular file: opening a pipe would wait for ever."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, "not a regular file")
    return os.fdopen(handle, "rb")


def _digest(stream: BinaryIO) -> tuple[bytes, str, int]:
    digest = hashlib.sha256()
    head = stream.read(HEAD)
    size = len(head)
    digest.update(head)
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return head, digest.hexdigest(), size


def _expand(path: str, skipped: set[tuple[int, int]]) -> list[Found]:
    if is_remote(path):
        return [Found(url, _last(record), record) for url, record in list_remote(path)]
    if path.startswith("file://"):
        path = os.fsdecode(unquote_to_bytes(path.removeprefix("file://")))
    path = os.path.abspath(os.path.expanduser(path))
    if os.path.isdir(path):
        files = sorted(_walk(path, skipped, set()), key=os.fsencode)
        what, remedy = "no file in the folder", "name a folder that holds the files"
    elif os.path.lexists(path):
        return [_local(path)]
    elif glob.has_magic(path):
        matches = glob.glob(path, recursive=True)
        folders = [match for match in matches if os.path.isdir(match)]
        below = {file for folder in folders for file in _walk(folder, skipped, set())}
        files = sorted(below.union(matches).difference(folders), key=os.fsencode)
        what, remedy = "nothing matches the pattern", "quote it, and check the folder it begins with"
    else:
        raise InputError("no such file or folder", subject=shown(path), remedy="check the spelling")
    if not files:
        raise InputError(what, subject=shown(path), remedy=remedy)
    return [_local(file) for file in files]


def _walk(folder: str, skipped: set[tuple[int, int]], seen: set[tuple[int, int]]) -> Iterator[str]:
    """Files below, each folder entered once however many links lead to it."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        identity = _identity(here)
        if identity in seen or identity in skipped:
            continue
        seen.add(identity)
        try:
            names = os.listdir(here)
        except OSError:
            yield here  # its reading will fail too, and say why in a row of its own
            continue
        for name in names:
            path = os.path.join(here, name)
            if name.startswith("."):
                continue
            if os.path.isdir(path):
                waiting.append(path)
            else:
                yield path


def _local(path: str) -> Found:
    raw = os.fsencode(path)
    name = _name(os.path.basename(path))
    try:
        return Found(path, name, raw.decode("utf-8"))
    except UnicodeDecodeError:  # JSON cannot hold such a path; percent signs can
        return Found(path, name, "file://" + quote(raw))


def _last(url: str) -> str:
    """The name of the file that a URL leads to."""
    return url.partition("::")[0].rstrip("/").rpartition("/")[2]


def _name(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def shown(path: str) -> str:
    """A path for a message: bytes that are not UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _identity(path: str) -> tuple[int, int]:
    """Device and inode; what does not exist is like nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return -1, -1
    return found.st_dev, found.st_ino
