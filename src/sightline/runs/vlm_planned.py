"""What is planned: a model without numbers, and what one step of its training gives it. Models of parts and whole ones
become the same `Subject`, so that there is one planner."""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch and transformers leave many of their functions untyped.
import dataclasses
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Literal

import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, PreTrainedConfig

from sightline.core.media import MediaRef
from sightline.core.message import Message, Picture
from sightline.runs.vlm_run import VLMRun
from sightline.train.lora import Lora, add_lora
from sightline.train.memory import Reference, checkpointing
from sightline.train.memory_layers import shortened
from sightline.train.parts import LORA, PARTS, Parts, freeze_all_but, part_of
from sightline.vlm.chat import whole_reader
from sightline.vlm.fusion import KEY, Memory, layers_of
from sightline.vlm.model import VLM
from sightline.vlm.picture_plan import View
from sightline.vlm.pretrained import config_of
from sightline.vlm.reader import VLMReader
from sightline.vlm.ready.kit import ReadyReader
from sightline.vlm.resolution import FusionKind, count, crosses
from sightline.vlm.rows import IGNORED

DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "mixed": torch.float32}
"""Of weights, gradients and moments."""


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
    """One of `DTYPES`; "mixed": products of matrices in bfloat16."""
    device: Literal["cuda", "cpu"] = "cuda"
    """A GPU's attention keeps other tensors than a CPU's."""
    checkpointing: bool = False
    reference: Reference = "none"
    lora: int = Field(default=0, ge=0)
    """Rank of adapters on the language model, which then train alone; 0: those of the config, if it has any."""
    trainable: tuple[str, ...] = ()
    """Parts that train; empty: the stage of the config that trains most."""
    wanted: int = Field(default=64, ge=1)
    """Conversations of one optimizer step, over all its batches."""
    rows: int = Field(default=0, ge=0)
    """Conversations of the whole training, for a forecast of time; 0 for none."""
    speed: float = Field(default=100.0, gt=0)
    """TFLOP/s that the machine achieves in training (about a third of what its maker states)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model under one load."""

    text: PreTrainedConfig
    """The language model's config, or one that holds it."""
    every: int
    """Layers of the language model from one that has something added to the next; 0: they are not equal."""
    tokens: int
    """Of one conversation in the language model's sequence."""
    vision: int
    """Patches of one conversation that the encoder works through."""
    parts: Parts
    build: Callable[[int], Any]
    """With so many layers of the language model."""
    loss: Callable[[nn.Module], Tensor]
    layers: Callable[[Any], Sequence[nn.Module]]
    real_inputs: bool


def subject(config: VLMRun, load: Load) -> Subject:
    """Raises InputError where a folder holds no such model, Reject for a picture of a refused shape."""
    return _of_parts(config, load) if config.model is None else _whole(config.model, load)


def prepared(config: VLMRun, load: Load, about: Subject, layers: int) -> tuple[Any, tuple[str, ...]]:
    """A model as training begins with it, and the parts that train. Raises PlanError for parts it lacks."""
    model = about.build(layers).train()
    lora = Lora(rank=load.lora) if load.lora else config.lora
    if lora is not None:
        with _without_bitsandbytes():
            add_lora(model, lora.model_copy(update={"bits": None}), about.parts)
    choices = [load.trainable] if load.trainable else [stage.trainable for stage in config.stages]
    if load.lora:
        choices = [(LORA,)]
    trained = max(choices, key=lambda parts: _size(model, parts, about.parts))
    freeze_all_but(model, trained, about.parts)
    if load.checkpointing:
        checkpointing(model)
    return model, trained


def _size(model: nn.Module, trained: Sequence[str], parts: Parts) -> int:
    return sum(one.numel() for name, one in model.named_parameters() if part_of(name, parts) in trained)


def _of_parts(config: VLMRun, load: Load) -> Subject:
    encoder, llm, resolution = config.encoder, config.llm, config.resolution
    assert encoder is not None
    assert llm is not None
    assert resolution is not None
    each = resolution.plan(load.width, load.height)
    patches = sum(map(resolution.encoded, each.views))
    length = load.words + load.images * count(each, config.fusion.kind)
    text = config_of(llm)

    def build(layers: int) -> VLM:
        model = VLM(config_of(encoder), config.connector, config.fusion, shortened(text, layers))
        model.model.config.crops = resolution.crops
        return model

    return Subject(
        text=text,
        every=1 if config.fusion.kind == "embed" else config.fusion.every,
        tokens=length,
        vision=load.images * patches,
        parts=PARTS,
        build=build,
        loss=_loss(list(each.views) * (load.batch * load.images), config.fusion.kind, (load.batch, length), load.words),
        layers=lambda model: list(layers_of(model.model.language_model)),
        real_inputs=True,
    )


def _loss(
    views: Sequence[View], fusion: FusionKind, shape: tuple[int, int], words: int
) -> Callable[[nn.Module], Tensor]:
    """One forward pass as training does it, on inputs without numbers: no mask, and the head behind `words` of the
    tokens of a row, as if each was trained."""
    batch, length = shape
    across = [crosses(view, fusion) for view in views]
    sizes = [(view.height, view.width) for view in views]

    def loss(model: Any) -> Tensor:
        made: list[Tensor] = []
        if views:
            high, wide = max(s[0] for s in sizes), max(s[1] for s in sizes)
            pixels = torch.empty(len(views), 3, high, wide, dtype=torch.float32)  # as a reader gives them
            made = model.model.views(model.model.encode(pixels, sizes), sizes)
        features = [one for one, crossed in zip(made, across, strict=True) if not crossed]
        seen = [one for one, crossed in zip(made, across, strict=True) if crossed]
        embeds = model.get_input_embeddings()(torch.zeros(batch, length, dtype=torch.long))
        if features:
            joined = torch.cat(features).unflatten(0, (batch, -1))
            embeds = torch.cat([joined, embeds[:, joined.shape[1] :]], dim=1)
        memory: dict[str, Any] = {}
        if seen:
            keys = torch.cat(seen).unflatten(0, (batch, -1))
            visible = torch.ones(batch, 1, length, keys.shape[1], dtype=torch.bool)
            memory = {KEY: Memory(keys, visible, visible[:, :, :1])}
        hidden = model.model(inputs_embeds=embeds, use_cache=False, **memory).last_hidden_state
        value: Tensor = model.scored(
            hidden[:, -words:].flatten(0, 1).clone(), torch.zeros(batch * words, dtype=torch.long)
        )
        return value

    return loss


def _whole(name: str, load: Load) -> Subject:
    """Its own reader makes the batch, so that pixels, grids and masks are those of training."""
    config, reader = whole_reader(name)
    parts = reader.parts if isinstance(reader, ReadyReader) else PARTS
    row = _row(reader, load)
    made = reader.collate([row] * load.batch)
    dtype = DTYPES[load.dtype]
    batch = {key: value.to(dtype) if value.is_floating_point() else value for key, value in made.items()}
    home = next(prefix for prefix in parts["llm"] if prefix != "lm_head.").removesuffix(".")

    def build(layers: int) -> Any:
        return AutoModelForImageTextToText.from_config(shortened(config, layers))

    def loss(model: Any) -> Tensor:
        value: Tensor = model(**{key: one.clone() for key, one in batch.items()}, use_cache=False).loss
        return value

    vision = config.vision_config
    side = getattr(config, "patch", None) or vision.patch_size
    per_patch = (
        3 * getattr(vision, "temporal_patch_size", 1) * (side[0] * side[1] if isinstance(side, list) else side**2)
    )
    pixels = made["pixel_values"].numel() if load.images else 0
    every = getattr(reader, "fusion", "embed") != "embed" and config.fusion["every"]
    return Subject(
        text=config,
        every=0 if config.model_type == "mllama" else int(every) or 1,
        tokens=len(row.ids),
        vision=pixels // per_patch // load.batch,
        parts=parts,
        build=build,
        loss=loss,
        layers=lambda model: list(layers_of(model.get_submodule(home))),
        real_inputs=True,
    )


def _row(reader: VLMReader | ReadyReader, load: Load) -> Any:
    """A conversation with so many pictures (white: all zeros would count as filling), and words up to what is asked."""
    out = BytesIO()
    Image.new("RGB", (load.width, load.height), "white").save(out, "PNG")
    ref = MediaRef(sha256=hashlib.sha256(out.getvalue()).hexdigest(), media_type="image/png")
    pictures = [Picture(ref=ref, data=out.getvalue())] * load.images
    row = reader.encode([Message.of("user", *pictures, "a"), Message.of("assistant", "a")])
    taken = sum(reader.taken(one) for one in pictures)
    more = row.ids[-1].expand(max(0, load.words + taken - len(row.ids)))
    return dataclasses.replace(
        row, ids=torch.cat([row.ids, more]), labels=torch.cat([row.labels, torch.full_like(more, IGNORED)])
    )


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
