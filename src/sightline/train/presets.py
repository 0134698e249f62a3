"""Schedules as published, by name: what trains in which order and how fast. Steps, data and batches are yours.

The order of stages and what trains in each are the sources'. VARCO's rates are those of LLaVA-OneVision's recipe;
the other rates are our starting points and were not checked against the papers: set your own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sightline.core.errors import PlanError
from sightline.train.stages import Stage

EVERYTHING: Final = ("encoder", "connector", "llm")


def llava(steps: int) -> tuple[Stage, ...]:
    """LLaVA 1.5 (arXiv 2310.03744): the connector on captions, then connector and language model on instructions."""
    return (
        Stage(name="align", data="captions", trainable=("connector",), lr={"connector": 1e-3}, steps=steps),
        Stage(
            name="sft",
            data="instructions",
            trainable=("connector", "llm"),
            lr={"connector": 2e-5, "llm": 2e-5},
            steps=steps,
        ),
    )


def molmo(steps: int) -> tuple[Stage, ...]:
    """Molmo (arXiv 2409.17146): no connector-only stage, all parts from the first step, on dense captions and then on
    the mixture."""
    captions = {"connector": 2e-4, "encoder": 6e-6, "llm": 2e-5}
    mixture = {"connector": 5e-6, "encoder": 5e-6, "llm": 1e-5}
    return (
        Stage(name="captions", data="captions", trainable=EVERYTHING, lr=captions, steps=steps),
        Stage(name="mixture", data="instructions", trainable=EVERYTHING, lr=mixture, steps=steps),
    )


def baichuan(steps: int) -> tuple[Stage, ...]:
    """The picture branch of Baichuan-Omni (arXiv 2410.08565): captions, then questions, then closer to the language
    model. Its sound branches are not here."""
    return (
        Stage(name="captions", data="captions", trainable=("connector",), lr={"connector": 1e-3}, steps=steps),
        Stage(
            name="questions",
            data="questions",
            trainable=("encoder", "connector"),
            lr={"encoder": 1e-5, "connector": 1e-5},  # the report as we know it fixes the order, not this stage's rate
            steps=steps,
        ),
        Stage(
            name="together", data="instructions", trainable=EVERYTHING, lr=dict.fromkeys(EVERYTHING, 1e-5), steps=steps
        ),
    )


def varco(steps: int) -> tuple[Stage, ...]:
    """VARCO-VISION 14B (arXiv 2411.19103) in LLaVA-OneVision's rates (encoder 2e-6, others 1e-5): alignment, basic and
    advanced tuning. Its fourth stage, preference optimisation, works on pairs and starts from this checkpoint."""
    rates = {"encoder": 2e-6, "connector": 1e-5, "llm": 1e-5}
    return (
        Stage(name="align", data="captions", trainable=("connector",), lr={"connector": 1e-3}, steps=steps),
        Stage(name="basic", data="instructions", trainable=EVERYTHING, lr=rates, steps=steps),
        Stage(name="advanced", data="grounding", trainable=EVERYTHING, lr=rates, steps=steps),
    )


def smolvlm_context(steps: int) -> tuple[Stage, ...]:
    """SmolVLM's extension of the language model's context to 16k before it sees pictures: long books and code beside
    short text, the base of the rotary positions raised first (see `LONG_CONTEXT`)."""
    return (Stage(name="context", data="long", trainable=("llm",), lr={"llm": 1e-5}, steps=steps, decay="constant"),)


LONG_CONTEXT: Final = {"rope_theta": 273_000.0, "max_position_embeddings": 16_384}
"""SmolVLM (2024-11-26): rotary base 10,000 -> 273,000 for 16k tokens. Goes into the language model's config."""

PRESETS: Final[dict[str, Callable[[int], tuple[Stage, ...]]]] = {
    "llava": llava,
    "molmo": molmo,
    "baichuan": baichuan,
    "varco": varco,
    "smolvlm-context": smolvlm_context,
}


def preset(name: str, steps: int) -> tuple[Stage, ...]:
    """Stages by name, each with so many steps. Raises PlanError that lists the names."""
    if name not in PRESETS:
        raise PlanError("no such schedule", subject=name, remedy=f"one of {', '.join(PRESETS)}")
    return PRESETS[name](steps)
