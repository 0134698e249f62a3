"""A person's own pictures and models: teacher, student, card. What the commands `train image`, `distill` and `card` do.

The folder of a model keeps beside it which pictures it was trained on (data.json), so that `distill` and `card` find
the same ones, with the same held-out part."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightline.core.errors import InputError
from sightline.generate.backbone.dit import DiTConfig
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.backbone.unet import UNetConfig
from sightline.generate.checkpoint import load_model
from sightline.generate.convert import TARGETS
from sightline.generate.data import PictureBatches, Pictures, load
from sightline.generate.distilling import DistillConfig, distill, student_of
from sightline.generate.features import hugging_face
from sightline.generate.latents import encode
from sightline.generate.losses import Batch, Batches, Diffusion
from sightline.generate.model import Backbone, ModelConfig, Pixels
from sightline.generate.opening import identity, open_model
from sightline.generate.processes import main_first
from sightline.generate.training import Progress, TrainConfig, train
from sightline.runs.config_file import called
from sightline.runs.image_asking import encoded
from sightline.runs.image_card import Card, Plan
from sightline.runs.image_consistency import Parts, card

Teacher = tuple[ModelConfig, TrainConfig]


class Data(BaseModel):
    """Which pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """A folder of pictures or a dataset."""
    size: int = Field(default=32, gt=0)
    """Pixels of a side; the short side is scaled to it and the middle cut out."""
    channels: int = Field(default=3, ge=1, le=3)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share that no training sees: half of it to choose settings on, half as the card's reference."""
    flip: bool = True

    def read(self, cache: Path | None = None) -> tuple[Pictures, Pictures]:
        """(training, held out)."""
        with main_first():
            pictures = load(self.source, self.size, channels=self.channels, cache=cache)
        training, held_out = pictures.split(self.held_out)
        if not len(held_out) or not len(training):
            raise InputError("too few pictures to hold some out", subject=self.source)
        return training, held_out


def train_teacher(
    name: str,
    data: Data,
    out: Path,
    *,
    path: str = "trigflow",
    settings: TrainConfig | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Train a teacher into `out`. `name` is unet, dit, mlp, or a CONFIG.py that defines run(pictures) -> (ModelConfig,
    TrainConfig). Raises InputError for a size that the network does not divide, naming the remedy."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    training, held_out = data.read(out / "cache")
    _remember(out, data)
    rejected = "".join(row.model_dump_json() + "\n" for row in training.rejected)
    (out / "rejected.jsonl").write_text(rejected, "utf-8")
    if name.endswith(".py"):
        config, chosen = _from_file(Path(name), training)
    else:
        config, chosen = _preset(name, training, path), TrainConfig()
    settings = settings or chosen
    torch.manual_seed(settings.seed)
    batches = PictureBatches(training, config.pixels, flip=data.flip, text=config.backbone.text)
    facts = {"objective": "diffusion", "data": data.model_dump(), "held_out": len(held_out)}
    record = (config, {**facts, "model": config.model_dump(mode="json")})
    return train(config.build(), Diffusion(config.frame), batches, settings, out, record=record, watch=watch)


def distill_model(
    teacher: Path,
    out: Path,
    config: DistillConfig,
    *,
    data: Data | None = None,
    watch: Callable[[str, Progress], None] = lambda phase, progress: None,
) -> Progress:
    """Distil a teacher of ours or of diffusers. Its own data.json says which pictures, unless `data` does; a teacher of
    pixels says how many channels they have. Raises InputError for pictures of another size than the teacher's."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    model = open_model(teacher, text=True)
    data = data or known_data(teacher)
    if not model.config.pixels.latent:
        data = data.model_copy(update={"channels": model.config.backbone.shape[0]})
    training, _ = data.read(out / "cache")
    out.mkdir(parents=True, exist_ok=True)
    _remember(out, data)
    student = student_of(model, config.guidance)
    batches = _batches(training, model.config, data)
    found, wanted = tuple(batches(0, 1).x0.shape[1:]), model.config.backbone.shape
    if found != wanted:
        what = "the pictures (or their latents) are not of the teacher's size"
        raise InputError(what, subject=f"{found}, not {wanted}", remedy="another --size")
    return distill(model, student, batches, config, out, model=(student.config, identity(model)), watch=watch)


def make_model_card(
    student: Path, teacher: Path, out: Path, *, guidance: float = 1.3, seeds: int = 5, features: str = ""
) -> Card:
    """Card of a finished pair on the pictures that the student's folder names: one half of the held-out ones chooses
    the middle angle, the other is the card's reference. `features`: a vision model of transformers, by folder or by
    the name it has in the local cache."""
    training, held_out = known_data(student).read(student / "cache")
    confirm, choice = held_out.split(0.5)
    if len(choice) < 2:
        raise InputError("a card needs four held-out pictures at least", subject=len(held_out), remedy="--held-out")
    opened = load_model(student)
    if opened.config.role != "student":
        raise InputError("the first model must be a student", subject=student)
    more = {f"{Path(features).name} (transformers)": hugging_face(features)} if features else {}
    plan = Plan(title=f"{student.name} of {teacher.name}", guidance=guidance, seeds=seeds)
    return card((opened, open_model(teacher, text=True)), Parts(training, choice, confirm), out, plan, more)


def known_data(folder: Path) -> Data:
    """The data.json of a model's folder. Raises InputError where there is none."""
    try:
        return Data.model_validate_json((folder / "data.json").read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError("the model does not say which pictures it knows", subject=folder, remedy="--data") from error


def _remember(out: Path, data: Data) -> None:
    """Write data.json. Raises InputError where the folder's names other pictures: a run goes on with its own."""
    if (out / "data.json").is_file() and known_data(out) != data:
        raise InputError("the folder holds a model of other pictures", subject=out, remedy="choose another --out")
    (out / "data.json").write_text(data.model_dump_json(), "utf-8")


def _batches(training: Pictures, config: ModelConfig, data: Data) -> Batches:
    """Pictures as they are, or as latents encoded once (mirrored ones are other latents, so they are encoded beside);
    captions for a model with text encoders encoded once too."""
    if config.pixels.latent and data.flip:
        training = _with_mirrored(training)
    whole = PictureBatches(training, config.pixels, flip=data.flip, text=config.backbone.text)
    if not config.pixels.latent and not config.prompts:
        return whole
    if config.pixels.latent:
        whole = PictureBatches(training, Pixels(), text=config.backbone.text)
    latents = encode(training.pixels, config.pixels) if config.pixels.latent else None
    told, which = encoded(training, config.prompts) if config.prompts else (None, None)

    def cached(step: int, size: int, /) -> Batch:
        batch = whole(step, size)
        x0 = batch.x0 if latents is None else latents[batch.rows]
        condition = batch.condition
        if told is not None and which is not None:
            condition = replace(told[which[batch.rows]], label=condition.label)
        return Batch(x0, condition, batch.rows)

    return cached


def _with_mirrored(pictures: Pictures) -> Pictures:
    rows = torch.arange(len(pictures)).repeat(2)
    pixels = torch.cat([pictures.pixels, pictures.pixels.flip(-1)])
    return replace(pictures[rows], pixels=pixels)


def _preset(name: str, pictures: Pictures, path: str) -> ModelConfig:
    """A small network for these pictures."""
    if path not in TARGETS:
        raise InputError("no such path", subject=path, remedy=", ".join(TARGETS))
    shape = tuple(pictures.pixels.shape[1:])
    longest = max((len(caption.encode()) for caption in pictures.captions), default=0)
    common: dict[str, Any] = {"shape": shape, "classes": len(pictures.classes), "text": longest}
    kinds: dict[str, type[MLPConfig | UNetConfig | DiTConfig]] = {
        "unet": UNetConfig,
        "dit": DiTConfig,
        "mlp": MLPConfig,
    }
    if name not in kinds:
        raise InputError("no such network", subject=name, remedy=f"{', '.join(kinds)} or a CONFIG.py")
    try:
        backbone: Backbone = kinds[name](**common)
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(why, subject=name, remedy="another --size") from error
    frame = TARGETS[path]
    spread = pictures.spread
    own = frame.path.model_copy(update={"sigma_data": spread.std}) if frame.path.kind != "trigflow" else frame.path
    return ModelConfig(
        backbone=backbone, frame=frame.model_copy(update={"path": own}), pixels=spread, classes=pictures.classes
    )


def _from_file(path: Path, pictures: Pictures) -> Teacher:
    match called(path, "run", pictures):
        case (ModelConfig() as config, TrainConfig() as settings):
            return config, settings
        case found:
            what = "run(pictures) must return (ModelConfig, TrainConfig)"
            raise InputError(what, subject=path, remedy=f"it returned {type(found).__name__}")
