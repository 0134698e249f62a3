"""`sightline card`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.runs.image_card import lines
from sightline.runs.image_training import make_model_card


@click.command()
@click.argument("student", type=click.Path(path_type=Path, exists=True))
@click.argument("teacher", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), help="Default: the student's folder.")
@click.option("--guidance", default=1.3, show_default=True, help="Of the teacher.")
@click.option("--seeds", default=5, show_default=True, help="Paired seeds, five at least; more narrow the interval.")
@click.option("--features", default="", metavar="FOLDER|ID", help="Also a vision model of transformers, read locally.")
def command(student: Path, teacher: Path, out: Path | None, guidance: float, seeds: int, features: str) -> None:
    """The honest distillation card of STUDENT against TEACHER, guided and not, over paired seeds."""
    card = make_model_card(student, teacher, out or student, guidance=guidance, seeds=seeds, features=features)
    click.echo("\n".join(lines(card)))
    click.echo(f"card: {(out or student) / 'card.html'}")
