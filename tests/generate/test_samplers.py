from __future__ import annotations

from functools import partial
from math import pi

import pytest
import torch
from torch import Tensor

from sightline.core.errors import InputError
from sightline.generate.denoiser import NO_LABEL, NOTHING, Condition, Counted, Guided
from sightline.generate.mixture import Mixture
from sightline.generate.path import EDM, VP, Flow, TrigFlow
from sightline.generate.samplers import (
    START,
    Noise,
    along,
    consistency,
    ddim,
    ddpm,
    dpmpp_2m,
    edm_churn,
    euler,
    few,
    heun,
    karras,
    reachable,
    uniform,
)
from sightline.generate.trajectories import Journey, travel

DIM = 3


def gaussian(std: float = 0.6) -> Mixture:
    return Mixture(torch.tensor([[0.7, -0.4, 0.2]]).double(), torch.tensor([std]).double(), torch.ones(1).double())


def mixture() -> Mixture:
    mean = torch.tensor([[-1.2, 0, 0], [1.2, 0, 0]]).double()
    return Mixture(mean, torch.tensor([0.2, 0.3]).double(), torch.tensor([0.3, 0.7]).double())


def noise(n: int, seed: int = 0) -> Tensor:
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def flow_end(data: Mixture, x: Tensor, start: float) -> Tensor:
    return data.flow(x, torch.tensor([start]).double(), torch.zeros(1).double())


def test_flow_of_the_mixture_is_the_ode_of_its_denoiser() -> None:
    data, x, h = gaussian(), noise(5), 1e-6
    t = torch.full((5,), 0.8, dtype=torch.float64)
    slope = (data.flow(x, t, t + h) - data.flow(x, t, t - h)) / (2 * h)
    assert torch.allclose(slope, data(x, t), atol=1e-8)


@pytest.mark.parametrize(
    ("sampler", "steps", "error", "order"),
    [
        (ddim, 64, 0.1, 1),
        (partial(euler, path=Flow()), 64, 0.1, 1),
        (heun, 32, 0.04, 2),
        (partial(heun, path=Flow()), 32, 0.01, 2),
        (partial(heun, path=TrigFlow()), 32, 0.02, 2),
        (dpmpp_2m, 64, 0.01, 2),
    ],
)
def test_deterministic_samplers_reach_the_closed_form_with_their_order(sampler, steps, error, order) -> None:  # type: ignore[no-untyped-def]
    data, x = gaussian(), noise(64)
    exact = flow_end(data, x, START)
    gaps = []
    for n in (steps, 2 * steps):
        angles = karras(n)
        keywords = {"condition": NOTHING} if isinstance(sampler, partial) else {}
        gaps.append((sampler(data, x, angles, **keywords) - exact).abs().max().item())
    assert gaps[0] < error
    assert gaps[0] / gaps[1] > 0.75 * 2**order


def test_ddim_is_flow_matching_euler_is_edm_euler() -> None:
    data, x, angles = mixture(), noise(50), along(Flow(), 20)
    reference = ddim(data, x, angles)
    for path in (Flow(), Flow(noise_at=0), Flow(time_scale=1000), EDM(), EDM(sigma_data=2.0)):
        assert (euler(data, x, angles, NOTHING, path) - reference).abs().max() <= 1e-12


def test_euler_on_the_raw_ode_of_another_scaling_differs() -> None:
    data, x, angles = mixture(), noise(50), along(Flow(), 20)
    for path in (VP(), VP(schedule="linear"), TrigFlow()):
        assert (euler(data, x, angles, NOTHING, path) - ddim(data, x, angles)).abs().max() > 1e-3


def test_ddim_is_exact_for_a_point() -> None:
    point = Mixture(torch.tensor([[0.7, -0.4, 0.2]]).double(), torch.tensor([1e-12]).double(), torch.ones(1).double())
    assert torch.allclose(ddim(point, noise(9), uniform(1, 1.2)), point.mean.expand(9, DIM), atol=1e-9)


@pytest.mark.parametrize("name", ["ddpm", "half", "churn"])
def test_stochastic_samplers_have_the_moments_of_the_data(name: str) -> None:
    data, n = mixture(), 4000
    x, generator = noise(n), torch.Generator().manual_seed(1)

    def draw(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=like.dtype)

    if name == "churn":
        out = heun(data, x, karras(64), churn=edm_churn(10, 64, high=50), noise=draw)  # type: ignore[arg-type]
    else:
        out = ddpm(data, x, karras(256), noise=draw, eta=1.0 if name == "ddpm" else 0.5)  # type: ignore[arg-type]
    truth = data.sample(200_000, torch.Generator().manual_seed(9))
    assert (out.mean(0) - truth.mean(0)).abs().max() < 4 * truth.std() / n**0.5
    assert (out.std(0) / truth.std(0) - 1).abs().max() < 0.05
    assert abs((out[:, 0] > 0).double().mean().item() - 0.7) < 4 * (0.21 / n) ** 0.5


def test_eta_zero_is_ddim_and_draws_nothing() -> None:
    data, x, angles = mixture(), noise(8), karras(10)
    assert torch.allclose(ddpm(data, x, angles, noise=Noise(0, 8), eta=0.0), ddim(data, x, angles), atol=1e-12)


def test_consistency_sampler_with_the_exact_function_is_exact_in_one_step() -> None:
    data, x = gaussian(), noise(30)

    def student(x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        return (t.cos()[:, None] * x - data.flow(x, t, torch.zeros_like(t))) / t.sin()[:, None]

    one = consistency(student, x, few(1), noise=Noise(0, 30))
    assert torch.allclose(one, flow_end(data, x, START), atol=1e-12)
    many = consistency(student, noise(20_000), few(3), noise=Noise(0, 20_000))
    assert (many.std(0) - 0.6).abs().max() < 0.01


def test_no_noise_is_drawn_after_the_last_step() -> None:
    class Once(Noise):
        draws = 0

        def __call__(self, like: Tensor) -> Tensor:
            self.draws += 1
            return super().__call__(like)

    for steps in (1, 2, 4):
        draw, counted = Once(0, 4), Counted(gaussian(), 4)
        consistency(counted, noise(4), few(steps), noise=draw)
        assert (draw.draws, counted.evaluations) == (steps - 1, steps)


def test_noise_is_the_same_in_any_batching() -> None:
    like = torch.zeros(6, 2, 3)
    whole, parts = Noise(3, 6), [Noise(3, 2, first=i) for i in (0, 2, 4)]
    for _ in range(3):
        assert torch.equal(whole(like), torch.cat([part(like[:2]) for part in parts]))


def test_evaluations_of_heun_and_of_guidance() -> None:
    counted = Counted(mixture(), 4)
    heun(counted, noise(4), karras(32))
    assert counted.evaluations == 63
    counted = Counted(mixture(), 4)
    heun(Guided(counted, 1.3), noise(4), karras(32), Condition(label=torch.tensor([0, 1, 0, 1])))
    assert counted.evaluations == 126


def test_guidance_is_the_formula_and_ends_with_its_interval() -> None:
    data, x = mixture(), noise(4)
    t = torch.tensor([0.2, 0.6, 1.0, 1.4]).double()
    condition = Condition(label=torch.tensor([0, 1, 0, 1]))
    cond, uncond = data(x, t, condition), data(x, t, Condition(label=torch.full((4,), NO_LABEL)))
    guided = Guided(data, 1.5, low=0.5, high=1.2)(x, t, condition)
    expected = torch.stack([cond[0], *(uncond + 1.5 * (cond - uncond))[1:3], cond[3]])
    assert torch.allclose(guided, expected, atol=1e-12)
    assert torch.allclose(Guided(data, 1.0)(x, t, condition), cond, atol=1e-12)


@pytest.mark.parametrize("bad", [[0.5, 0.7, 0.0], [1.0], [2.0, 0.0], [1.0, -0.1]])
def test_angles_that_do_not_fall_are_refused(bad: list[float]) -> None:
    with pytest.raises(InputError, match="fall"):
        ddim(gaussian(), noise(2), torch.tensor(bad).double())


def test_churn_without_noise_is_refused() -> None:
    with pytest.raises(InputError, match="noise"):
        heun(gaussian(), noise(2), karras(4), churn=edm_churn(4, 4))


@pytest.mark.parametrize(("steps", "keep", "kept"), [(4, 8, 4), (8, 16, 8), (32, 8, 8), (4, 3, 3)])
def test_stored_paths_reach_from_the_noise_to_the_last_level_whatever_is_asked_for(
    steps: int, keep: int, kept: int
) -> None:
    angles = reachable(steps, (0.0, pi / 2))
    gaussian = Mixture(torch.zeros(1, 2), torch.ones(1), torch.ones(1))
    paths = travel(gaussian, lambda first, n: Condition(), Journey(count=2, shape=(2,), angles=angles, keep=keep))
    assert paths.angles.tolist()[0] == pytest.approx(angles[0].item())
    assert paths.angles.tolist()[-1] == pytest.approx(angles[-2].item())
    assert len(paths.angles) == len(paths.states) == kept
