from __future__ import annotations

from itertools import product
from math import atan, pi

import pytest
import torch
from pydantic import TypeAdapter

from sightline.core.errors import InputError
from sightline.generate.model import Frame
from sightline.generate.path import DDPM, EDM, VP, Ends, Flow, Path, TrigFlow, combine, ends, join, move, translate
from sightline.generate.weighting import same_training, weight_over_log_snr

PATHS = [
    VP(),
    VP(schedule="linear"),
    VP(sigma_data=0.5),
    DDPM.linear(),
    DDPM.linear(beta_start=0.00085, beta_end=0.012, power=0.5),
    EDM(),
    EDM(sigma_data=1.0),
    Flow(),
    Flow(noise_at=0),
    Flow(time_scale=1000, sigma_data=0.5),
    TrigFlow(),
    TrigFlow(sigma_data=1.0),
]
OUTPUTS = ["x0", "eps", "v", "u", "F"]
ANGLES = torch.linspace(0.05, 1.5, 30, dtype=torch.float64)


def data(path: Path, seed: int = 0) -> Ends:
    generator = torch.Generator().manual_seed(seed)
    x0, eps = torch.randn(2, len(ANGLES), 3, 4, 4, generator=generator, dtype=torch.float64)
    return Ends(path.sigma_data * x0, eps)


@pytest.mark.parametrize("source", PATHS, ids=repr)
def test_angle_and_time_are_inverse(source: Path) -> None:
    assert (source.angle(source.time(ANGLES)) - ANGLES).abs().max() <= 1e-12


@pytest.mark.parametrize(("source", "target"), list(product(PATHS, PATHS)), ids=lambda p: p.kind)
def test_any_output_to_any_other_and_back_is_exact_to_1e_12(source: Path, target: Path) -> None:
    x0, eps = data(source)
    t = source.time(ANGLES)
    z = join(source, x0, eps, t)
    for start, end in product(OUTPUTS, OUTPUTS):
        out = combine(source, x0, eps, t, start)
        there = translate(z, t, out, (source, start), (target, end))
        scaled = target.sigma_data / source.sigma_data * x0
        expected = combine(target, scaled, eps, there.t, end)
        assert (there.out - expected).abs().max() <= 2e-12 * max(1.0, expected.abs().max().item())
        back = translate(*there, (target, end), (source, start))
        for got, want in ((back.z, z), (back.t, t), (back.out, out)):
            assert (got - want).abs().max() <= 1e-12 * max(1.0, want.abs().max().item()), (start, end)


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_rates_are_the_derivatives(path: Path) -> None:
    t, h = path.time(torch.tensor([0.3, 0.7, 1.2], dtype=torch.float64)), 1e-5
    if path.kind == "ddpm":
        t = t.floor() + 0.5
    rates, above, below = path.rates(t), path.coefficients(t + h), path.coefficients(t - h)
    for rate, high, low in zip(rates, above, below, strict=True):
        assert torch.allclose(rate, (high - low) / (2 * h), rtol=1e-5, atol=1e-9)


def test_published_relations_between_trigflow_and_the_others() -> None:
    """The rows of sCM's and SANA-Sprint's tables, written out as printed there."""
    sd, trig = 0.5, TrigFlow()
    x0, eps = data(trig)
    t = ANGLES
    x_t, c, s = join(trig, x0, eps, t), t.cos().view(-1, 1, 1, 1), t.sin().view(-1, 1, 1, 1)
    F = (c * sd * eps - s * x0) / sd
    sigma = sd * t.tan()
    assert torch.allclose(EDM().time(t), sigma)
    edm = join(EDM(), x0, eps, sigma)
    assert torch.allclose(c * edm, x_t)
    c_skip = (sd**2 / (sigma**2 + sd**2)).view(-1, 1, 1, 1)
    c_out = (sigma * sd / (sigma**2 + sd**2).sqrt()).view(-1, 1, 1, 1)
    raw = combine(EDM(), x0, eps, sigma, "F")
    assert torch.allclose(raw, -F)
    assert torch.allclose(c_skip * edm + c_out * raw, x0)
    flow = Flow(sigma_data=1.0)
    x_fm, share = move(x_t, t, trig, flow)
    k = share.view(-1, 1, 1, 1)
    assert torch.allclose(share, t.sin() / (t.sin() + t.cos()))
    assert torch.allclose(x_fm, x_t / sd * (k**2 + (1 - k) ** 2).sqrt())
    u = eps - x0 / sd
    assert torch.allclose(F, ((1 - 2 * k) * x_fm + (1 - 2 * k + 2 * k**2) * u) / (k**2 + (1 - k) ** 2).sqrt())


def test_directions_of_flow_matching() -> None:
    x0, eps = data(Flow())
    ours, lipman = Flow(), Flow(noise_at=0)
    t = torch.full((len(x0),), 0.25, dtype=torch.float64)
    assert torch.equal(join(ours, x0, eps, t), join(lipman, x0, eps, 1 - t))
    assert torch.equal(combine(ours, x0, eps, t, "u"), eps - x0)
    assert torch.equal(combine(lipman, x0, eps, 1 - t, "u"), x0 - eps)


def test_singular_ends_are_named_and_regular_outputs_pass_them() -> None:
    vp, zero, pure = VP(), torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    z = torch.randn(2, 5, dtype=torch.float64)
    with pytest.raises(InputError, match="predicts x0"):
        ends(vp, z, zero, z, "x0")
    with pytest.raises(InputError, match="predicts eps"):
        ends(vp, z, pure, z, "eps")
    x0, eps = torch.randn(2, 2, 5, dtype=torch.float64)
    for t, output in product((zero, pure), ("v", "F")):
        solved = ends(vp, join(vp, x0, eps, t), t, combine(vp, x0, eps, t, output), output)
        assert torch.allclose(solved.x0, x0)
        assert torch.allclose(solved.eps, eps)
    with pytest.raises(InputError, match="infinite sigma"):
        EDM().time(torch.tensor(pi / 2, dtype=torch.float64))
    with pytest.raises(InputError, match="outside the network's table"):
        DDPM.linear().time(torch.tensor(atan(1e6), dtype=torch.float64))


def test_weights_over_log_snr() -> None:
    flow, vp = Flow(), VP()
    for path, output, constant in ((flow, "u", 1 / 2), (vp, "v", 1 / pi), (TrigFlow(sigma_data=1.0), "F", 1 / 2)):
        t = path.time(ANGLES)
        assert torch.allclose(weight_over_log_snr(path, output, t), constant * (-path.log_snr(t) / 2).exp(), rtol=1e-9)
    assert torch.allclose(same_training((flow, "u"), (vp, "v"), ANGLES), torch.full_like(ANGLES, pi / 2), rtol=1e-9)
    ratio = same_training((flow, "u"), (flow, "eps"), ANGLES)
    assert ratio.max() / ratio.min() > 10


@pytest.mark.parametrize("sigma_data", [0.5, 1.0])
def test_a_table_may_end_in_pure_noise(sigma_data: float) -> None:
    """Zero terminal SNR (arXiv 2305.08891): the last abar is 0."""
    path = DDPM(alphas_cumprod=(0.99, 0.5, 0.1, 0.0), sigma_data=sigma_data)
    last = torch.tensor([2.0, 3.0], dtype=torch.float64)
    assert path.angle(last)[1].item() == pytest.approx(pi / 2, abs=1e-12)
    assert path.coefficients(last).a.tolist() == pytest.approx([0.1**0.5, 0.0], abs=1e-12)
    inside = path.coefficients(torch.tensor(2.5, dtype=torch.float64))
    assert 0 < inside.a < 0.1**0.5
    assert path.time(torch.tensor(pi / 2, dtype=torch.float64)).item() == pytest.approx(3.0, abs=0.05)
    angles = torch.linspace(0.2, 1.55, 20, dtype=torch.float64)
    assert (path.angle(path.time(angles)) - angles).abs().max() <= 1e-12
    assert max(Frame(path=path, output="v").span) == pytest.approx(pi / 2)


def test_a_path_survives_json() -> None:
    adapter = TypeAdapter(Path)
    for path in PATHS:
        assert adapter.validate_json(path.model_dump_json()) == path
