"""How often a person has had an item asked anew: an answer that was kept is the same for ever, another attempt is
another request."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from sightline.core.errors import InputError
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole

RETRIABLE = ("unstructured", "description-cut-off", "empty-description")
"""Refusals for what a model said: another answer may do."""


def attempts_of(out: Path, retry: Collection[str]) -> dict[str, int]:
    """Item key -> attempt, one more for each item that the last run refused for a reason in `retry`.

    Raises InputError for a reason that another answer of a model cannot change.
    """
    wrong = sorted(set(retry) - set(RETRIABLE))
    if wrong:
        raise InputError("cannot be asked anew", subject=", ".join(wrong), remedy=f"one of {', '.join(RETRIABLE)}")
    path = out / ".sightline" / "attempts.json"
    attempts: dict[str, int] = json.loads(path.read_text()) if path.is_file() else {}
    if not retry or not (out / "rejects.parquet").is_file():
        return attempts
    for one in Dataset(out).rejects():
        if one.reason in retry:
            attempts[one.item] = attempts.get(one.item, 0) + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(attempts, indent=0))
    return attempts
