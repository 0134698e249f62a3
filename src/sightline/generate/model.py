"""An image model: a network in its own coordinates, adapted into the one parametrisation, with everything needed to
use it.

The network may predict any output on any path; `ImageModel(x, t, condition)` is F on the unit state either way, exactly
converted, so a sampler, a loss and a distillation never ask what a model was trained as. Shapes: x (B, C, H, W), t
(B,)."""

from __future__ import annotations

from functools import lru_cache
from math import pi
from typing import Annotated, Literal, NamedTuple, TypeAlias

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from sightline.generate.backbone.dit import DiTConfig
from sightline.generate.backbone.mlp import MLPConfig
from sightline.generate.backbone.unet import UNetConfig
from sightline.generate.denoiser import NOTHING, Condition
from sightline.generate.foreign import DiffusersConfig
from sightline.generate.path import DDPM, Output, Path, TrigFlow, combine, over, velocity_weights

Backbone: TypeAlias = Annotated[MLPConfig | UNetConfig | DiTConfig | DiffusersConfig, Field(discriminator="kind")]


class Frame(BaseModel):
    """In which coordinates a network sees the world: what it is fed and what it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path = TrigFlow()
    output: Output = "F"
    feed: Literal["state", "unit"] = "unit"
    """"state": the path's own z; "unit": z divided by its standard deviation (EDM's c_in, TrigFlow's x /
    sigma_data)."""
    clock: Literal["time", "angle", "log-sigma"] = "angle"
    """What tells the network the noise level: the path's own time, the angle, or EDM's c_noise = ln(sigma) / 4."""

    @property
    def span(self) -> tuple[float, float]:
        """Angles at which the network can be asked; a table of noise levels ends short of 0 and pi/2."""
        if not isinstance(self.path, DDPM):
            return 0.0, pi / 2
        last = len(self.path.alphas_cumprod) - 1.0
        low, high = self.path.angle(torch.tensor([0.0, last], dtype=torch.float64)).tolist()
        return low, high

    def within(self, angles: Tensor) -> Tensor:
        """A falling grid of angles cut to the span: begins at its upper end where it began above, keeps a final 0."""
        low, high = self.span
        inside = angles[(angles > low) & (angles < high)]
        ends = [torch.full((1,), high, dtype=angles.dtype)] if angles[0] >= high else []
        last = [torch.zeros(1, dtype=angles.dtype)] if angles[-1] == 0 else []
        return torch.cat([*ends, inside, *last])


class Pixels(BaseModel):
    """How pictures become unit states: unit = (value - mean) / std, values in [-1, 1] (or an autoencoder's latents)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float = 0.0
    std: float = Field(default=0.5, gt=0)
    latent: str = ""
    """Folder of a diffusers autoencoder; empty for pixels."""


class ModelConfig(BaseModel):
    """Everything but the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: Backbone
    frame: Frame = Frame()
    pixels: Pixels = Pixels()
    classes: tuple[str, ...] = ()
    """Names of the labels 0, 1, ..."""
    role: Literal["teacher", "student"] = "teacher"
    """A student jumps to the data (consistency sampling); a teacher has to be integrated."""
    prompts: str = ""
    """Folder of the diffusers pipeline whose text encoders read its prompts; empty where it has none."""
    outside: Frame | None = None
    """The frame that `sightline convert` presents it in; None = as it is."""

    def build(self) -> ImageModel:
        return ImageModel(self)


class ImageModel(nn.Module):
    """A network of ours as a `Denoiser`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.network: nn.Module = config.backbone.build()

    def forward(self, x: Tensor, t: Tensor, condition: Condition = NOTHING, *, raw: bool = False) -> Tensor:
        """F on the unit state; with `raw`, the network's own output on its own state and time."""
        if raw:
            out: Tensor = self.network(x, t, condition)
            return out
        return adapted(self.network, self.config.frame, x, t, condition)


class Network(nn.Module):
    """Any module called as `network(z, time, condition)` in its own coordinates, as a `Denoiser`."""

    def __init__(self, network: nn.Module, frame: Frame) -> None:
        super().__init__()
        self.network = network
        self.frame = frame

    def forward(self, x: Tensor, t: Tensor, condition: Condition = NOTHING, *, raw: bool = False) -> Tensor:
        """F on the unit state; with `raw`, the network's own output on its own state and time."""
        if raw:
            out: Tensor = self.network(x, t, condition)
            return out
        return adapted(self.network, self.frame, x, t, condition)


def adapted(network: nn.Module, frame: Frame, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
    """F(x, t) from a network in `frame`: feed it its own state and time, convert what it answers. Differentiable in x
    and t in both modes. Times are converted in float64: float32 would cost digits near the ends."""
    if isinstance(frame.path, TrigFlow) and (frame.output, frame.feed, frame.clock) == ("F", "unit", "angle"):
        velocity: Tensor = network(x, t, condition)
        return velocity
    if t.stride() == (0,) and t.device.type == "cpu" and not torch.is_grad_enabled():  # a sampler's: one for all
        here = _at(frame, t[0].item())
        own = x * here.radius
        clock = torch.full((len(x),), here.clock, dtype=torch.float64)
        told: Tensor = network(own if frame.feed == "state" else x, clock, condition)
        return here.on_state * own + here.on_output * told
    angle = t.double()
    time = frame.path.time(angle)
    own = x * over(frame.path.radius(time).to(x.dtype), x)
    out = network(own if frame.feed == "state" else x, _clock(frame, angle, time), condition)
    on_state, on_output = velocity_weights(frame.path, time, angle, frame.output)
    converted: Tensor = over(on_state.to(x.dtype), x) * own + over(on_output.to(x.dtype), x) * out
    return converted


class _Numbers(NamedTuple):
    """All that a conversion takes at one angle."""

    radius: float
    clock: float
    on_state: float
    on_output: float


@lru_cache(maxsize=1024)
def _at(frame: Frame, angle: float) -> _Numbers:
    """Kept, because a sampler comes to the same few angles for every batch."""
    one = torch.tensor(angle, dtype=torch.float64)
    time = frame.path.time(one)
    weights = velocity_weights(frame.path, time, one, frame.output)
    return _Numbers(*(k.item() for k in (frame.path.radius(time), _clock(frame, one, time), *weights)))


def raw_loss(network: nn.Module, frame: Frame, x0: Tensor, eps: Tensor, t: Tensor, condition: Condition) -> Tensor:
    """Mean squared error (B,) of the network's own output on its own path: flow matching's, DDPM's, EDM's or
    TrigFlow's loss, whichever the frame is. x0 and eps are in unit coordinates, t is the angle."""
    x = over(t.cos(), x0) * x0 + over(t.sin(), x0) * eps
    angle = t.double()
    time = frame.path.time(angle)
    own = x * over(frame.path.radius(time).to(x.dtype), x)
    out = network(own if frame.feed == "state" else x, _clock(frame, angle, time), condition)
    target = combine(frame.path, frame.path.sigma_data * x0, eps, time, frame.output)
    result: Tensor = (out.to(target.dtype) - target).square().flatten(1).mean(1)
    return result


def _clock(frame: Frame, angle: Tensor, time: Tensor) -> Tensor:
    """What the network is told, in float64: each network rounds it to its own precision at the last moment."""
    if frame.clock == "angle":
        return angle
    if frame.clock == "log-sigma":
        return (frame.path.sigma_data * angle.tan()).log() / 4
    return time


def to_pixels(unit: Tensor, pixels: Pixels) -> Tensor:
    """Unit data (B, C, H, W) -> uint8, clipped to the range of a picture."""
    value = unit.float() * pixels.std + pixels.mean
    return ((value.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def to_unit(picture: Tensor, pixels: Pixels) -> Tensor:
    """uint8 (B, C, H, W) -> unit data, float32."""
    return ((picture.float() / 127.5 - 1) - pixels.mean) / pixels.std
