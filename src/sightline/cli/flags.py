"""Flags of several commands, and a value that a configuration refuses told by its flag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from sightline.core.errors import InputError
from sightline.pipeline import ExecutorConfig


@contextmanager
def named() -> Iterator[None]:
    """Raises InputError with the flag's name where the block raises ValidationError."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ").lower()
        if not first["loc"]:
            raise InputError(what, remedy="change one of the two") from error
        raise InputError(f"--{_dashed(str(first['loc'][-1]))}: {what}", subject=first["input"]) from error


def executor_of(flags: dict[str, Any]) -> ExecutorConfig:
    """--workers and --time-limit. Raises InputError."""
    with named():
        return ExecutorConfig.model_validate({n: flags[n] for n in ("time_limit", "workers") if flags[n] is not None})


def refuse_nameless(flags: Mapping[str, Any], *pairs: tuple[str, str]) -> None:
    """(model's flag, flag that says something about it): raises InputError where only the second is given."""
    for model, about in pairs:
        if flags[about] is not None and flags[model] is None:
            raise InputError(f"--{_dashed(about)} without --{_dashed(model)}", remedy=f"add --{_dashed(model)}")


def _dashed(name: str) -> str:
    return name.replace("_", "-")
