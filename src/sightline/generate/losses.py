"""What a network is trained on: objectives are functions of a batch and of the step's own randomness.

Shapes: x0, eps (B, C, H, W) in unit coordinates; t (B,) angle; losses (B,).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final, Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from sightline.core.fingerprint import seeded
from sightline.generate.backbone.layers import TimeEmbedding
from sightline.generate.denoiser import Condition
from sightline.generate.model import Frame, raw_loss


@dataclass(frozen=True, slots=True)
class Batch:
    """Data in unit coordinates and what is known of it."""

    x0: Tensor
    condition: Condition
    rows: Tensor
    """(B,) int64: which samples of the data these are."""


WHOLE: Final = slice(None)


class Batches(Protocol):
    """The data of a step, as a function of the step alone: a resumed run sees what the uninterrupted one would have
    seen."""

    def __call__(self, step: int, size: int, /) -> Batch: ...


class Draw:
    """All randomness of one step, from (seed, step) alone; drawn on the CPU, so that every device sees the same. Of
    several processes each draws for the whole batch of `size` and keeps its `share` of the rows."""

    def __init__(self, seed: int, step: int, size: int | None = None, share: slice = WHOLE) -> None:
        self.seed = (seeded(seed, "step", step) >> 1) + (share.start or 0)
        self.generator = torch.Generator().manual_seed(seeded(seed, "step", step) >> 1)
        self.size, self.share = size, share

    def normal(self, like: Tensor) -> Tensor:
        """N(0, I) shaped like `like`."""
        shape = (self.size or len(like), *like.shape[1:])
        return torch.randn(shape, generator=self.generator)[self.share].to(like)

    def uniform(self, like: Tensor) -> Tensor:
        """U(0, 1), one for each row of `like`: (B,)."""
        return torch.rand(self.size or len(like), generator=self.generator)[self.share].to(like.device)

    def whole(self, most: int, like: Tensor) -> Tensor:
        """A whole number below `most` for each row of `like`: (B,) int64 on the CPU."""
        return torch.randint(most, (self.size or len(like),), generator=self.generator)[self.share]

    def fix_masks(self) -> None:
        """Make the next pass use the same dropout masks as the last one that began here."""
        torch.manual_seed(self.seed)


@dataclass(frozen=True, slots=True)
class Terms:
    """A loss per sample, the angle it was taken at, and figures for the trace."""

    loss: Tensor
    t: Tensor
    figures: dict[str, Tensor]


class Objective(Protocol):
    """One training criterion. `model` is what is trained, maybe wrapped for many devices."""

    def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int, /) -> Terms: ...


class Proposal(BaseModel):
    """t = atan(exp(tau) / sigma_data), tau ~ N(log_mean, log_std^2): log-normal sigma as in EDM and sCM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_mean: float = -0.8
    log_std: float = Field(default=1.6, gt=0)
    sigma_data: float = Field(default=0.5, gt=0)
    """The scale in which log_mean is meant; EDM's and sCM's 0.5."""

    def __call__(self, draw: Draw, like: Tensor, span: tuple[float, float] = (0.0, pi / 2)) -> Tensor:
        """(B,) angles; those outside the span that the network's path covers are moved to its ends."""
        tau = self.log_mean + self.log_std * draw.normal(like.flatten(1)[:, 0])
        return (tau.exp() / self.sigma_data).atan().clamp(*span)


TEACHER_PROPOSAL: Final = Proposal()


class AdaptiveWeight(nn.Module):
    """w_phi(t), learnt so that exp(w) x loss is 1 at every t (EDM2, equation 21; sCM, section 4.1). Not part of the
    model.

    `sign` names the two ways it is written: "exp" is exp(w) L - w, "logvar" is L / exp(v) + v. They are the same for
    w = -v."""

    def __init__(self, sign: str = "exp", width: int = 64) -> None:
        super().__init__()
        self.embed = TimeEmbedding(width)
        self.leave = nn.Linear(width, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.sign = sign

    def forward(self, loss: Tensor, t: Tensor) -> Tensor:
        """(B,) -> (B,)."""
        w = self.leave(self.embed(t))[:, 0]
        weighted: Tensor = w.exp() * loss - w if self.sign == "exp" else loss / w.exp() + w
        return weighted


@dataclass(frozen=True, slots=True)
class Diffusion:
    """E || output - target ||^2 in the network's own frame: DDPM, EDM, flow matching and TrigFlow are this one loss
    with another frame and proposal (sCM, equation 2; "Diffusion Meets Flow Matching")."""

    frame: Frame
    proposal: Proposal = TEACHER_PROPOSAL
    drop: float = 0.1
    """Share of samples whose condition is dropped, for classifier-free guidance."""

    def __call__(self, model: nn.Module, batch: Batch, draw: Draw, step: int, /) -> Terms:
        t = self.proposal(draw, batch.x0, self.frame.span)
        eps = draw.normal(batch.x0)
        condition = batch.condition.drop_where(draw.uniform(batch.x0) < self.drop)
        draw.fix_masks()
        loss = raw_loss(_Inside(model), self.frame, batch.x0, eps, t, condition)
        return Terms(loss, t, {"mse": loss.detach().mean()})


class _Inside(nn.Module):
    """The network of an `ImageModel`, called through whatever wraps the model (so that gradients are shared)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor, time: Tensor, condition: Condition) -> Tensor:
        out: Tensor = self.model(z, time, condition, raw=True)
        return out
