"""A part of a model by what the user named: a config as JSON (random weights), or a folder or hub id (its weights).

Only safetensors are read, and code of a checkpoint is never run.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from sightline.core.errors import InputError

Named = dict[str, Any] | str


def config_of(part: Named) -> PreTrainedConfig:
    """Raises InputError where a folder holds no config."""
    if isinstance(part, Mapping):
        values = dict(part)
        return AutoConfig.for_model(values.pop("model_type"), **values)
    try:
        found: PreTrainedConfig = AutoConfig.from_pretrained(part)
    except (OSError, ValueError) as error:
        raise _unreadable(part, error) from error
    return getattr(found, "vision_config", found)


def encoder_of(part: Named) -> PreTrainedConfig | PreTrainedModel:
    """Weights where a folder or id is named, else the config."""
    return config_of(part) if isinstance(part, Mapping) else _opened(AutoModel, part)


def language_model_of(part: Named) -> PreTrainedConfig | PreTrainedModel:
    """Weights where a folder or id is named, else the config."""
    return config_of(part) if isinstance(part, Mapping) else _opened(AutoModelForCausalLM, part)


def tokenizer_of(part: Named) -> PreTrainedTokenizerBase | None:
    """The tokenizer beside a language model's weights; None for random weights."""
    if isinstance(part, Mapping):
        return None
    try:
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(part)
    except (OSError, ValueError) as error:
        raise _unreadable(part, error) from error
    return found


def _opened(kind: Any, name: str) -> PreTrainedModel:
    try:
        model: PreTrainedModel = kind.from_pretrained(name, use_safetensors=True)
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise _unreadable(name, error) from error
    return model


def _unreadable(name: str, error: Exception) -> InputError:
    what = " ".join(str(error).split())[:200]
    return InputError(
        f"the weights cannot be read ({what})", subject=name, remedy="a folder with config.json and model.safetensors"
    )
