"""STORY: a class-conditional teacher, its one- and two-step student, and the card, on real pictures that need no
download.

    digits-8      scikit-learn's handwritten digits, 8x8, residual MLP
    digits-16     the same, enlarged to 16x16, U-Net
    photos-16     16x16 colour patches of scikit-image's photographs, U-Net, one class per photograph

A third of the pictures is held out from every training and is the card's reference. Run again, each phase goes on
from where it stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from pydantic import BaseModel, ConfigDict
from torch.nn import functional

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.backbone.unet import UNetConfig
from sightline.generate.checkpoint import load_model
from sightline.generate.consistency import ConsistencyConfig
from sightline.generate.data import PictureBatches, Pictures
from sightline.generate.distilling import DistillConfig, distill, student_of
from sightline.generate.features import Features, pca, train_classifier
from sightline.generate.losses import Diffusion
from sightline.generate.model import Backbone, ModelConfig
from sightline.generate.opening import identity
from sightline.generate.training import Progress, TrainConfig, train
from sightline.runs.image_card import Card, Plan, make_card
from sightline.runs.image_card_page import write_card


class Story(BaseModel):
    """One run from pictures to card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: str
    backbone: Backbone
    teacher: TrainConfig
    distillation: DistillConfig
    held_out: float = 1 / 3
    flip: bool = False


POLISH: Final = TrainConfig(steps=600, lr=3e-5, ramp=50, cool=200, log_every=20)


def digits_8() -> Story:
    """About eight minutes on one idle core."""
    return Story(
        pictures="digits-8",
        backbone=MLPConfig(shape=(1, 8, 8), classes=10),
        teacher=TrainConfig(steps=4000, cool=1500),
        distillation=DistillConfig(
            paths=12288,
            keep=16,
            regression=TrainConfig(steps=4000, lr=1e-3, cool=2500),
            polish=POLISH,
            consistency=ConsistencyConfig(warmup=0),
        ),
    )


def digits_16() -> Story:
    """A small U-Net at 16x16; about a quarter of an hour on one idle core."""
    return Story(
        pictures="digits-16",
        backbone=_small_unet((1, 16, 16), 10),
        teacher=TrainConfig(steps=2000, batch=64, cool=1000),
        distillation=DistillConfig(
            paths=2048,
            teacher_steps=18,
            keep=12,
            regression=TrainConfig(steps=2000, batch=64, lr=1e-3, cool=1200),
            polish=POLISH.model_copy(update={"steps": 200, "batch": 64}),
            consistency=ConsistencyConfig(warmup=0),
        ),
    )


def photos_16() -> Story:
    """Colour patches; as long as `digits_16`."""
    update = {"pictures": "photos-16", "backbone": _small_unet((3, 16, 16), len(PHOTOGRAPHS)), "flip": True}
    return digits_16().model_copy(update=update)


def _small_unet(shape: tuple[int, int, int], classes: int) -> UNetConfig:
    return UNetConfig(shape=shape, classes=classes, width=16, multipliers=(1, 2, 2), blocks=1, attention=(4,), heads=2)


def tiny() -> Story:
    """Seconds: every phase runs, nothing is learnt."""
    short = TrainConfig(steps=6, batch=16, log_every=2, checkpoint_every=3, ramp=2)
    return Story(
        pictures="digits-8",
        backbone=MLPConfig(shape=(1, 8, 8), classes=10, width=32, blocks=1),
        teacher=short,
        distillation=DistillConfig(paths=32, teacher_steps=4, keep=3, regression=short, polish=short),
    )


STORIES: Final[dict[str, Callable[[], Story]]] = {
    "digits-8": digits_8,
    "digits-16": digits_16,
    "photos-16": photos_16,
    "tiny": tiny,
}


def story(name: str) -> Story:
    """By name. Raises InputError naming the others."""
    if name not in STORIES:
        raise InputError("no such run", subject=name, remedy=", ".join(STORIES))
    return STORIES[name]()


def embedded_pictures(name: str) -> Pictures:
    """Real pictures from installed packages. Raises MissingExtra where the package is not there."""
    if name.startswith("digits"):
        digits: Any = require("sklearn.datasets", "generate").load_digits()
        pixels = torch.tensor(digits.images / 16.0)[:, None]
        if name == "digits-16":
            pixels = functional.interpolate(pixels, size=(16, 16), mode="bicubic").clamp(0, 1)
        labels = torch.tensor(digits.target, dtype=torch.long)
        return Pictures((pixels * 255).round().to(torch.uint8), labels, tuple(str(i) for i in range(10)))
    return _patches()


PHOTOGRAPHS: Final = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "immunohistochemistry")


def _patches(count: int = 400, size: int = 16, shrink: int = 4) -> Pictures:
    """Patches of six photographs, cut at random places after shrinking."""
    data: Any = require("skimage.data", "generate")
    patches, labels = [], []
    generator = torch.Generator().manual_seed(0)
    for number, name in enumerate(PHOTOGRAPHS):
        photo = torch.tensor(getattr(data, name)()[..., :3]).permute(2, 0, 1).float()
        small = functional.avg_pool2d(photo, shrink)
        for _ in range(count):
            top, left = (int(torch.randint(edge - size, (1,), generator=generator)) for edge in small.shape[1:])
            patches.append(small[:, top : top + size, left : left + size].round().to(torch.uint8))
            labels.append(number)
    return Pictures(torch.stack(patches), torch.tensor(labels), PHOTOGRAPHS)


def run(what: Story, out: Path, watch: Callable[[str, Progress], None] = lambda phase, progress: None) -> Card:
    """Train the teacher (OUT/teacher), distil (OUT/student), measure and write OUT/card.html and OUT/card.json.

    Torch runs on one thread unless OMP_NUM_THREADS says otherwise: on a loaded two-core machine two threads were
    slower."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    training, held_out = embedded_pictures(what.pictures).split(what.held_out)
    config = ModelConfig(backbone=what.backbone, pixels=training.spread, classes=training.classes)
    batches = PictureBatches(training, config.pixels, flip=what.flip)
    torch.manual_seed(what.teacher.seed)
    facts = {"objective": "diffusion", "frame": config.frame.model_dump(), "pictures": what.pictures}
    train(
        config.build(),
        Diffusion(config.frame),
        batches,
        what.teacher,
        out / "teacher",
        record=(config, facts),
        watch=lambda progress: watch("teacher", progress),
    )
    teacher = load_model(out / "teacher")
    student = student_of(teacher, what.distillation.guidance)
    model = (student.config, identity(teacher))
    distill(teacher, student, batches, what.distillation, out / "student", model=model, watch=watch)
    return card(out / "student", out / "teacher", (training, held_out), out, what.distillation.guidance[0])


def card(student: Path, teacher: Path, pictures: tuple[Pictures, Pictures], out: Path, guidance: float) -> Card:
    """Measure a finished pair on (training, held-out) pictures and write card.html, card.json and the contact
    sheets."""
    training, held_out = pictures
    features: dict[str, Features] = {}
    if training.classes:
        everything = Pictures(
            torch.cat([training.pixels, held_out.pixels]),
            torch.cat([training.labels, held_out.labels]),
            training.classes,
        )
        features["classifier"] = train_classifier(everything, held_out).features
    features["pca"] = pca(training)
    made, sheets = make_card(
        load_model(student),
        load_model(teacher),
        training,
        held_out,
        features,
        Plan(title=f"{student.name} of {teacher.name}", guidance=guidance),
    )
    write_card(made, sheets, held_out.pixels, out)
    return made
