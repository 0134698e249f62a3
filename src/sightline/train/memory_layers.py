"""The memory of many equal layers from a dry run of few.

Every section of a step (see `memory.SECTIONS`) grows by the same bytes with each further layer, so two dry runs give
the straight line; the peak is the largest of those lines. The first layer may differ from the others (what enters it
may need no gradient), so the shorter run has two.
"""

from __future__ import annotations

from math import lcm
from typing import Any

from transformers import PreTrainedConfig

from sightline.train.memory import Forecast, Static


def depth(config: PreTrainedConfig) -> int:
    """Layers of a language model."""
    return int(config.get_text_config().num_hidden_layers)


def shortened(config: PreTrainedConfig, layers: int) -> PreTrainedConfig:
    """The config with its first `layers` layers."""
    out = type(config).from_dict(config.to_dict())
    text = out.get_text_config()
    for name, kinds in _kinds(text).items():
        setattr(text, name, kinds[:layers])
    text.num_hidden_layers = layers
    return out


def samples(config: PreTrainedConfig, every: int = 1) -> tuple[int, int] | None:
    """Two numbers of layers that stand for all: as many apart as there are kinds of layers before they repeat (`every`:
    what is added to every so-manieth). None where there are too few layers for that to be shorter."""
    layers, period = depth(config), every
    for kinds in _kinds(config.get_text_config()).values():
        period = lcm(period, next(n for n in range(1, layers + 1) if kinds == (kinds[:n] * layers)[:layers]))
    few = 2 * period + layers % period
    return (few, few + period) if few + period < layers else None


def extrapolated(few: Forecast, more: Forecast, steps: int) -> Forecast:
    """From two forecasts to the one that is `steps` times their difference beyond the first."""

    def line(a: Any, b: Any) -> Any:
        return a + steps * (b - a)

    pairs = ((name, getattr(few.static, name), getattr(more.static, name)) for name in Static.model_fields)
    return Forecast(
        static=Static(**{name: line(a, b) for name, a, b in pairs}),
        activations=line(few.activations, more.activations),
        sections=tuple(line(a, b) for a, b in zip(few.sections, more.sections, strict=True)),
        workspace=few.workspace,
    )


def _kinds(text: PreTrainedConfig) -> dict[str, list[Any]]:
    """What the config lists layer by layer."""
    values = text.to_dict().items()
    return {name: value for name, value in values if isinstance(value, list) and len(value) == depth(text)}
