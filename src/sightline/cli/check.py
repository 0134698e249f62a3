"""`sightline check`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sightline.recipes.layouts import LAYOUTS, check
from sightline.show.table import printable


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--for", "layout", required=True, type=click.Choice(list(LAYOUTS)), help="The trainer's layout.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="Offending rows to list at most.")
def command(folder: Path, layout: str, limit: int) -> None:
    """Is DIR what a trainer accepts? DIR is a sightline dataset or an exported folder.

    Counts pictures against their marks, looks that turns alternate, that paths lie inside the folder and that every
    picture decodes. Exit code 1 where a row would be refused.

    \b
    sightline check my-dataset --for trl
    sightline check exported/ --for llava
    """
    found = check(folder, layout)
    for offence in found.offences[:limit]:
        click.echo(printable(f"{offence.row}: {offence.what}"))
    if len(found.offences) > limit:
        click.echo(f"... and {len(found.offences) - limit} more")
    bad = len({offence.row for offence in found.offences})
    click.echo(f"{found.rows} rows looked at, {bad} would be refused by {layout}")
    sys.exit(1 if bad else 0)
