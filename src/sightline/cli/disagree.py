"""`sightline disagree`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.runs.evaluation_report import write_disagreements


@click.command()
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Write disagreements.html: answers that the first metric scores 0 and the judge rates 3, with picture and reason.

    \b
    sightline disagree run-a
    """
    path, count = write_disagreements(run)
    click.echo(f"{count:,} {'item' if count == 1 else 'items'}: {path}")
