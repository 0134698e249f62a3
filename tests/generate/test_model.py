"""A network asked at one time for the whole batch, as samplers do, answers what it answers sample by sample."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sightline.generate.denoiser import NOTHING, Condition, Guided
from sightline.generate.model import Frame, Network
from sightline.generate.path import DDPM, EDM, VP, Flow

FRAMES = [
    Frame(path=DDPM.linear(), output="eps", feed="state", clock="time"),
    Frame(path=DDPM.linear(), output="x0", feed="state", clock="time"),
    Frame(path=VP(), output="v", feed="state", clock="time"),
    Frame(path=Flow(time_scale=1000), output="u", feed="state", clock="time"),
    Frame(path=EDM(), output="F", feed="unit", clock="log-sigma"),
]


class Told(nn.Module):
    """Depends on the state, the clock and the label."""

    def forward(self, z: Tensor, clock: Tensor, condition: Condition) -> Tensor:
        seen = 0 if condition.label is None else condition.label.to(z.dtype)[:, None]
        return (0.3 * z).sin() + (clock.to(z.dtype)[:, None] / 50).cos() + 0.1 * seen


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("angle", [0.05, 0.8, 1.5])
def test_one_time_for_all_is_the_same_conversion(frame: Frame, angle: float) -> None:
    model = Network(Told(), frame)
    x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    each = torch.full((6,), angle, dtype=torch.float64)
    one = torch.tensor(angle, dtype=torch.float64).expand(6)
    condition = Condition(label=torch.arange(6))
    with torch.no_grad():
        assert torch.allclose(model(x, one), model(x, each), rtol=1e-12, atol=1e-12)
        guided = Guided(model, 1.7)
        assert torch.allclose(guided(x, one, condition), guided(x, each, condition), rtol=1e-12, atol=1e-12)
        assert not torch.allclose(guided(x, one, condition), model(x, one, condition), atol=1e-3)
    through = x.clone().requires_grad_()
    model(through, one, NOTHING).sum().backward()
    assert through.grad is not None
