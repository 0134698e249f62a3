"""Schedules after published ones, by name: what trains in which order and how fast. Steps, data and batches are yours.

Checked against public text in November 2026, and held to be published where a docstring names a source for it:

| schedule | order of stages | what trains | rates, no weight decay |
|---|---|---|---|
| llava | published | published | published |
| molmo | published | published | published |
| baichuan | published | ours | ours |
| varco | published | ours | those of LLaVA-OneVision, whose layout it follows |
| smolvlm-context | published | ours | ours; the rotary base is published |

Warm-up, decay and AdamW's betas are `Stage`'s in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sightline.core.errors import PlanError
from sightline.train.stages import Stage

EVERYTHING: Final = ("encoder", "connector", "llm")


def llava(steps: int) -> tuple[Stage, ...]:
    """LLaVA 1.5 (arXiv 2310.03744): the connector on captions, then connector and language model on instructions.
    Rates and weight decay: the table of hyperparameters in haotian-liu/LLaVA's README."""
    rates = {"connector": 2e-5, "llm": 2e-5}
    return (
        _stage("align", "captions", {"connector": 1e-3}, steps),
        _stage("sft", "instructions", rates, steps),
    )


def molmo(steps: int) -> tuple[Stage, ...]:
    """Molmo (arXiv 2409.17146): no connector-only stage, all parts from the first step, on dense captions and then on
    the mixture. Rates and weight decay: the launch scripts of its training code."""
    captions = {"encoder": 6e-6, "connector": 2e-4, "llm": 2e-5}
    mixture = {"encoder": 5e-6, "connector": 5e-6, "llm": 1e-5}
    return (
        _stage("captions", "captions", captions, steps),
        _stage("mixture", "instructions", mixture, steps),
    )


def baichuan(steps: int) -> tuple[Stage, ...]:
    """The picture branch of Baichuan-Omni (arXiv 2410.08565): captions, then questions, then closer to the language
    model. What trains in each stage and all rates are ours. Its sound branches are not here."""
    return (
        _stage("captions", "captions", {"connector": 1e-3}, steps),
        _stage("questions", "questions", {"encoder": 1e-5, "connector": 1e-5}, steps),
        _stage("together", "instructions", dict.fromkeys(EVERYTHING, 1e-5), steps),
    )


def varco(steps: int) -> tuple[Stage, ...]:
    """VARCO-VISION 14B (arXiv 2411.19103): alignment, basic and advanced tuning. What trains in the last two is ours;
    the rates are those of LLaVA-OneVision's scripts (LLaVA-VL/LLaVA-NeXT, scripts/train: 1e-3 for the connector alone,
    then 2e-6 for the encoder and 1e-5 for the rest). Its fourth stage, preference optimisation, works on pairs and
    starts from this checkpoint."""
    rates = {"encoder": 2e-6, "connector": 1e-5, "llm": 1e-5}
    return (
        _stage("align", "captions", {"connector": 1e-3}, steps),
        _stage("basic", "instructions", rates, steps),
        _stage("advanced", "grounding", rates, steps),
    )


def smolvlm_context(steps: int) -> tuple[Stage, ...]:
    """SmolVLM's extension of the language model's context to 16k before it sees pictures: long books and code beside
    short text, the base of the rotary positions raised first (see `LONG_CONTEXT`). The rate is ours."""
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


def _stage(name: str, data: str, rates: dict[str, float], steps: int) -> Stage:
    return Stage(name=name, data=data, trainable=tuple(rates), lr=rates, steps=steps, weight_decay=0.0)
