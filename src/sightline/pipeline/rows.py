"""Items as rows: their JSON and key, and the reject rows that people read. No storage here."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sightline.core.fingerprint import fingerprint
from sightline.core.sample import Item, Rejected, Written


class Encoded(NamedTuple):
    """An item on its way to storage."""

    key: str
    json: str
    blob: bytes | None
    blob_sha256: str | None = None


class RejectRow(NamedTuple):
    """A refused row as the ledger keeps it. `place` is its index among everything the step yielded for the item."""

    place: int
    reason: str
    item: str
    origin: str
    evidence: str


def encode(item: Item | Written) -> Encoded:
    """JSON made once; the key is `item.key`, hashed from the same text."""
    if isinstance(item, Written):
        return Encoded(_key(item.kind, item.json), item.json, None)
    text = item.model_dump_json()
    return Encoded(_key(type(item), text), text, item.blob, item.blob_sha256)


def _key(kind: type[Item], text: str) -> str:
    return fingerprint(f"{kind.__name__}\n{text}".encode())


def reject_row(index: int, rejected: Rejected, key: str, item: Item | None) -> RejectRow:
    """Fill in what the step left empty: which item (by `key`), and how a person calls it."""
    return RejectRow(
        index,
        rejected.reason,
        rejected.item or key,
        whole(rejected.origin or ("" if item is None else origin(item))),
        whole(json.dumps(rejected.evidence, ensure_ascii=False, default=str)),
    )


def origin(item: Item) -> str:
    """How a person calls the item: "report.pdf page 3" (pages counted from 1 as readers do); "" where it does not say.

    Looks at `source`, `index` and `pages` of the item, or of the item it is made from.
    """
    source = getattr(item, "source", None)
    name = getattr(source, "name", "")
    if not name:
        inner = (value for _, value in item if isinstance(value, Item))
        return next((text for value in inner if (text := origin(value))), "")
    index = getattr(item, "index", None)
    if isinstance(index, int):
        return f"{name} page {index + 1}"
    pages: Any = getattr(item, "pages", None)
    if isinstance(pages, tuple) and pages and isinstance(getattr(pages[0], "index", None), int):
        first, last = pages[0].index + 1, pages[-1].index + 1
        return f"{name} page {first}" if first == last else f"{name} pages {first}-{last}"
    return str(name)


def whole(text: str) -> str:
    """The text with lone surrogates as U+FFFD, which UTF-8 can hold."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
