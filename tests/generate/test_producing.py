from __future__ import annotations

import io

import pytest
import torch
from PIL import Image
from torch import nn

from sightline.core.errors import InputError, ModelError
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.consistency import Watch
from sightline.generate.denoiser import Condition
from sightline.generate.model import ImageModel, ModelConfig, Pixels
from sightline.generate.picture import contact_sheet, png
from sightline.generate.producing import Recipe, produce


def model(**more: object) -> ImageModel:
    torch.manual_seed(0)
    backbone = MLPConfig(shape=(1, 4, 4), classes=3, width=32, blocks=1, guidance=bool(more.pop("guidance", False)))
    built = ModelConfig(backbone=backbone, **more).build().eval()  # type: ignore[arg-type]
    for parameter in built.parameters():
        if not parameter.abs().sum():
            nn.init.normal_(parameter, std=0.2)
    return built


@pytest.mark.parametrize(
    ("role", "recipe"),
    [
        ("student", Recipe(steps=2)),
        ("teacher", Recipe(steps=4, guidance=1.5)),
        ("teacher", Recipe(steps=6, sampler="ddpm")),
        ("teacher", Recipe(steps=6, sampler="dpmpp-2m")),
        ("teacher", Recipe(steps=6, sampler="ddim", guidance=2.0, interval=(0.1, 2.0))),
    ],
)
def test_a_batch_of_n_is_n_batches_of_one(role: str, recipe: Recipe) -> None:
    used, asked = model(role=role), Condition(label=torch.tensor([0, 1, 2, 0, 1]))
    whole = produce(used, 5, recipe, asked)
    small = produce(used, 5, Recipe(**{**_fields(recipe), "batch": 2}), asked)
    assert torch.allclose(whole.units, small.units, atol=1e-5)
    assert whole.evaluations == pytest.approx(small.evaluations)


def _fields(recipe: Recipe) -> dict[str, object]:
    return {name: getattr(recipe, name) for name in recipe.__slots__}


def test_the_guidance_interval_saves_evaluations() -> None:
    asked = Condition(label=torch.zeros(2, dtype=torch.long))
    whole = produce(model(), 2, Recipe(steps=10, sampler="ddim", guidance=2.0), asked).evaluations
    part = produce(model(), 2, Recipe(steps=10, sampler="ddim", guidance=2.0, interval=(0.1, 2.0)), asked).evaluations
    assert whole == 20
    assert 10 < part < 20


def test_a_class_that_the_model_does_not_have_is_named() -> None:
    for label in (3, 7):  # 3 of 3 would be the unconditional one
        with pytest.raises(InputError, match=f"no such class: {label} - 0 to 2"):
            produce(model(), 1, Recipe(), Condition(label=torch.tensor([label])))


def test_guidance_is_an_input_of_a_student_that_takes_it() -> None:
    student, asked = model(role="student", guidance=True), Condition(label=torch.zeros(2, dtype=torch.long))
    low, high = (produce(student, 2, Recipe(steps=1, guidance=g), asked) for g in (1.2, 1.9))
    assert high.evaluations == 1
    assert (low.units - high.units).abs().max() > 1e-6
    with pytest.raises(InputError, match="built in"):
        produce(model(role="student"), 2, Recipe(steps=1, guidance=1.5), asked)


def test_a_contact_sheet_holds_every_picture() -> None:
    pictures = torch.zeros(10, 3, 4, 4, dtype=torch.uint8)
    pictures[9] = 200
    sheet = Image.open(io.BytesIO(contact_sheet(pictures, columns=4, side=8)))
    assert sheet.size == (4 * 10 + 2, 3 * 10 + 2)
    assert sheet.getpixel((2 + 10 + 3, 2 + 20 + 3)) == (200, 200, 200)
    assert Image.open(io.BytesIO(png(pictures[0, :1]))).size == (4, 4)


def test_diverging_tangents_stop_the_run_with_advice() -> None:
    watch = Watch(factor=4, window=10)
    for step in range(10):
        watch.see(0.3, step)

    def grow() -> None:
        for step in range(10, 30):
            watch.see(0.3 * 1.5 ** (step - 10), step)

    with pytest.raises(ModelError, match=r"diverges.*warm-up"):
        grow()
    calm = Watch(factor=4, window=10)
    for step in range(200):
        calm.see(0.3 + (5.0 if step % 10 == 0 else 0.0), step)


def test_pixels_are_clipped_not_wrapped() -> None:
    from sightline.generate.model import to_pixels

    assert to_pixels(torch.tensor([[[[-9.0, 9.0]]]]), Pixels()).flatten().tolist() == [0, 255]
