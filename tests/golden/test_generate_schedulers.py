"""The same trajectory as diffusers' own schedulers, on a denoiser that is not linear (a mixture), in float64."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sightline.generate.denoiser import NOTHING
from sightline.generate.mixture import Mixture
from sightline.generate.path import DDPM, EDM, Flow, Path, combine, ends
from sightline.generate.samplers import ddim, dpmpp_2m, euler, heun

schedulers = pytest.importorskip("diffusers.schedulers")

DATA = Mixture(
    torch.tensor([[-1.2, 0.0, 0.3], [1.2, 0.4, 0.0]]).double(),
    torch.tensor([0.2, 0.3]).double(),
    torch.tensor([0.3, 0.7]).double(),
)
NOISE = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def network(path: Path, output: str, z: Tensor, t: Tensor) -> Tensor:
    """What a network trained on `path` to predict `output` would give at the path's time t."""
    angle = path.angle(t)
    full = angle.expand(len(z))
    unit = z / path.radius(t)
    velocity = DATA(unit, full)
    x0 = angle.cos() * unit - angle.sin() * velocity
    eps = angle.sin() * unit + angle.cos() * velocity
    return combine(path, path.sigma_data * x0, eps, t, output)


def test_ddim() -> None:
    reference = schedulers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False, timestep_spacing="leading")
    reference.alphas_cumprod = reference.alphas_cumprod.double()
    reference.set_timesteps(20)
    path = DDPM(alphas_cumprod=tuple(reference.alphas_cumprod.tolist()))
    z = NOISE.clone()
    for t in reference.timesteps:
        z = reference.step(network(path, "eps", z, t.double()), t, z).prev_sample
    # the last step of the reference goes from abar_0 to abar_0: nothing
    angles = path.angle(torch.cat([reference.timesteps.double(), torch.zeros(1).double()])[:20])
    assert reference.timesteps[-1] == 0
    ours = ddim(DATA, NOISE, angles)
    assert (ours - z).abs().max() <= 1e-8


@pytest.mark.parametrize("name", ["euler", "heun"])
def test_flow_matching(name: str) -> None:
    kind = {"euler": "FlowMatchEulerDiscreteScheduler", "heun": "FlowMatchHeunDiscreteScheduler"}[name]
    reference = getattr(schedulers, kind)(shift=3.0)
    reference.set_timesteps(12)
    z, path = NOISE.clone(), Flow(time_scale=1000)
    for t in reference.timesteps:
        z = reference.step(network(path, "u", z, t.double()), t, z).prev_sample
    sigmas = reference.sigmas.double()
    if name == "heun":
        sigmas = torch.cat([sigmas[:1], sigmas[1:-1:2], sigmas[-1:]])
    angles = path.angle(1000 * sigmas)
    ours = euler(DATA, NOISE, angles, NOTHING, path) if name == "euler" else heun(DATA, NOISE, angles, path=path)
    assert (ours - z).abs().max() <= 1e-5
    if name == "euler":
        assert (ddim(DATA, NOISE, angles) - ours).abs().max() <= 1e-12


def test_heun_of_edm() -> None:
    reference = schedulers.HeunDiscreteScheduler(use_karras_sigmas=True, beta_schedule="scaled_linear")
    reference.set_timesteps(10)
    edm = EDM(sigma_data=1.0)
    sigmas = reference.sigmas.double()
    z = NOISE * (sigmas[0] ** 2 + 1).sqrt()
    for index, t in enumerate(reference.timesteps):
        z = reference.step(network(edm, "eps", z, sigmas[index]), t, z).prev_sample
    steps = torch.cat([sigmas[:1], sigmas[1:-1:2], sigmas[-1:]])
    ours = heun(DATA, NOISE, steps.atan(), path=edm)
    assert (ours - z).abs().max() <= 1e-4


def test_edm_euler_and_its_preconditioning() -> None:
    reference = schedulers.EDMEulerScheduler()
    reference.set_timesteps(15)
    edm = EDM()
    z = NOISE * (reference.sigmas[0].double() ** 2 + 0.25).sqrt()
    for index, t in enumerate(reference.timesteps):
        sigma = reference.sigmas[index].double()
        z = reference.step(network(edm, "F", z, sigma), t, z).prev_sample
    ours = ddim(DATA, NOISE, (reference.sigmas.double() / 0.5).atan())
    assert (0.5 * ours - z).abs().max() <= 1e-4


def test_dpm_solver_pp_2m() -> None:
    reference = schedulers.DPMSolverMultistepScheduler(final_sigmas_type="zero", use_karras_sigmas=True)
    reference.set_timesteps(14)
    sigmas = reference.sigmas.double()
    z = NOISE.clone()
    for index, t in enumerate(reference.timesteps):
        angle = sigmas[index].atan()
        path = EDM(sigma_data=1.0)
        eps = network(path, "eps", z / angle.cos(), sigmas[index])
        z = reference.step(eps, t, z).prev_sample
    ours = dpmpp_2m(DATA, NOISE, sigmas.atan())
    assert (ours - z).abs().max() <= 1e-4


def test_ends_of_the_reference_prediction_types_are_ours() -> None:
    """DDIM's three prediction types give the same x0 and eps as `ends`."""
    path = DDPM.linear()
    for kind, output in (("epsilon", "eps"), ("v_prediction", "v"), ("sample", "x0")):
        reference = schedulers.DDIMScheduler(prediction_type=kind, clip_sample=False)
        reference.alphas_cumprod = torch.tensor(path.alphas_cumprod, dtype=torch.float64)
        reference.set_timesteps(1000)
        for earlier, t in pairwise((100, 400, 900)):
            out = network(path, output, NOISE, torch.tensor(float(t)).double())
            x0 = reference.step(out, t, NOISE).pred_original_sample
            ours = ends(path, NOISE, torch.tensor(float(t)).double(), out, output)
            assert (ours.x0 - x0).abs().max() <= 1e-9, (earlier, kind)
