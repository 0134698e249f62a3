"""Files that other machines hold, by fsspec URL (s3://, hf://, https://, memory:// ...): listed, and copied once.

Extra `[remote]`. Copies lie under `$XDG_CACHE_HOME/sightline/files`, named by content hash; beside them a note which
version of which URL has which hash, so that a second run downloads nothing. Passwords and signatures in a URL are
used, never recorded.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import Any

from sightline.core.door import require
from sightline.core.errors import InputError, MissingExtra
from sightline.core.fingerprint import fingerprint

_URL = re.compile(r"([a-z][a-z0-9+.-]*)(://|::)", re.IGNORECASE)
_FLAT_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
_IN_TEXT = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE)
_HTTP = ("http", "https")
_WITH_USER = ("ftp", "ftps", "sftp", "ssh", "smb", "webhdfs", "webdav")
_CHUNK = 1 << 20


def is_remote(path: str) -> bool:
    """A URL of another protocol than file://."""
    match = _URL.match(path)
    return match is not None and match[1].lower() != "file"


def names_remote(path: str) -> bool:
    """As `is_remote`, also for a URL that went through `Path`, which makes "s3:/bucket" of "s3://bucket"."""
    return is_remote(path) or (_FLAT_URL.match(path) is not None and not Path(path).exists())


def cache_folder() -> Path:
    """Where copies lie."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sightline" / "files"


def cached_copy(sha256: str) -> Path:
    """Path of the copy with that content, there or not."""
    return cache_folder() / sha256


def list_remote(url: str) -> list[tuple[str, str]]:
    """(URL to open, URL to record) of the file, of all files of the folder, or of the matches of the pattern; sorted.

    Raises InputError where there is nothing or it cannot be listed, MissingExtra where the protocol needs a package.
    """
    files, path = _filesystem(url)
    try:
        if any(sign in path for sign in "*?["):
            names = [name for name in files.glob(path) if not files.isdir(name)]
        elif url.startswith("http") or files.isfile(path):
            return [(url, recorded(url))]
        else:
            names = files.find(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be listed ({cause(error)})", subject=recorded(url)) from error
    if not names:
        raise InputError("no file there", subject=recorded(url), remedy="check the spelling and the access rights")
    head, chain, tail = url.partition("::")
    tail = chain + tail if "://" in head else ""  # "zip://*.pdf::archive.zip": what is found stands in the same archive
    return [(full, recorded(full)) for full in (files.unstrip_protocol(name) + tail for name in sorted(names))]


def fetch(url: str) -> str:
    """Copy to the cache unless this version of it is there; its SHA-256. Raises OSError or InputError."""
    files, path = _filesystem(url)
    note = cache_folder() / "seen" / fingerprint([recorded(url), _version(files, path)])
    if note.exists() and cached_copy(sha256 := note.read_text()).exists():
        return sha256
    note.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache_folder() / f"{uuid.uuid4().hex}.writing"
    digest = hashlib.sha256()
    try:
        with files.open(path, "rb") as source, temporary.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        temporary.replace(cached_copy(digest.hexdigest()))
    except ValueError as error:
        raise InputError(f"cannot be read ({cause(error)})", subject=recorded(url)) from error
    finally:
        temporary.unlink(missing_ok=True)
    note.write_text(digest.hexdigest())
    return digest.hexdigest()


def recorded(url: str) -> str:
    """The URL without the user and password, and for http also without the query, where signatures stand.

    >>> recorded("https://me:secret@host/a.pdf?signature=x")
    'https://host/a.pdf'
    """
    return "::".join(map(_without_secrets, url.split("::")))


def _without_secrets(url: str) -> str:
    protocol, mark, rest = url.partition("://")
    if protocol.lower() in _HTTP:
        rest = rest.partition("?")[0].partition("#")[0]
    if protocol.lower() in _HTTP + _WITH_USER:
        host, slash, path = rest.partition("/")
        rest = host.rpartition("@")[2] + slash + path
    return protocol + mark + rest


def _filesystem(url: str) -> tuple[Any, str]:
    fsspec = require("fsspec", "remote")
    try:
        files, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise MissingExtra(f"this kind of URL needs a package ({error})", subject=recorded(url)) from error
    except OSError as error:
        raise InputError(f"cannot be reached ({cause(error)})", subject=recorded(url)) from error
    except ValueError as error:
        known = ", ".join(sorted(fsspec.available_protocols())[:40])
        raise InputError(
            f"unknown kind of URL ({cause(error)})", subject=recorded(url), remedy=f"known: {known}"
        ) from error
    return files, str(path)


def _version(files: Any, path: str) -> str:
    """What changes when the file does; where the protocol cannot say, every look is a new version."""
    try:
        if files.protocol != _HTTP:
            return str(files.ukey(path))
        told = files.info(path)  # fsspec takes what an address holds for unchanging, and so its ukey
        stamp = told.get("ETag") or told.get("Last-Modified")
        return uuid.uuid4().hex if stamp is None else f"{path} {stamp}"
    except (NotImplementedError, OSError, ValueError):
        return uuid.uuid4().hex


def cause(error: Exception) -> str:
    """What an error says, in one line, its URLs as they are recorded."""
    told = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return _IN_TEXT.sub(lambda url: recorded(url[0]), told.splitlines()[0])[:200]
