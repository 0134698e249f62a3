"""A run's config from a Python file, with single values changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from sightline.core.errors import InputError
from sightline.runs.config_file import called, first_mistake
from sightline.runs.vlm_plan import PLANNED
from sightline.runs.vlm_run import VLMRun
from sightline.train.stages import Stage

TUNING: Final = Stage(name="sft", trainable=("connector", "llm"), lr={"connector": 1e-4, "llm": 1e-5}, steps=500)
"""What a model's folder is trained by where no config says more."""


def read_config(name: str, changes: Sequence[str] = ()) -> VLMRun:
    """A known name; a CONFIG.py that defines `config() -> VLMRun`; the run.json that a run wrote; or the folder of a
    whole model, ours or a ready one, which then trains connector and language model. Raises InputError."""
    path = Path(name)
    if name in PLANNED:
        found = PLANNED[name]()
    elif path.suffix == ".json" and path.is_file():
        found = _valid(path.read_text(encoding="utf-8"), name)
    elif (path / "config.json").is_file():
        found = VLMRun(model=name, stages=(TUNING,))
    else:
        found = _called(path)
    return changed(found, changes)


def _called(path: Path) -> VLMRun:
    if not path.is_file():
        remedy = f"{', '.join(PLANNED)}, a CONFIG.py, a run.json or the folder of a model"
        raise InputError("no such run or config", subject=path, remedy=remedy)
    found = called(path, "config")
    if not isinstance(found, VLMRun):
        raise InputError("the file defines no config() that gives a VLMRun", subject=path)
    return found


def _valid(given: Any, name: str) -> VLMRun:
    try:
        return VLMRun.model_validate_json(given) if isinstance(given, str) else VLMRun.model_validate(given)
    except ValidationError as error:
        raise InputError(first_mistake(error), subject=name) from error


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
                if isinstance(at, dict) and at.get(step, ...) is None:
                    at[step] = {}  # lora.rank=16 where there were no adapters
                at = at[int(step)] if isinstance(at, list) else at[step]
            at[int(last) if isinstance(at, list) else last] = _value(text)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise InputError("no such value in the config", subject=path) from error
    return _valid(values, " ".join(changes) or "config")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
