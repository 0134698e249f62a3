"""`sightline convert`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.core.errors import ModelError
from sightline.generate.checkpoint import save_model
from sightline.generate.convert import TARGETS, prove
from sightline.generate.opening import open_model


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.option("--to", "target", required=True, type=click.Choice(list(TARGETS)))
@click.option("--out", type=click.Path(path_type=Path), help="Write the presented model and proof.json there.")
def command(model: Path, target: str, out: Path | None) -> None:
    """Present MODEL in another frame (what it is fed, what it answers), exactly, and prove it.

    The weights do not change. In Python: Presented(open_model(MODEL), TARGETS["flow"]) is called as network(z, time,
    condition) in the target's coordinates.
    """
    opened = open_model(model, text=out is not None)
    proof = prove(opened, target)
    frame = opened.config.frame
    click.echo(f"{frame.path.kind} {frame.output} -> {target} {TARGETS[target].output}")
    click.echo("angle     error (float64)  error (float32)")
    for angle, exact, single in zip(proof.angles, proof.errors, proof.single, strict=True):
        click.echo(f"{angle:.6f}  {exact:.1e}          {single:.1e}")
    click.echo(f"12-step trajectories differ by {proof.trajectory:.1e}; tolerance {proof.tolerance:.0e}")
    if not proof.holds:
        raise ModelError("the conversion is not exact on this network", subject=model)
    if out is not None:
        save_model(out, opened.config.model_copy(update={"outside": TARGETS[target]}), opened.state_dict())
        (out / "proof.json").write_text(proof.model_dump_json(indent=1), "utf-8")
        click.echo(f"written: {out}")
