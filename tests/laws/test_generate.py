"""Laws of image generation: what must hold for every network, time and option."""

from __future__ import annotations

from math import pi

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sightline.generate.backbone.dit import DiTConfig
from sightline.generate.consistency import (
    Consistency,
    ConsistencyConfig,
    directional,
    normalised,
    tangent,
    warmup,
)
from sightline.generate.denoiser import NOTHING, Condition, both_ends
from sightline.generate.distilling import student_of
from sightline.generate.losses import Batch, Diffusion, Draw
from sightline.generate.mixture import Mixture
from sightline.generate.model import Frame, ModelConfig
from sightline.generate.path import DDPM, EDM, VP, Flow, Path, TrigFlow, combine, join, over, translate

PATHS: list[Path] = [VP(), VP(schedule="linear"), DDPM.linear(), EDM(), Flow(), Flow(noise_at=0), TrigFlow()]
ANGLE = st.floats(0.02, 1.5)
TINY = DiTConfig(shape=(2, 4, 4), width=16, blocks=1, heads=2, classes=3)


def network(seed: int, **more: object) -> nn.Module:
    torch.manual_seed(seed)
    model = ModelConfig(backbone=TINY.model_copy(update=more)).build().double().eval()
    for parameter in model.parameters():
        if not parameter.abs().sum():
            nn.init.normal_(parameter, std=0.2)
    return model


def batch(seed: int = 0, n: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.randn(n, 2, 4, 4, generator=generator, dtype=torch.float64)
    return Batch(x0, Condition(label=torch.arange(n) % 3), torch.arange(n))


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_consistency_function_is_the_identity_at_zero(seed: int) -> None:
    x, t = batch(seed).x0, torch.zeros(4).double()
    assert torch.equal(both_ends(x, t, network(seed)(x, t)).x0, x)


@given(st.sampled_from(PATHS), st.sampled_from(PATHS), ANGLE, st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_conversion_there_and_back_is_the_identity(source: Path, target: Path, angle: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x0, eps = torch.randn(2, 1, 5, generator=generator, dtype=torch.float64)
    t = source.time(torch.tensor([angle], dtype=torch.float64))
    z = join(source, source.sigma_data * x0, eps, t)
    for output in ("x0", "eps", "v", "u", "F"):
        out = combine(source, source.sigma_data * x0, eps, t, output)
        there = translate(z, t, out, (source, output), (target, "F"))
        back = translate(*there, (target, "F"), (source, output))
        scale = max(1.0, out.abs().max().item(), z.abs().max().item())
        assert (back.out - out).abs().max() <= 1e-12 * scale
        assert (back.z - z).abs().max() <= 1e-12 * scale


def exact(
    student: nn.Module, config: ConsistencyConfig, r: float, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(x, t, velocity, g) with the exact JVP."""
    b = batch(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    t = torch.rand(4, generator=generator, dtype=torch.float64) * 1.4 + 0.1
    eps = torch.randn(b.x0.shape, generator=generator, dtype=torch.float64)
    x = over(t.cos(), eps) * b.x0 + over(t.sin(), eps) * eps
    velocity = over(t.cos(), eps) * eps - over(t.sin(), eps) * b.x0
    slope, _ = directional(student, x, t, velocity, b.condition, config)
    with torch.no_grad():
        stopped = student(x, t, b.condition)
    return x, t, velocity, tangent(stopped, slope, x, t, velocity, r, config)


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_g_is_cos_t_times_the_finite_difference_of_f_along_the_path(seed: int) -> None:
    student, asked = network(seed), batch().condition
    config = ConsistencyConfig(jvp="separate", sigma_data=1.0)
    x, t, velocity, g = exact(student, config, 1.0, seed)

    def f(x: Tensor, t: Tensor) -> Tensor:
        with torch.no_grad():
            return both_ends(x, t, student(x, t, asked)).x0

    h = 1e-5
    slope = (f(x + h * velocity, t + h) - f(x - h * velocity, t - h)) / (2 * h)
    expected = over(t.cos(), x) * slope
    assert ((g - expected).norm() / expected.norm()).item() <= 1e-5


def test_central_difference_is_the_jvp() -> None:
    student = network(3)
    _, _, _, g = exact(student, ConsistencyConfig(jvp="separate"), 1.0)
    _, _, _, near = exact(student, ConsistencyConfig(jvp="difference"), 1.0)
    assert ((g - near).norm() / g.norm()).item() <= 1e-5


@pytest.mark.parametrize("form", ["scale", "rotate"])
def test_r_zero_is_diffusion(form: str) -> None:
    """At r = 0, g points from F to the velocity: the gradient of the loss is the diffusion loss's, up to its weight."""
    student = network(1)
    x, t, velocity, g = exact(student, ConsistencyConfig(warmup_form=form, sigma_data=1.0), 0.0)  # type: ignore[arg-type]
    with torch.no_grad():
        gap = velocity - student(x, t, batch().condition)
    factor = over(t.cos(), x) ** (2 if form == "scale" else 1)
    assert torch.allclose(g, factor * gap, atol=1e-12)


@pytest.mark.parametrize("form", ["scale", "rotate"])
def test_both_warm_ups_end_at_the_same_g(form: str) -> None:
    student = network(2)
    assert torch.allclose(
        exact(student, ConsistencyConfig(warmup_form=form), 1.0)[3],  # type: ignore[arg-type]
        exact(student, ConsistencyConfig(), 1.0)[3],
        atol=1e-12,
    )


def test_a_student_that_is_its_teacher_has_no_tangent_at_r_zero() -> None:
    teacher = network(5)
    terms = Consistency(ConsistencyConfig(warmup=10, guidance=(1.0, 1.0)), teacher)(teacher, batch(), Draw(0, 0), 0)
    assert terms.figures["tangent"].item() == 0.0
    assert terms.figures["mse"].item() == 0.0
    assert warmup(0, ConsistencyConfig(warmup=10)) == 0.0
    assert warmup(20, ConsistencyConfig(warmup=10)) == warmup(0, ConsistencyConfig(warmup=0)) == 1.0


def test_three_jvp_options_give_one_gradient() -> None:
    """Reused, separate and difference: the same loss and the same gradient of the student."""
    gradients = []
    for jvp in ("separate", "reused", "difference"):
        student = network(6)
        terms = Consistency(ConsistencyConfig(jvp=jvp, warmup=0), network(7))(student, batch(), Draw(0, 5), 5)  # type: ignore[arg-type]
        terms.loss.mean().backward()  # type: ignore[no-untyped-call]
        gradients.append(torch.cat([p.grad.flatten() for p in student.parameters() if p.grad is not None]))
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)
    assert ((gradients[0] - gradients[2]).norm() / gradients[0].norm()).item() < 1e-5


def test_the_exact_student_of_gaussian_data_has_no_tangent() -> None:
    """Where f is the true consistency function, df/dt is zero along the true flow."""
    data = Mixture(torch.zeros(1, 6).double(), torch.tensor([0.5]).double(), torch.ones(1).double())

    def student(x: Tensor, t: Tensor, condition: Condition = NOTHING, /) -> Tensor:
        ends = data.flow(x, t, torch.zeros_like(t))
        return (t.cos()[:, None] * x - ends) / t.sin()[:, None]

    x, t = torch.randn(5, 6).double(), torch.linspace(0.2, 1.5, 5).double()
    velocity = data(x, t)
    slope, _ = directional(student, x, t, velocity, NOTHING, ConsistencyConfig(jvp="separate"))
    g = tangent(student(x, t), slope, x, t, velocity, 1.0, ConsistencyConfig())
    assert g.abs().max() < 1e-12


@pytest.mark.parametrize("norm", ["sample", "rms", "clip"])
def test_normalised_tangents_are_bounded_and_keep_their_direction(norm: str) -> None:
    g = torch.randn(3, 2, 4, 4).double() * torch.tensor([1e-3, 1.0, 1e3]).double().view(3, 1, 1, 1)
    out = normalised(g, ConsistencyConfig(norm=norm))  # type: ignore[arg-type]
    limit = {"sample": 1.0, "rms": 32**0.5, "clip": 32**0.5}[norm]
    assert (out.flatten(1).norm(dim=1) <= limit).all()
    assert (out.sign() == g.sign()).all()
    if norm != "clip":
        cosine = nn.functional.cosine_similarity(g.flatten(1), out.flatten(1))
        assert torch.allclose(cosine, torch.ones(3).double())


def test_loss_of_the_perfect_teacher_on_gaussian_data_is_the_known_constant() -> None:
    data = Mixture(torch.zeros(1, 4).double(), torch.tensor([0.6]).double(), torch.ones(1).double())

    class Perfect(nn.Module):
        def forward(self, x: Tensor, t: Tensor, condition: Condition, raw: bool = True) -> Tensor:
            return data(x, t)

    generator = torch.Generator().manual_seed(0)
    rows = Batch(data.sample(200_000, generator), NOTHING, torch.arange(200_000))
    terms = Diffusion(Frame(path=TrigFlow(sigma_data=1.0)), drop=0.0)(Perfect(), rows, Draw(0, 0), 0)
    assert terms.loss.mean().item() == pytest.approx(data.least_loss(terms.t).mean().item(), rel=0.01)


@given(st.floats(0.05, pi / 2 - 0.05), st.floats(0.1, 2.0))
@settings(max_examples=40, deadline=None)
def test_least_loss_is_the_conditional_variance(angle: float, std: float) -> None:
    """From the joint covariance of (x_t, dx/dt), independently of the formula."""
    data = Mixture(torch.zeros(1, 1).double(), torch.tensor([std]).double(), torch.ones(1).double())
    t = torch.tensor([angle]).double()
    c, s = t.cos(), t.sin()
    variance_x, variance_v, both = c**2 * std**2 + s**2, s**2 * std**2 + c**2, c * s * (1 - std**2)
    assert torch.allclose(data.least_loss(t), variance_v - both**2 / variance_x)


def test_a_student_begins_as_its_teacher_and_takes_guidance_where_it_is_a_range() -> None:
    teacher = network(8).float()
    x, t = batch().x0.float(), torch.full((4,), 0.8)
    for guidance in ((1.3, 1.3), (1.0, 2.0)):
        student = student_of(teacher, guidance).eval()  # type: ignore[arg-type]
        asked = Condition(label=torch.tensor([0, 1, 2, -1]), scale=torch.full((4,), 1.7))
        assert torch.equal(student(x, t, asked), teacher(x, t, asked))
        assert student.config.backbone.guidance == (guidance[0] < guidance[1])
