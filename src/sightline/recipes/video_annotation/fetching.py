"""One file over HTTP that arrives whole or not at all: continued where it broke off, checked, at a polite pace.

Proxies are taken from the environment (HTTPS_PROXY and others), as elsewhere in Python.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import Reject
from sightline.core.fingerprint import fingerprint
from sightline.pipeline.remote import cached_copy, recorded
from sightline.pipeline.work import FULL, unwritable
from sightline.recipes.dataset_files import write_whole

CHUNK = 1 << 16
NOT_AGAIN = frozenset({400, 401, 403, 404, 405, 410, 451})
"""Answers that another try will not change."""
PAUSE_MOST = 30.0
ADDRESS = "%:/?#[]@!$&'()*+,;=~"
"""Signs that stand in an address as they are; blanks and letters beyond ASCII are written as %XX."""


class FetchConfig(BaseModel):
    """How files are fetched; nothing here changes what they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=5, ge=1)
    """Without a single new byte in between; a try that brought some does not count."""
    pause: float = Field(default=1.0, ge=0)
    """Seconds before the second try; doubled each time."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds without a byte."""
    requests_per_second: float = Field(default=2.0, gt=0)
    bytes_per_second: float | None = Field(default=None, gt=0)
    max_bytes: int = Field(default=8 << 30, ge=1)


class Fetched(BaseModel):
    """What lies in the cache of files, under its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str
    size: int

    @property
    def path(self) -> Path:
        return cached_copy(self.sha256)


class Fetcher:
    """Fetches into `folder` (unfinished pieces and notes) and the cache of files (finished ones)."""

    def __init__(self, folder: Path, config: FetchConfig | None = None) -> None:
        self._folder, self._config = folder, config or FetchConfig()
        self._last = 0.0

    def fetch(self, url: str, sha256: str = "") -> Fetched:
        """The file at `url`; nothing is asked where an earlier run got it.

        Raises Reject "not-fetched" (url, error, attempts) and "wrong-checksum" (stated, found), StorageError.
        """
        note = self._folder / f"{fingerprint(recorded(url) + sha256)}.json"
        if note.is_file():
            known = Fetched.model_validate_json(note.read_text())
            if known.path.is_file():
                return known
        self._folder.mkdir(parents=True, exist_ok=True)
        piece = note.with_suffix(".part")
        self._complete(url, piece, checked=bool(sha256))
        found, size = digest(piece)
        if sha256 and found != sha256.lower():
            piece.unlink()
            raise Reject("wrong-checksum", url=recorded(url), stated=sha256, found=found, size=size)
        fetched = keep(piece, found, size)
        write_whole(note, fetched.model_dump_json())
        return fetched

    def _complete(self, url: str, piece: Path, checked: bool) -> None:
        pause, tries, asked, error = self._config.pause, 0, 0, ""
        most = piece.stat().st_size if piece.exists() else 0
        while tries < self._config.attempts:
            asked += 1
            try:
                self._go_on(url, piece, checked)
                return
            except urllib.error.HTTPError as refused:
                error = f"HTTP {refused.code}"
                if refused.code in NOT_AGAIN:
                    break
                if refused.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:  # the file has become shorter
                    piece.unlink(missing_ok=True)
            except (OSError, http.client.HTTPException, ValueError) as broken:
                if isinstance(broken, OSError) and broken.errno in FULL:
                    raise unwritable(broken, self._folder) from broken
                error = f"{type(broken).__name__}: {broken}"[:200]
            after = piece.stat().st_size if piece.exists() else 0
            tries = 0 if after > most else tries + 1
            time.sleep(min(pause, PAUSE_MOST))
            pause, most = self._config.pause if after > most else pause * 2, max(after, most)
        raise Reject("not-fetched", url=recorded(url), error=error, attempts=asked)

    def _go_on(self, url: str, piece: Path, checked: bool) -> None:
        """One request; raises where it does not bring all that is missing. What a server does not vouch for (ETag,
        Last-Modified) is gone on with only where a checksum will show whether the pieces belong together."""
        have = piece.stat().st_size if piece.exists() else 0
        tag = piece.with_suffix(".tag")
        headers = {"User-Agent": "sightline"}
        if have and tag.exists():
            headers |= {"Range": f"bytes={have}-", "If-Range": tag.read_text()}
        elif have and checked:
            headers["Range"] = f"bytes={have}-"
        self._wait()
        request = urllib.request.Request(urllib.parse.quote(url, safe=ADDRESS), headers=headers)
        with urllib.request.urlopen(request, timeout=self._config.timeout) as answer:
            start = _start(answer)
            whole = _whole(answer, start)
            validator = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            if validator and not validator.startswith("W/"):
                tag.write_text(validator)
            else:
                tag.unlink(missing_ok=True)
            if start not in (0, have):
                piece.unlink(missing_ok=True)
                raise ValueError(f"asked for byte {have}, got from byte {start}")
            with piece.open("r+b" if start else "wb") as file:
                file.seek(start)
                file.truncate()
                got = start + self._copied(answer, file)
        if whole is not None and got != whole:
            raise ValueError(f"{got} of {whole} bytes came")
        tag.unlink(missing_ok=True)

    def _copied(self, answer: Any, file: Any) -> int:
        copied, began = 0, time.monotonic()
        while chunk := answer.read1(CHUNK):
            file.write(chunk)
            copied += len(chunk)
            if file.tell() > self._config.max_bytes:
                raise Reject("not-fetched", error="larger than allowed", limit=self._config.max_bytes)
            if self._config.bytes_per_second is not None:
                time.sleep(max(0.0, copied / self._config.bytes_per_second - (time.monotonic() - began)))
        return copied

    def _wait(self) -> None:
        gap = self._last + 1 / self._config.requests_per_second - time.monotonic()
        if gap > 0:
            time.sleep(gap)
        self._last = time.monotonic()


def _start(answer: Any) -> int:
    """First byte of what comes: 0 unless the server says it continues."""
    if answer.status != 206:
        return 0
    unit, _, rest = (answer.headers.get("Content-Range") or "").partition(" ")
    if unit != "bytes" or not rest.split("-")[0].isdigit():
        raise ValueError("a partial answer that does not say which part it is")
    return int(rest.split("-")[0])


def _whole(answer: Any, start: int) -> int | None:
    """Bytes of the whole file as the server says."""
    length = answer.headers.get("Content-Length")
    return None if length is None else start + int(length)


def keep(path: Path, sha256: str, size: int) -> Fetched:
    """Move a file to the cache of files, which may be on another disk. Raises StorageError where it cannot be."""
    fetched = Fetched(sha256=sha256, size=size)
    arriving = fetched.path.with_name(f"{sha256}.arriving-{os.getpid()}")
    try:
        arriving.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, arriving)
        os.replace(arriving, fetched.path)
    except OSError as error:
        arriving.unlink(missing_ok=True)
        raise unwritable(error, arriving.parent) from error
    return fetched


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of a file."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            hashed.update(chunk)
        return hashed.hexdigest(), file.tell()
