"""Stable hashes: the same content gives the same hash on every machine, Python and run.

A fingerprint is the SHA-256 of a canonical JSON text (sorted keys, no blanks, NFC not applied: bytes matter).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel

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


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"cannot fingerprint a {type(value).__name__}")
