"""`sightline compare-fusions`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.runs.vlm_fusions import compare_fusions


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--steps", default=300, show_default=True)
@click.option("--pictures", default=3000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def command(out: Path, steps: int, pictures: int, seed: int) -> None:
    """Train embed, cross and hybrid on the same synthetic pictures, seed and steps, and compare them.

    \b
    sightline compare-fusions --out runs/fusions
    """
    for row in compare_fusions(out, steps=steps, pictures=pictures, seed=seed):
        scores = "  ".join(f"{task} {v:.0%} [{low:.0%}, {high:.0%}]" for task, (v, low, high) in row["scores"].items())
        click.echo(
            f"{row['fusion']:7} {row['parameters']:>9,} parameters  {row['sequence']:5.1f} tokens a row  "
            f"{row['tokens_per_second']:>6} tokens/s  {scores}"
        )
