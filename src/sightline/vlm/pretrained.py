"""A part of a model by what the user named: a config as JSON (random weights), or a folder or hub id (its weights).

Only safetensors are read, and code of a checkpoint is never run.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.hub import cached_file

from sightline.core.errors import InputError
from sightline.vlm.pixels import MEAN, STD
from sightline.vlm.weights import unreadable, whole_weights

Named = dict[str, Any] | str


def config_of(part: Named) -> PreTrainedConfig:
    """Raises InputError where a folder holds no config, or JSON names no model of transformers."""
    if isinstance(part, Mapping):
        values = dict(part)
        try:
            return AutoConfig.for_model(values.pop("model_type", ""), **values)
        except (ValueError, TypeError) as error:
            what = " ".join(str(error).split())[:120]
            raise InputError(
                f"not a config of transformers ({what})",
                subject=part.get("model_type"),
                remedy='{"model_type": "llama", ...}, or a folder or hub id',
            ) from error
    try:
        found: PreTrainedConfig = AutoConfig.from_pretrained(part)
    except (OSError, ValueError) as error:
        raise unreadable(part, error) from error
    return getattr(found, "vision_config", found)


def encoder_of(part: Named) -> PreTrainedConfig | PreTrainedModel:
    """Weights where a folder or id is named, else the config."""
    return config_of(part) if isinstance(part, Mapping) else whole_weights(AutoModel, part)


def language_model_of(part: Named) -> PreTrainedConfig | PreTrainedModel:
    """Weights where a folder or id is named, else the config."""
    return config_of(part) if isinstance(part, Mapping) else whole_weights(AutoModelForCausalLM, part)


def tokenizer_of(part: Named) -> PreTrainedTokenizerBase | None:
    """The tokenizer beside a language model's weights; None for random weights."""
    if isinstance(part, Mapping):
        return None
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(part)
    except (OSError, ValueError) as error:
        raise unreadable(part, error) from error
    return found


def colours_of(part: Named) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and deviation per channel (of pixels in 0..1) that an encoder was trained with, as the
    preprocessor_config.json beside its weights says; SigLIP's where there is none. Raises InputError for a file that
    does not say it or scales pixels otherwise."""
    if isinstance(part, Mapping):
        return MEAN, STD
    name = "preprocessor_config.json"
    try:
        found = cached_file(part, name, _raise_exceptions_for_missing_entries=False)
        if found is None:
            return MEAN, STD
        said = json.loads(Path(found).read_text(encoding="utf-8"))
        if not (said.get("do_rescale", True) and abs(said.get("rescale_factor", 1 / 255) * 255 - 1) < 1e-3):
            raise ValueError("its pixels are not scaled by 1/255")
        if not said.get("do_normalize", True):
            return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        mean, std = ([float(one) for one in said[key]] for key in ("image_mean", "image_std"))
        if not (len(mean) == len(std) == 3 and min(std) > 0):
            raise ValueError(f"image_mean {mean}, image_std {std}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"what the encoder does to pixels cannot be read ({type(error).__name__}: {error})",
            subject=f"{part}/{name}",
            remedy="image_mean and image_std of three numbers each",
        ) from error
    return mean, std
