"""Weights of transformers' classes, whole or not at all: what a file lacks would be drawn at random."""

# mypy: disable-error-code="no-untyped-call"
# transformers leaves many of its functions untyped.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError
from transformers import PreTrainedModel
from transformers.utils import logging

from sightline.core.errors import InputError

UNREADABLE: Final = (OSError, ValueError, SafetensorError, RuntimeError)
"""What transformers raises for files that are missing, broken or of another kind."""
SPARED: Final = "pooler"
"""In the names of weights that nobody reads here: the summary of a picture, which many checkpoints leave out."""


def whole_weights(kind: Any, name: str | Path, *, local_files_only: bool = False, exact: bool = False) -> Any:
    """A model of `kind` (an Auto class) from safetensors. Raises InputError where they cannot be read or lack weights
    of this model, `exact`: or hold others."""
    try:
        with unremarked():
            opened: Any = kind.from_pretrained(
                name, use_safetensors=True, local_files_only=local_files_only, output_loading_info=True
            )
    except UNREADABLE as error:
        raise unreadable(name, error) from error
    model: PreTrainedModel
    model, report = opened
    odd = sorted(key for key in report["missing_keys"] if SPARED not in key)
    odd += sorted(report["unexpected_keys"]) if exact else []
    if odd:
        raise InputError("weights of another model", subject=name, remedy=f"first differences: {odd[:3]}")
    return model


def unreadable(name: str | Path, error: Exception) -> InputError:
    """In one line."""
    what = " ".join(str(error).split())[:200]
    return InputError(
        f"the model cannot be read ({what})", subject=name, remedy="a folder with config.json and model.safetensors"
    )


@contextmanager
def unremarked() -> Iterator[None]:
    """Without the remarks of transformers: for steps whose outcome is checked here."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
