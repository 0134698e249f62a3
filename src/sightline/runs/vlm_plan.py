"""What a training run will take, before its first step: memory of every part, the largest batch that fits a card,
tokens, in plain words. The model is never filled with numbers."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from sightline.runs.vlm_planned import DTYPES, Load, Subject, prepared, subject
from sightline.runs.vlm_run import VLMRun
from sightline.runs.vlm_stages import curriculum, tiny_config
from sightline.train.memory import GB, Forecast, dry_run, split_batch
from sightline.train.memory_layers import depth, extrapolated, samples
from sightline.train.parts import Parts, part_of
from sightline.train.stages import Stage
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.resolution import Tiles


class Plan(BaseModel):
    """The answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    forecast: Forecast
    tokens: int
    """Of one conversation in the language model's sequence."""
    vision: int
    """Patches of one conversation that the encoder works through."""
    layers: int
    """Of the language model."""
    trained: tuple[str, ...] = ()
    """The parts that train."""
    run: tuple[int, ...] = ()
    """Numbers of layers that were run and carried on in a straight line; empty: all of them were run."""
    flops: float
    """Of one conversation, forward and backward: 2 per parameter and token that pass it, twice that again where
    gradients go back, once more where activations are computed again."""

    def words(self, load: Load, card: float = 0.0, fits: int | None = None) -> list[str]:
        """For people; `card` in GB."""
        f = self.forecast
        lines = [
            f"trains: {', '.join(self.trained)}",
            str(f.static),
            f"activations {f.activations / GB:.2f} GB, peak {f.peak / GB:.2f} GB (tensors; the allocator adds to it)",
            f"one conversation: {self.tokens} tokens in the sequence, {self.vision} patches through the encoder",
        ]
        if self.run:
            few = " and ".join(str(n) for n in self.run)
            lines.append(
                f"extrapolated: dry runs of {few} layers, carried on to the {self.layers} equal ones there are"
            )
        if load.rows:
            hours = load.rows * self.flops / (load.speed * 1e12) / 3600
            lines.append(
                f"{load.rows:,} conversations: {load.rows * self.tokens:,} tokens, about {hours:.1f} hours at "
                f"{load.speed:g} TFLOP/s achieved"
            )
        if card and fits is not None:
            if fits:
                batch, many = split_batch(load.wanted, fits)
                lines.append(f"on {card:g} GB: up to {fits} conversations a batch; {load.wanted} as {batch} x {many}")
            else:
                lines.append(f"on {card:g} GB: not even one")
        return [*lines, *self.advice(load, card, fits)]

    def advice(self, load: Load, card: float, fits: int | None) -> list[str]:
        """What would help most, where a card is named and holds less than the batch that is wanted."""
        if not card or fits is None or fits >= load.wanted:
            return []
        f, out = self.forecast, []
        rest = f.peak - f.static.total
        if f.static.reference:
            out.append(f"a reference by switching the adapter off saves its copy: {f.static.reference / GB:.1f} GB")
        if not load.lora and f.static.moments + f.static.gradients > f.static.weights / 2:
            saved = f.static.moments + f.static.gradients
            out.append(f"adapters (--lora 16) instead of full training save nearly {saved / GB:.1f} GB")
        if not load.checkpointing and rest > f.static.total / 4:
            out.append(
                f"--checkpointing saves most of {f.activations / GB:.1f} GB of activations for a third more time"
            )
        if load.images and self.tokens > 2 * load.words:
            out.append(
                f"pictures are {1 - load.words / self.tokens:.0%} of the tokens: smaller ones (--size) help next"
            )
        if f.static.weights > card * GB:
            out.append("the weights alone are larger than the card: a smaller language model, or several cards")
        return [f"advice: {line}" for line in out]


def plan(config: VLMRun, load: Load) -> Plan:
    """One dry run, or two of few layers. Raises PlanError for parts that the model does not have."""
    about = subject(config, load)
    run = (about.every and samples(about.text, about.every)) or ()
    layers, steps = depth(about.text), 0
    if run:
        steps = (layers - run[0]) // (run[1] - run[0])
        few, more = (_dry_run(config, load, about, n) for n in run)
        forecast = extrapolated(few.forecast, more.forecast, steps)
        sizes = Counter({part: small + steps * (more.sizes[part] - small) for part, small in few.sizes.items()})
        trained = few.trained
    else:
        forecast, sizes, trained = _dry_run(config, load, about, layers)
    flops = _flops(sizes, load, trained, about)
    return Plan(
        forecast=forecast,
        tokens=about.tokens,
        vision=about.vision,
        flops=flops,
        layers=layers,
        run=run,
        trained=trained,
    )


class _Dry(NamedTuple):
    """What one dry run told."""

    forecast: Forecast
    sizes: Counter[str]
    """Parameters of each part."""
    trained: tuple[str, ...]


def _dry_run(config: VLMRun, load: Load, about: Subject, layers: int) -> _Dry:
    sizes: Counter[str] = Counter()
    trained: tuple[str, ...] = ()

    def build() -> Any:
        nonlocal trained
        model, trained = prepared(config, load, about, layers)
        return model

    def loss(model: nn.Module) -> Tensor:
        if not sizes:  # after shared weights were tied
            sizes.update(_sizes(model, about.parts))
        with torch.autocast("cpu", torch.bfloat16, enabled=load.dtype == "mixed"):
            return about.loss(model)

    forecast = dry_run(
        build,
        loss,
        dtype=DTYPES[load.dtype],
        reference=load.reference,
        layers=about.layers,
        real_inputs=about.real_inputs,
        gpu=load.device == "cuda",
    )
    return _Dry(forecast, sizes, trained)


def _sizes(model: nn.Module, parts: Parts) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        sizes[part_of(name, parts)] += parameter.numel()
    return sizes


def fitting(config: VLMRun, load: Load, card: float, known: Plan | None = None, most: int = 1024) -> int:
    """Conversations a batch that fit `card` GB; `known` is the plan of `load`, if it was made. The peak is a convex
    function of the batch (the largest of some straight lines): beyond two known batches the straight line lies below
    it, so what it promises (at most four times as many) is run; between them it lies above, so it is safe."""
    peaks = {} if known is None else {load.batch: known.forecast.peak}

    def peak(batch: int) -> int:
        if batch not in peaks:
            peaks[batch] = plan(config, load.model_copy(update={"batch": batch})).forecast.peak
        return peaks[batch]

    limit = int(card * GB)
    if peak(1) > limit:
        return 0
    low, high = 1, 2
    while peak(high) <= limit:
        if high >= most:
            return most
        promised = high + (limit - peak(high)) * (high - low) // max(1, peak(high) - peak(low))
        if promised == high:
            return high
        low, high = high, min(most, 4 * high, promised)
    return low + (limit - peak(low)) * (high - low) // (peak(high) - peak(low))


def _flops(sizes: Mapping[str, int], load: Load, trained: Sequence[str], about: Subject) -> float:
    """See `Plan.flops`; attention's own products, small beside these, are left out."""
    back = 2 + load.checkpointing
    text = sizes["llm"] + sizes["cross"]
    encoder = 1 + back * ("encoder" in trained)
    seen = (sizes["encoder"] * encoder + sizes["connector"] * (1 + back)) * about.vision
    return 2.0 * (text * about.tokens * (1 + back) + seen)


def eight_billion() -> VLMRun:
    """SigLIP-so400m at 384 px in tiles, 81 features each, and a language model of Llama-3-8B's shape."""
    return VLMRun(
        encoder={
            "model_type": "siglip_vision_model",
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "image_size": 384,
            "patch_size": 14,
            "vision_use_head": False,
        },
        connector=Connector(kind="shuffle", merge=3),
        fusion=Fusion(),
        llm={
            "model_type": "llama",
            "vocab_size": 128256,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
        },
        resolution=Tiles(patch=14, merge=3),
        stages=(Stage(name="sft", trainable=("connector", "llm"), lr={"connector": 1e-5, "llm": 1e-5}, steps=1),),
    )


PLANNED: Final[dict[str, Callable[[], VLMRun]]] = {"8b": eight_billion, "tiny": lambda: tiny_config(curriculum(100))}
