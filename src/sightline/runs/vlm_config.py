"""A run's config from a Python file, with single values changed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sightline.core.errors import InputError
from sightline.runs.vlm_plan import PLANNED
from sightline.runs.vlm_run import VLMRun


def read_config(name: str, changes: Sequence[str] = ()) -> VLMRun:
    """A known name, or a CONFIG.py that defines `config() -> VLMRun`. Raises InputError."""
    if name in PLANNED:
        return changed(PLANNED[name](), changes)
    path = Path(name)
    spec = importlib.util.spec_from_file_location("sightline_user_config", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError("no such run or config", subject=name, remedy=f"{', '.join(PLANNED)} or a CONFIG.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make = getattr(module, "config", None)
    if make is None or not isinstance(found := make(), VLMRun):
        raise InputError("the file defines no config() that gives a VLMRun", subject=name)
    return changed(found, changes)


def changed(config: VLMRun, changes: Sequence[str]) -> VLMRun:
    """`stages.0.steps=200`: the value is JSON where it can be read so, text otherwise. Raises InputError for a path
    that is not there and for values that do not fit."""
    values = config.model_dump(mode="json")
    for change in changes:
        path, equals, text = change.partition("=")
        *above, last = path.split(".")
        if not equals:
            raise InputError("not of the form path=value", subject=change)
        at: Any = values
        try:
            for step in above:
                at = at[int(step)] if isinstance(at, list) else at[step]
            at[int(last) if isinstance(at, list) else last] = _value(text)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise InputError("no such value in the config", subject=path) from error
    try:
        return VLMRun.model_validate(values)
    except ValidationError as error:
        raise InputError(
            "the config does not hold", subject=str(error.errors()[0]["loc"]), remedy=str(error)
        ) from error


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
