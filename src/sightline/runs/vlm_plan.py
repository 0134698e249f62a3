"""What a training run will take, before its first step: memory of every part, the largest batch that fits a card,
tokens, in plain words. The model is never filled with numbers."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from sightline.runs.vlm_stages import VLMRun, curriculum, tiny_config
from sightline.train.lora import Lora, add_lora
from sightline.train.memory import GB, Forecast, Reference, checkpointing, dry_run, split_batch
from sightline.train.memory_layers import depth, extrapolated, samples, shortened
from sightline.train.parts import PARTS, freeze_all_but, part_of
from sightline.train.stages import Stage
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import KEY, Fusion, Memory, layers_of
from sightline.vlm.model import VLM
from sightline.vlm.pretrained import config_of
from sightline.vlm.resolution import Tiles, count, crosses

DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Load(BaseModel):
    """What one step is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(default=1, ge=1)
    images: int = Field(default=1, ge=0)
    """Per conversation."""
    width: int = Field(default=1024, ge=1)
    height: int = Field(default=1024, ge=1)
    """Pixels of an image."""
    words: int = Field(default=256, ge=1)
    """Tokens of a conversation that are no picture."""
    dtype: str = "bfloat16"
    checkpointing: bool = False
    reference: Reference = "none"
    lora: int = Field(default=0, ge=0)
    """Rank of adapters on the language model; 0 for none."""
    trainable: tuple[str, ...] = ("connector", "llm")
    """Parts that train; with `lora`, the adapters alone."""
    wanted: int = Field(default=64, ge=1)
    """Conversations of one optimizer step, over all its batches."""
    rows: int = Field(default=0, ge=0)
    """Conversations of the whole training, for a forecast of time; 0 for none."""
    speed: float = Field(default=100.0, gt=0)
    """TFLOP/s that the machine achieves in training (about a third of what its maker states)."""


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
    run: tuple[int, ...] = ()
    """Numbers of layers that were run and carried on in a straight line; empty: all of them were run."""
    flops: float
    """Of one conversation, forward and backward: 2 per parameter and token that pass it, twice that again where
    gradients go back, once more where activations are computed again."""

    def words(self, load: Load, card: float = 0.0, fits: int | None = None) -> list[str]:
        """For people; `card` in GB."""
        f = self.forecast
        lines = [
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
    """One dry run. Raises PlanError for parts that the model does not have."""
    views = config.resolution.plan(load.width, load.height)
    patches = sum((v.width // config.resolution.patch) * (v.height // config.resolution.patch) for v in views.views)
    in_sequence = count(views, config.fusion.kind)
    llm = config_of(config.llm)
    run = samples(llm, 1 if config.fusion.kind == "embed" else config.fusion.every) or ()
    layers, steps = depth(llm), 0
    if run:
        steps = (layers - run[0]) // (run[1] - run[0])
        (few, small), (more, large) = (_dry_run(config, load, n) for n in run)
        forecast = extrapolated(few, more, steps)
        sizes = Counter({part: small[part] + steps * (large[part] - small[part]) for part in PARTS})
    else:
        forecast, sizes = _dry_run(config, load, layers)
    tokens, vision = load.words + load.images * in_sequence, load.images * patches
    flops = _flops(sizes, load, tokens, vision)
    return Plan(forecast=forecast, tokens=tokens, vision=vision, flops=flops, layers=layers, run=run)


def _dry_run(config: VLMRun, load: Load, layers: int) -> tuple[Forecast, Counter[str]]:
    """The forecast, and the parameters of each part."""
    sizes: Counter[str] = Counter()

    def build() -> Any:
        model = _model(config, load, layers)
        for name, parameter in model.named_parameters():
            sizes[part_of(name, PARTS)] += parameter.numel()
        return model

    forecast = dry_run(
        build,
        _loss(config, load),
        dtype=DTYPES[load.dtype],
        reference=load.reference,
        layers=lambda model: list(layers_of(model.model.language_model)),
    )
    return forecast, sizes


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


def _flops(sizes: Mapping[str, int], load: Load, tokens: int, vision: int) -> float:
    """See `Plan.flops`; attention's own products, small beside these, are left out."""
    back = 2 + load.checkpointing
    text = sizes["llm"] + sizes["cross"]
    encoder = 1 + back * ("encoder" in load.trainable and not load.lora)
    return 2.0 * (text * tokens * (1 + back) + (sizes["encoder"] * encoder + sizes["connector"] * (1 + back)) * vision)


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
        stages=(Stage(name="sft", trainable=("llm",), lr={"llm": 1e-5}, steps=1),),
    )


PLANNED: Final[dict[str, Callable[[], VLMRun]]] = {"8b": eight_billion, "tiny": lambda: tiny_config(curriculum(100))}


def _model(config: VLMRun, load: Load, layers: int) -> Any:
    llm = shortened(config_of(config.llm), layers)
    model: Any = VLM(config_of(config.encoder), config.connector, config.fusion, llm).train()
    parts = load.trainable
    if load.lora:
        with _without_bitsandbytes():
            add_lora(model, Lora(rank=load.lora))
        parts = ("lora",)
    freeze_all_but(model, parts, PARTS)
    if load.checkpointing:
        checkpointing(model)
    return model


@contextmanager
def _without_bitsandbytes() -> Iterator[None]:
    """peft imports bitsandbytes wherever it is installed: a second of CPU, and a complaint about missing kernels on
    stderr, for four-bit layers that a plan does not have. Afterwards it can be imported as ever."""
    hidden: dict[str, Any] = {"bitsandbytes": None}
    if "bitsandbytes" in sys.modules:
        hidden = {}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
            peft = sys.modules["peft.import_utils"]
            peft.is_bnb_available.cache_clear()
            peft.is_bnb_4bit_available.cache_clear()


def _loss(config: VLMRun, load: Load) -> Callable[[nn.Module], Tensor]:
    """One forward pass as training does it, on inputs without numbers."""
    each = config.resolution.plan(load.width, load.height)
    views = [view for _ in range(load.batch * load.images) for view in each.views]
    across = [crosses(view, config.fusion.kind) for view in views]

    def loss(model: Any) -> Tensor:
        sizes = [(view.height, view.width) for view in views]
        made: list[Tensor] = []
        if views:
            high, wide = max(s[0] for s in sizes), max(s[1] for s in sizes)
            pixels = torch.empty(len(views), 3, high, wide)
            made = model.model.views(model.model.encode(pixels, sizes), sizes)
        features = [one for one, crossed in zip(made, across, strict=True) if not crossed]
        seen = [one for one, crossed in zip(made, across, strict=True) if crossed]
        length = load.words + load.images * count(each, config.fusion.kind)
        embeds = model.get_input_embeddings()(torch.zeros(load.batch, length, dtype=torch.long))
        if features:
            joined = torch.cat(features).unflatten(0, (load.batch, -1))
            embeds = torch.cat([joined, embeds[:, joined.shape[1] :]], dim=1)
        labels = torch.zeros(load.batch, length, dtype=torch.long)
        mask = torch.ones(load.batch, length, dtype=torch.long)
        memory: dict[str, Any] = {}
        if seen:
            keys = torch.cat(seen).unflatten(0, (load.batch, -1))
            visible = torch.ones(load.batch, 1, length, keys.shape[1], dtype=torch.bool)
            memory = {KEY: Memory(keys, visible, visible[:, :, :1])}
        out = model(inputs_embeds=embeds, attention_mask=mask, labels=labels, use_cache=False, **memory)
        value: Tensor = out.loss
        return value

    return loss
