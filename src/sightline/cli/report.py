"""`sightline report`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.recipes.kinds import report


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write DIR/report.html again, with whatever is known by now (after an audit, its catch rates too)."""
    click.echo(str(report(folder)))
