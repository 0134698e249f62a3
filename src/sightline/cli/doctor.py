"""`sightline doctor`."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from sightline.generate.convert import example
from sightline.generate.doctor import examine
from sightline.generate.opening import open_model
from sightline.generate.samplers import karras


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
def command(model: Path) -> None:
    """Say which layers of MODEL break forward-mode differentiation, mend them, and prove it against a difference."""
    opened = open_model(model)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, *opened.config.backbone.shape, generator=generator)
    angles = opened.config.frame.within(karras(12))
    t = angles[len(angles) // 2].float().expand(2).clone()
    found = examine(opened, x, t, example(opened, 2, generator))
    for fault in found.faults:
        click.echo(f"{fault.module} ({fault.kind}): {fault.error}\n    instead: {fault.substitute}")
    if found.same_output is not None and found.against_difference is not None:
        click.echo(f"output with substitutes differs by {found.same_output:.1e}")
        click.echo(f"JVP against a central difference, in float64: {found.against_difference:.1e}")
    click.echo(found.advice)
