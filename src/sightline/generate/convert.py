"""Show a trained network in another frame, exactly: a DDPM eps network as a flow-matching velocity, and so on, with a
proof.

Nothing is trained and no weight changes; only what goes in and comes out is translated (`path.translate`).
"""

from __future__ import annotations

import copy

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.generate.denoiser import NOTHING, Condition
from sightline.generate.model import Frame, ImageModel, Network
from sightline.generate.path import EDM, VP, Flow, TrigFlow, combine, over
from sightline.generate.samplers import ddim, euler, karras

TARGETS: dict[str, Frame] = {
    "vp": Frame(path=VP(), output="eps", feed="state", clock="time"),
    "edm": Frame(path=EDM(), output="F", feed="unit", clock="log-sigma"),
    "flow": Frame(path=Flow(), output="u", feed="state", clock="time"),
    "trigflow": Frame(path=TrigFlow(), output="F", feed="unit", clock="angle"),
}


class Presented(nn.Module):
    """A model called as `network(z, time, condition)` in another frame, as if it had been trained there.

    z (B, C, H, W) is that frame's state (or unit state, where it feeds one), time (B,) what its clock says.
    """

    def __init__(self, model: nn.Module, frame: Frame) -> None:
        super().__init__()
        self.model = model
        self.frame = frame

    def forward(self, z: Tensor, time: Tensor, condition: Condition = NOTHING) -> Tensor:
        """The frame's output."""
        path = self.frame.path
        angle = self._angle(time.double())
        t = path.time(angle)
        x = z if self.frame.feed == "unit" else (z / over(path.radius(t), z)).to(z.dtype)
        velocity = self.model(x, angle.to(x.dtype), condition)
        wide = over(angle, x)
        x0, eps = wide.cos() * x - wide.sin() * velocity, wide.sin() * x + wide.cos() * velocity
        return combine(path, path.sigma_data * x0, eps, t, self.frame.output).to(z.dtype)

    def _angle(self, time: Tensor) -> Tensor:
        match self.frame.clock:
            case "angle":
                return time
            case "log-sigma":
                return ((4 * time).exp() / self.frame.path.sigma_data).atan()
            case "time":
                return self.frame.path.angle(time)


def presented(model: ImageModel) -> Presented:
    """A model that `sightline convert --out` wrote, in the frame it was converted to. Samplers, distillation and card
    need no such thing: they use the model itself, whose pictures are the same. Raises InputError for a model that was
    never converted."""
    if model.config.outside is None:
        raise InputError("this model was not converted", remedy="sightline convert MODEL --to FRAME --out FOLDER")
    return Presented(model, model.config.outside)


class Proof(BaseModel):
    """How equal the presented network is to the original."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    angles: tuple[float, ...]
    errors: tuple[float, ...]
    """Largest |F of the presented network - F of the original| at each angle, over its largest |F|; in float64."""
    single: tuple[float, ...]
    """The same in float32, where an output that says little at one end (eps near pure noise) costs digits there."""
    trajectory: float
    """Largest relative difference of the pictures after 12 steps: Euler in the target's own coordinates against DDIM on
    the original; the two are the same thing for flow and EDM only, so others are compared by DDIM twice."""
    tolerance: float = 1e-5

    @property
    def holds(self) -> bool:
        """Everything within the tolerance."""
        return max(*self.errors, self.trajectory) <= self.tolerance


def prove(model: ImageModel, target: str, *, samples: int = 8, seed: int = 0) -> Proof:
    """Compare the original with its presented twin adapted back, over noise levels from sigma 0.01 to 80 (EDM's
    scale) that both can reach."""
    frame = TARGETS[target]
    exact = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(seed)
    x, start = torch.randn(2, samples, *model.config.backbone.shape, generator=generator, dtype=torch.float64)
    condition = example(model, samples, generator)
    angles = model.config.frame.within(karras(12, low=0.01))
    with torch.no_grad():
        errors = _gaps(exact, frame, x, angles, condition)
        single = _gaps(model, frame, x.float(), angles, condition)
        wide = condition.cast(torch.float64)
        reference = ddim(exact, start, angles, wide)
        back = Network(Presented(exact, frame), frame)
        straight = isinstance(frame.path, Flow | EDM)
        twin = euler(back, start, angles, wide, frame.path) if straight else ddim(back, start, angles, wide)
    return Proof(
        target=target,
        angles=tuple(angles[:-1].tolist()),
        errors=errors,
        single=single,
        trajectory=_gap(reference, twin),
    )


def _gaps(model: nn.Module, frame: Frame, x: Tensor, angles: Tensor, condition: Condition) -> tuple[float, ...]:
    back, asked = Network(Presented(model, frame), frame), condition.cast(x.dtype)
    times = (torch.full((len(x),), angle, dtype=x.dtype) for angle in angles[:-1].tolist())
    return tuple(_gap(model(x, t, asked), back(x, t, asked)) for t in times)


def _gap(reference: Tensor, other: Tensor) -> float:
    return float((reference - other).abs().max() / reference.abs().max().clamp(min=1e-6))


def example(model: ImageModel, n: int, generator: torch.Generator) -> Condition:
    """Conditions that the model accepts, for tests of the model itself."""
    backbone = model.config.backbone
    label = torch.randint(backbone.classes, (n,), generator=generator) if backbone.classes else None
    tokens = pooled = None
    if backbone.kind == "diffusers":
        settings, length = backbone.settings, backbone.empty[0] if backbone.empty else 8
        match backbone.network:
            case "UNet2DConditionModel":
                tokens = torch.randn(n, length, settings["cross_attention_dim"], generator=generator)
            case "SD3Transformer2DModel":
                tokens = torch.randn(n, length, settings["joint_attention_dim"], generator=generator)
                pooled = torch.randn(n, settings["pooled_projection_dim"], generator=generator)
            case "SanaTransformer2DModel":
                tokens = torch.randn(n, length, settings["caption_channels"], generator=generator)
            case _:
                pass
    return Condition(label=label, tokens=tokens, pooled=pooled)
