"""STORY: a class-conditional teacher, its one- and two-step student, and the card, on real pictures that need no
download.

    digits-8      scikit-learn's handwritten digits, 8x8, residual MLP
    digits-8-sct  the same, trained on the pictures without the teacher's velocity
    digits-16     digits enlarged to 16x16, U-Net
    photos-16     16x16 colour patches of scikit-image's photographs, U-Net, one class per photograph

A third of the pictures is kept for choosing settings, a third of the rest for the card alone. Run again, each phase
goes on from where it stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

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
from sightline.generate.model import Backbone, ImageModel, ModelConfig
from sightline.generate.opening import identity
from sightline.generate.training import Progress, TrainConfig, train
from sightline.runs.image_card import Card, Plan, make_card
from sightline.runs.image_card_page import write_card
from sightline.runs.image_choice import choose
from sightline.runs.image_yardstick import Yardstick, turns


class Story(BaseModel):
    """One run from pictures to card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: str
    backbone: Backbone
    teacher: TrainConfig
    distillation: DistillConfig
    held_out: float = 1 / 3
    """Share kept for choosing settings, then share of the rest kept for the card."""
    flip: bool = False
    seeds: int = 5
    """Paired seeds of the card."""
    teacher_steps: int = 32
    """Heun steps of the card's teacher; the stored paths have their own number."""
    classifier_steps: int = 600
    """Of the classifier whose features the card compares by."""


POLISH: Final = TrainConfig(steps=600, lr=3e-5, ramp=50, cool=200, log_every=20)


def digits_8() -> Story:
    """About seven CPU-minutes."""
    return Story(
        pictures="digits-8",
        seeds=20,
        backbone=MLPConfig(shape=(1, 8, 8), classes=10),
        teacher=TrainConfig(steps=800),
        distillation=DistillConfig(
            guidance=(1.6, 1.6),
            paths=16384,
            keep=16,
            regression=TrainConfig(steps=6000, lr=1e-3, cool=3500),
            polish=POLISH,
            consistency=ConsistencyConfig(warmup=0),
        ),
    )


def digits_8_sct() -> Story:
    """The teacher of `digits_8`, and consistency training on the pictures instead of distillation (sCM's sCT)."""
    story = digits_8()
    training = TrainConfig(steps=2000, lr=1e-4, ramp=100, cool=500, log_every=20)
    consistency = ConsistencyConfig(warmup=500)
    update = {"method": "sct", "polish": training, "consistency": consistency}
    return story.model_copy(update={"distillation": story.distillation.model_copy(update=update)})


def digits_16() -> Story:
    """A small U-Net at 16x16; about ten CPU-minutes."""
    return Story(
        pictures="digits-16",
        seeds=5,
        backbone=_small_unet((1, 16, 16), 10),
        teacher=TrainConfig(steps=800, batch=64),
        distillation=DistillConfig(
            guidance=(1.2, 1.2),
            paths=4096,
            teacher_steps=16,
            keep=12,
            regression=TrainConfig(steps=1600, batch=64, lr=1e-3, cool=1000),
            polish=POLISH.model_copy(update={"steps": 120, "batch": 64, "cool": 50}),
            consistency=ConsistencyConfig(warmup=0),
        ),
    )


def photos_16() -> Story:
    """Colour patches; as long as `digits_16`."""
    update = {"pictures": "photos-16", "backbone": _small_unet((3, 16, 16), len(PHOTOGRAPHS)), "flip": True}
    return digits_16().model_copy(update=update)


def _small_unet(shape: tuple[int, int, int], classes: int) -> UNetConfig:
    """On 2 x 2 patches: half the time of the same network on pixels."""
    return UNetConfig(
        shape=shape, classes=classes, patch=2, width=32, multipliers=(1, 2), blocks=1, attention=(), heads=2
    )


def tiny() -> Story:
    """Seconds: every phase runs, nothing is learnt."""
    short = TrainConfig(steps=6, batch=16, log_every=2, checkpoint_every=3, ramp=2)
    return Story(
        pictures="digits-8",
        backbone=MLPConfig(shape=(1, 8, 8), classes=10, width=32, blocks=1),
        teacher=short,
        distillation=DistillConfig(paths=32, teacher_steps=4, keep=3, regression=short, polish=short),
        teacher_steps=4,
        classifier_steps=20,
    )


STORIES: Final[dict[str, Callable[[], Story]]] = {
    "digits-8": digits_8,
    "digits-8-sct": digits_8_sct,
    "digits-16": digits_16,
    "photos-16": photos_16,
    "tiny": tiny,
}


def placed(what: Story, device: str, times: int = 1) -> Story:
    """The run on another device, with `times` as many steps in each training and as many stored paths."""

    def longer(settings: TrainConfig) -> TrainConfig:
        more = {"steps": settings.steps * times, "cool": settings.cool * times, "device": device}
        return settings.model_copy(update=more)

    own = what.distillation
    update = {"regression": longer(own.regression), "polish": longer(own.polish), "paths": own.paths * times}
    distillation = own.model_copy(update=update)
    return what.model_copy(update={"teacher": longer(what.teacher), "distillation": distillation})


def story(name: str) -> Story:
    """By name. Raises InputError naming the others."""
    if name not in STORIES:
        raise InputError("no such run", subject=name, remedy=", ".join(STORIES))
    return STORIES[name]()


class Parts(NamedTuple):
    """Pictures to train on, to choose settings on, and to report on."""

    training: Pictures
    choice: Pictures
    confirm: Pictures


def three_parts(pictures: Pictures, share: float) -> Parts:
    """`share` of the pictures for choosing, the same share of the rest for reporting."""
    rest, choice = pictures.split(share)
    training, confirm = rest.split(share)
    return Parts(training, choice, confirm)


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
    training, choice, confirm = three_parts(embedded_pictures(what.pictures), what.held_out)
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
    pair = (load_model(out / "student").to(what.teacher.device), teacher.to(what.teacher.device))
    plan = Plan(
        title=f"student of {what.pictures}",
        guidance=what.distillation.guidance[0],
        teacher_steps=what.teacher_steps,
        seeds=what.seeds,
        classifier_steps=what.classifier_steps,
    )
    return card(pair, Parts(training, choice, confirm), out, plan)


def card(
    pair: tuple[ImageModel, ImageModel], parts: Parts, out: Path, plan: Plan, more: Mapping[str, Features] | None = None
) -> Card:
    """Choose the middle angle of the (student, teacher)'s student, measure the pair and write card.html, card.json and
    the contact sheets. `more` features are measured beside the ones trained here."""
    student, teacher = pair
    features: dict[str, Features] = {}
    if parts.training.classes:
        features["classifier"] = train_classifier(_together(parts), parts.confirm, steps=plan.classifier_steps).features
    features["pca"] = pca(parts.training)
    features |= more or {}
    strength = plan.guidance if student.config.backbone.guidance else 1.0
    choice = choose(student, Yardstick.of(parts.choice, features, student.config), strength)
    made, sheets = make_card(student, teacher, parts.training, parts.confirm, features, replace(plan, choice=choice))
    write_card(made, sheets, parts.confirm.pixels[turns(len(parts.confirm), 0)], out)
    return made


def _together(parts: Parts) -> Pictures:
    """All of them: a classifier trained on these favours no part."""
    return Pictures(
        torch.cat([part.pixels for part in parts]), torch.cat([part.labels for part in parts]), parts.training.classes
    )
