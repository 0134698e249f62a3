"""Reading one JSON file that holds a list of records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError


def records(path: Path, key: str | None, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """The list at the top of the file, or under `key`. Raises InputError where it is not one of such records."""
    if not path.is_file():
        raise InputError("no such file", subject=path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"no JSON ({error})", subject=path) from error
    rows = found.get(key) if key is not None and isinstance(found, dict) else found
    if not isinstance(rows, list) or not rows:
        raise InputError(f"no list{f' under {key!r}' if key else ''} in the file", subject=path)
    for at, row in enumerate(rows):
        missing = [name for name in needed if not isinstance(row, dict) or name not in row]
        if missing:
            raise InputError(f"record {at} has no {missing[0]!r}", subject=path)
    return rows
