"""A run from a config to a model folder: build or load the model, fit the rows, train by stages, score checkpoints,
write the best as a plain folder. One way for models of parts and for ready ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn
from transformers import PreTrainedTokenizerBase

from sightline.core.errors import InputError, PlanError
from sightline.core.fingerprint import fingerprint
from sightline.core.message import Message
from sightline.core.record import claim
from sightline.generate.processes import usable
from sightline.runs.vlm_exam import Check
from sightline.runs.vlm_tasks import Task
from sightline.train.checkpoint import save_folder, write_whole
from sightline.train.feature_cache import Featured, Remembered, sees
from sightline.train.lora import Lora, add_lora, plain_state, save_adapter
from sightline.train.machine import Machine
from sightline.train.memory import checkpointing
from sightline.train.packing import epochs, epochs_of_packs, make_packable, packed
from sightline.train.parts import LORA, PARTS, Parts
from sightline.train.stages import Choice, Course, Data, Progress, Source, Stage, Watch, train
from sightline.vlm.chat import whole_model
from sightline.vlm.config import context_of
from sightline.vlm.connector import Connector
from sightline.vlm.fusion import Fusion
from sightline.vlm.model import VLM
from sightline.vlm.pixels import stacked
from sightline.vlm.pretrained import Named, colours_of, encoder_of, language_model_of, tokenizer_of
from sightline.vlm.reader import VLMReader, reader_for
from sightline.vlm.ready.kit import ReadyReader
from sightline.vlm.resolution import FRAMES, Resolution
from sightline.vlm.row_budget import Fit, fitted_rows, told
from sightline.vlm.tokenizer import byte_tokenizer

OF_PARTS: Final = ("encoder", "connector", "fusion", "llm", "resolution", "words")
"""What a model from parts is made of, and a whole one brings along."""


CHANGEABLE: Final = ("checkpointing", "device", "features", "keep_adapter")
"""What may differ when a run goes on."""


class VLMRun(BaseModel):
    """Everything that decides a run. The model is either whole (`model`), or made of `encoder`, `connector`, `fusion`,
    `llm` and `resolution`. Encoder and language model are transformers configs as JSON ("model_type" names the family;
    they start random), or folders or hub ids (their weights and tokenizer are loaded)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    """A whole model: a folder that `train vlm` wrote, or a ready one of transformers, as a folder or hub id."""
    encoder: Named | None = None
    connector: Connector = Connector()
    fusion: Fusion = Fusion()
    llm: Named | None = None
    resolution: Resolution | None = None
    stages: tuple[Stage, ...] = Field(min_length=1)
    lora: Lora | None = None
    """Adapters, for stages that train the part "lora". OUT/model is a plain model with the adapters added in."""
    keep_adapter: bool = False
    """Write the adapters by themselves too: OUT/adapter, as peft keeps them."""
    tasks: dict[str, Task] = {}
    """What is learned from the rows that go by a name: "answer" (where none is given), "locate", "read", "show"."""
    checks: tuple[Check, ...] = (Check(),)
    """How the best checkpoint is told, on rows held out; without any, or without such rows, the last one is kept."""
    hold: float = Field(default=0.1, ge=0, lt=1)
    """Share of the training rows held out for the checks, by whole documents."""
    words: tuple[str, ...] = ()
    """What the tokenizer holds as one token each; everything else is spelled in bytes."""
    batch: int = Field(default=16, ge=1)
    """Conversations per batch, where rows are padded."""
    by_length: bool = False
    """Rows of like length share a batch: less padding, but a batch of short answers then holds one answer alone."""
    pack: int = Field(default=0, ge=0)
    """Tokens of a pack; 0 pads instead. Only for language models with a leak test."""
    checkpointing: bool = False
    """Compute activations of the parts that train again in the backward pass instead of keeping them: about a third
    more time, the same gradients. A frozen language model keeps its own."""
    frames: int = Field(default=FRAMES, ge=1)
    """Of a video at most; evenly sampled, one a second where it is short."""
    picture_budget: int | None = Field(default=None, ge=1)
    """Tokens that one picture may take; larger ones are shrunk."""
    longest: int | None = Field(default=None, ge=1)
    """Tokens of a conversation; longer ones get smaller pictures, then are split between questions, else refused."""
    features: bool | None = None
    """Where the encoder is frozen its features are computed once and kept in OUT/features (losses equal to 1e-6). None:
    wherever the encoder can run alone, which those of ready models and of sharded ones cannot."""
    device: str = "cpu"
    """Where it trains and answers, as torch names it: "cpu", "cuda", "cuda:1"."""
    precision: Literal["float32", "bfloat16", "mixed"] | None = None
    """Of weights, gradients and moments. "mixed": these in float32, products of matrices in bfloat16, so that what a
    small rate adds is kept; bfloat16 alone takes half the memory and loses it. None: as a checkpoint has it, else
    float32."""
    sharded: bool = False
    """Several processes hold a part of the model each (FSDP2), instead of all of it. Start them by `torchrun`."""
    seed: int = 0

    @model_validator(mode="after")
    def _one_model(self) -> VLMRun:
        given = [name for name in OF_PARTS if getattr(self, name) != type(self).model_fields[name].default]
        if self.model is not None and given:
            raise ValueError(f"`model` is a whole model: it brings its own {', '.join(given)}")
        if self.model is None and (lacking := {"encoder", "llm", "resolution"} - set(given)):
            raise ValueError(f"without `model`, these are needed: {', '.join(sorted(lacking))}")
        return self

    @model_validator(mode="after")
    def _names(self) -> VLMRun:
        names = [stage.name for stage in self.stages]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two stages are called {twice!r}")
        return self

    @model_validator(mode="after")
    def _adapters(self) -> VLMRun:
        training = [stage.name for stage in self.stages if LORA in stage.trainable]
        if self.lora is None and training:
            raise ValueError(f"stage {training[0]!r} trains {LORA!r}, but the run has no adapters: set lora.rank")
        if self.lora is None and self.keep_adapter:
            raise ValueError("keep_adapter without lora: there are no adapters to keep")
        if self.lora is not None and not training:
            raise ValueError(f"lora is set, but no stage trains {LORA!r}: name it in a stage's trainable and lr")
        adapted = () if self.lora is None else self.lora.parts
        for stage in self.stages:
            if clash := sorted(set(adapted) & set(stage.trainable)):
                raise ValueError(
                    f"stage {stage.name!r} trains {', '.join(clash)} in full beneath its own adapter: "
                    f"name {LORA!r} in its place"
                )
        if self.sharded and self.lora is not None and self.lora.bits:
            raise ValueError("four-bit layers cannot be sharded: lora.bits=null or sharded=false")
        return self

    def build(self) -> tuple[Any, VLMReader | ReadyReader]:
        """Model and reader. What is not loaded is random from `seed`; a byte tokenizer where the language model brings
        none."""
        torch.manual_seed(self.seed)
        model: Any
        model, reader = self._made() if self.model is None else whole_model(self.model)
        if self.precision is not None:
            model.to(torch.bfloat16 if self.precision == "bfloat16" else torch.float32)
        if self.checkpointing:
            checkpointing(model)
        if self.lora is not None:
            add_lora(model, self.lora, parts_of(reader))
        return model, reader

    def _made(self) -> tuple[VLM, VLMReader]:
        assert self.encoder is not None
        assert self.llm is not None
        assert self.resolution is not None
        encoder, llm = encoder_of(self.encoder), language_model_of(self.llm)
        try:
            model = VLM(encoder, self.connector, self.fusion, llm)
        except (ValueError, AttributeError, RuntimeError) as error:  # of transformers, for parts of another kind
            what = " ".join(str(error).split())[:200]
            kinds = " + ".join(type(one).__name__ for one in (encoder, llm))
            raise InputError(f"no model can be made of these parts ({what})", subject=kinds) from error
        return model, reader_for(model, self.tokenizer(), self.resolution, *colours_of(self.encoder))

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The language model's own, or one token per byte and per word of `words`."""
        return (self.llm and tokenizer_of(self.llm)) or byte_tokenizer(self.words)

    def fitted(self, reader: VLMReader | ReadyReader, row: Sequence[Message]) -> Fit:
        """One conversation within the limits. Raises Reject where it cannot be."""
        return fitted_rows(reader, row, self.longest or sys.maxsize, picture_budget=self.picture_budget)

    def data(self, model: Any, reader: VLMReader | ReadyReader, rows: Sequence[Any], out: Path) -> Data | Source:
        """Rows -> a batch per step."""
        if self.pack:
            make_packable(model)
        together = reader.packed if isinstance(reader, ReadyReader) else partial(packed, stack=stacked)

        def batches(rows: Sequence[Any]) -> Data:
            if self.pack:
                return epochs_of_packs(rows, self.pack, together, self.seed)
            return epochs(rows, self.batch, reader.collate, self.seed, by_length=self.by_length)

        tower = reader.tower() if isinstance(reader, ReadyReader) else None
        wanted = self.features
        if wanted is None:
            wanted = (tower is not None or sees(model.model)) and not self.sharded
        if not wanted:
            return batches(rows)
        place = out / "features"
        return Featured(rows, batches, place) if tower is None else Remembered(batches(rows), tower, place)


def parts_of(reader: VLMReader | ReadyReader) -> Parts:
    """The parts of the model that this reader was made for."""
    return reader.parts if isinstance(reader, ReadyReader) else PARTS


@dataclass(frozen=True, slots=True)
class Exam:
    """How checkpoints are told apart: figures by task, higher is better, and how much each counts."""

    ask: Callable[[Any, VLMReader | ReadyReader], Mapping[str, float]]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """What `run` made."""

    course: Course
    model: Any
    """That of OUT/model, in evaluation mode."""
    reader: VLMReader | ReadyReader
    lengths: dict[str, str]
    """Per data: how many conversations were shrunk or split, in words."""


def run(
    config: VLMRun,
    rows: Mapping[str, Sequence[tuple[Message, ...]]],
    out: Path,
    exam: Exam | None = None,
    tell: Callable[[Progress], None] | None = None,
) -> Result:
    """Train on `rows` (by the names that stages use) and write OUT/model; goes on from OUT. The `exam` is held at every
    save, and the best of these checkpoints becomes OUT/model; without it the last one does. `tell` hears of every step.
    Raises what `train` does, PlanError for a row longer than the language model's context, InputError where OUT holds a
    dataset, or a run of another config or other rows, or the device is not there, and Reject for a row that cannot be
    encoded (filter them first)."""
    machine = Machine(device=usable(config.device), mixed=config.precision == "mixed", sharded=config.sharded)
    claim(out, "train-vlm")
    model, reader = config.build()
    fits = {name: [config.fitted(reader, row) for row in given] for name, given in rows.items()}
    _check_lengths(model, [len(row.ids) for given in fits.values() for fit in given for row in fit.rows])
    _begin(config, rows, out, machine)
    data = {
        name: config.data(model, reader, [row for fit in given for row in fit.rows], out)
        for name, given in fits.items()
    }

    def keep() -> None:
        state = plain_state(model)  # every process of a sharded model has a hand in it
        if not machine.rank:
            save_folder(out / "model", partial(_write, model, reader, state))
            if config.keep_adapter:
                save_folder(out / "adapter", partial(save_adapter, model))

    def judge(_: nn.Module) -> Mapping[str, float]:
        assert exam is not None
        return exam.ask(model, reader)

    watch = Watch(tell=tell)
    if exam is not None:
        watch = Watch(judge=judge, choice=Choice(weights=dict(exam.weights)), keep=keep, tell=tell)
    course = train(model, config.stages, data, out, parts=parts_of(reader), watch=watch, machine=machine)
    if exam is None:
        keep()
    if not machine.rank:
        write_whole(out / "run.json", config.model_dump_json(indent=1).encode())
    machine.wait()
    lengths = {name: told(given) for name, given in fits.items()}
    chosen, own = whole_model(out / "model")
    return Result(course, chosen.to(next(model.parameters()).device), own, lengths)


def _begin(config: VLMRun, rows: Mapping[str, Sequence[tuple[Message, ...]]], out: Path, machine: Machine) -> None:
    """Write OUT/begun.json, or compare with it: going on with other rows would give the model of the old ones."""
    path = out / "begun.json"
    own = {**config.model_dump(mode="json", exclude=set(CHANGEABLE)), "rows": fingerprint(rows)}
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        if odd := [name for name in own if held.get(name) != own[name]]:
            what = f"the folder holds a run with other {', '.join(odd)}"
            raise InputError(what, subject=out, remedy="choose another --out")
    elif not machine.rank:
        write_whole(path, json.dumps(own, indent=1).encode())


def _check_lengths(model: Any, lengths: Sequence[int]) -> None:
    longest, places = max(lengths, default=0), context_of(model.config)
    if longest > places:
        raise PlanError(
            f"a conversation takes {longest} tokens, the language model has {places} places",
            remedy=f"longest={places} shrinks, splits or refuses longer ones",
        )


def _write(model: Any, reader: VLMReader | ReadyReader, state: dict[str, Any], folder: Path) -> None:
    model.save_pretrained(folder, state_dict=state)
    reader.save_pretrained(folder)
