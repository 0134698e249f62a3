"""`sightline agree`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.runs.evaluation_compare import agree
from sightline.runs.evaluation_report import write_report


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("human", metavar="HUMAN.jsonl", type=click.Path(path_type=Path))
def command(run: Path, human: Path) -> None:
    """Does the judge of RUN agree with people? HUMAN.jsonl has lines {"id": "q1", "rating": 3}.

    Prints kappa, quadratic kappa, ordinal alpha, Spearman, confusion matrix and bias by answer length, and adds
    them to the run's report.

    \b
    sightline agree run-a human.jsonl
    """
    found = agree(run, human)
    bounds = found.quadratic_kappa_interval
    lines = [
        f"items rated by both   {found.n:,}",
        f"equal ratings         {found.raw:.1%}",
        f"kappa                 {found.kappa:.3f}",
        f"quadratic kappa       {found.quadratic_kappa:.3f}"
        + (f" [{bounds.low:.3f}, {bounds.high:.3f}]" if bounds else ""),
        f"ordinal alpha         {found.alpha:.3f}",
        f"Spearman              {found.spearman:.3f}",
        f"judge - people        {found.mean_difference:+.3f} rating steps",
    ]
    if found.length_bias is not None:
        lines.append(f"length bias           {found.length_bias:+.3f} (p = {found.length_bias_p:.3f})")
    lines.append("people \\ judge  " + "".join(f"{label:>6}" for label in found.labels))
    for label, row in zip(found.labels, found.confusion, strict=True):
        lines.append(f"{label:>15}" + "".join(f"{count:>6}" for count in row))
    click.echo("\n".join(lines))
    click.echo(f"report: {write_report(run, agreed=found)}")
