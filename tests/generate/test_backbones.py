from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.generate.backbone.conditioning import text_bytes
from sightline.generate.backbone.dit import DiTConfig
from sightline.generate.backbone.layers import DoubleNorm, attend
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.backbone.unet import UNetConfig
from sightline.generate.denoiser import Condition
from sightline.generate.model import Backbone, Frame, ModelConfig
from sightline.generate.path import DDPM, EDM, VP, Flow

ALL = {"shape": (3, 8, 8), "classes": 4, "text": 12, "guidance": True}
BACKBONES = [
    MLPConfig(**ALL, width=32, blocks=1),
    UNetConfig(**ALL, width=16, multipliers=(1, 2), blocks=1, attention=(4,), heads=2),
    UNetConfig(**ALL, patch=2, width=16, multipliers=(1, 2), blocks=1, attention=(2,), heads=2),
    DiTConfig(**ALL, width=32, blocks=1, heads=2),
]
FRAMES = [
    Frame(),
    Frame(path=Flow(time_scale=1000), output="u", feed="state", clock="time"),
    Frame(path=DDPM.linear(), output="eps", feed="state", clock="time"),
    Frame(path=EDM(), output="F", clock="log-sigma"),
    Frame(path=VP(), output="v", feed="state"),
]


def filled(module: nn.Module, seed: int = 0) -> nn.Module:
    """Zero layers would hide everything: give them values."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if not parameter.abs().sum():
            parameter.data.normal_(std=0.1, generator=generator)
    return module.double().eval()


def condition() -> Condition:
    text = text_bytes(["파란 원", "", "a"], 12)
    return Condition(label=torch.tensor([1, -1, 3]), text=text, scale=torch.tensor([1.0, 1.3, 2.0]).double())


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: f"{f.path.kind}-{f.output}")
@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda b: b.kind)
def test_forward_mode_equals_a_finite_difference(backbone: Backbone, frame: Frame) -> None:
    model = filled(ModelConfig(backbone=backbone, frame=frame).build())
    asked = condition()
    x, push = torch.randn(2, 3, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    t, pace = torch.tensor([0.4, 1.0, 1.4]).double(), torch.tensor([0.3, 1.0, -0.5]).double()

    def f(x: Tensor, t: Tensor) -> Tensor:
        return model(x, t, asked)

    with torch.no_grad():
        _, slope = torch.func.jvp(f, (x, t), (push, pace))
        h = 1e-5
        difference = (f(x + h * push, t + h * pace) - f(x - h * push, t - h * pace)) / (2 * h)
    assert ((slope - difference).norm() / slope.norm()).item() < 1e-5


@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda b: b.kind)
def test_every_condition_reaches_the_output_and_rows_are_independent(backbone: Backbone) -> None:
    model = filled(ModelConfig(backbone=backbone).build())
    x, t = torch.randn(3, 3, 8, 8).double(), torch.full((3,), 0.7).double()
    asked = condition()
    whole = model(x, t, asked)
    assert whole.shape == x.shape
    single = torch.cat([model(x[i : i + 1], t[i : i + 1], asked[torch.tensor([i])]) for i in range(3)])
    assert torch.allclose(whole, single, atol=1e-9)
    for other in (
        Condition(torch.tensor([2, 2, 2]), asked.text, asked.scale),
        Condition(asked.label, text_bytes(["다른 글", "x", "y"], 12), asked.scale),
        Condition(asked.label, asked.text, asked.scale + 0.5),
    ):
        assert ((model(x, t, other) - whole).flatten(1).abs().amax(1) > 1e-9).all()


def test_padding_of_text_changes_nothing() -> None:
    model = filled(ModelConfig(backbone=BACKBONES[2]).build())
    x, t = torch.randn(1, 3, 8, 8).double(), torch.tensor([0.7]).double()
    short = text_bytes(["abc"], 12)
    long = torch.nn.functional.pad(short, (0, 6))
    assert torch.allclose(model(x, t, Condition(text=short)), model(x, t, Condition(text=long)), atol=1e-12)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: f"{f.path.kind}-{f.output}")
def test_a_model_in_any_frame_is_the_same_denoiser_to_1e_5(frame: Frame) -> None:
    """A network that is perfect in its own coordinates gives F, whatever it predicts."""
    x0, eps = torch.randn(2, 4, 3, 8, 8)
    t = torch.tensor([0.1, 0.5, 1.0, 1.5])
    wide = t.view(-1, 1, 1, 1)
    x, velocity = wide.cos() * x0 + wide.sin() * eps, wide.cos() * eps - wide.sin() * x0

    class Perfect(nn.Module):
        def forward(self, z: Tensor, time: Tensor, condition: Condition) -> Tensor:
            angle = t.double()
            from sightline.generate.path import combine

            time = frame.path.time(angle)
            return combine(frame.path, frame.path.sigma_data * x0.double(), eps.double(), time, frame.output).float()

    from sightline.generate.model import Network

    assert (Network(Perfect(), frame)(x, t) - velocity).abs().max() <= 1e-5


def test_time_derivative_is_bounded_by_position_and_explodes_with_fourier_16() -> None:
    def steepness(kind: str, scale: float) -> float:
        torch.manual_seed(0)
        config = MLPConfig(shape=(1, 4, 4), width=64, blocks=2, time=kind, fourier_scale=scale)  # type: ignore[arg-type]
        model = filled(config.build())
        x, t = torch.randn(64, 1, 4, 4).double(), torch.linspace(0.01, 1.56, 64).double()
        none, one = torch.zeros_like(x), torch.ones_like(t)
        return torch.func.jvp(lambda x, t: model(x, t), (x, t), (none, one))[1].abs().max().item()

    calm = steepness("positional", 0)
    assert calm < 10
    assert steepness("fourier", 0.02) < 10
    assert steepness("fourier", 16.0) > 20 * calm


def test_double_norm_has_bounded_output() -> None:
    norm = DoubleNorm(8, 16).double()
    for size in (1e-3, 1.0, 1e3):
        out = norm(size * torch.randn(5, 8).double(), size * torch.randn(5, 16).double())
        assert out.abs().max() <= 8  # at most sqrt(8) * sqrt(8) + sqrt(8), whatever goes in


def test_attention_is_softmax_attention() -> None:
    q, k, v = torch.randn(3, 2, 4, 5, 8)
    assert torch.allclose(attend(q, k, v), nn.functional.scaled_dot_product_attention(q, k, v), atol=1e-5)


def test_sizes_that_do_not_divide_are_named() -> None:
    with pytest.raises(ValidationError, match="divisible by 4"):
        UNetConfig(shape=(1, 18, 16))
    with pytest.raises(ValidationError, match="patch 2 needs sizes divisible by 8"):
        UNetConfig(shape=(1, 16, 12), patch=2)
    with pytest.raises(ValidationError, match="patches of 2"):
        DiTConfig(shape=(1, 7, 8))


def test_a_prompt_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="too long"):
        text_bytes(["가나다라마"], 12)
    model = ModelConfig(backbone=BACKBONES[0]).build()
    with pytest.raises(InputError, match="12 at most"):
        model(torch.zeros(1, 3, 8, 8), torch.ones(1), Condition(text=torch.ones(1, 13, dtype=torch.long)))
