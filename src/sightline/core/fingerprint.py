"""Stable hashes: the same content gives the same hash on every machine, Python and run.

A fingerprint is the SHA-256 of a canonical JSON text (sorted keys, no blanks, NFC not applied: bytes matter).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_DECIDE = frozenset([".safetensors", ".json", ".jinja", ".model", ".txt"])
"""Endings of the files of a model's folder that decide what it answers."""
_PIECES, _PIECE = 256, 4096
LENGTH = 32
"""Hex digits kept: 128 bits, no accidental collision below 10^18 items."""


def fingerprint(value: Any) -> str:
    """Hash of a JSON-able value, a pydantic model, bytes, or nested containers of these.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
    """
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()[:LENGTH]
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def seeded(seed: int, *parts: object) -> int:
    """A 64-bit seed for one item: independent of order, worker and machine, e.g. `seeded(0, "style", chunk_id)`."""
    return int(fingerprint([seed, *map(str, parts)])[:16], 16)


def model_name(folder: Path) -> str:
    """The name of a model in a folder, with a hash of its weights, tokenizer and settings: "model@3f2a9c1e".

    A large file counts by its size and 256 pieces from all over it: training moves weights everywhere.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _DECIDE and path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.name}\n{size}\n".encode("utf-8", "surrogatepass"))
        with path.open("rb") as file:
            if size <= _PIECES * _PIECE:
                digest.update(file.read())
                continue
            for n in range(_PIECES):
                file.seek(n * (size - _PIECE) // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    return f"{folder.resolve().name}@{digest.hexdigest()[:8]}"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"cannot fingerprint a {type(value).__name__}")
