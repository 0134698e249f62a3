"""`sightline report`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.recipes.dataset import Dataset

REPORTS: Final = {
    "document_qa": "sightline.recipes.document_report:write_report",
    "video_annotation": "sightline.recipes.video_annotation.report:write_video_report",
    "questions": "sightline.recipes.adversarial_qa.report:write_report",
    "refine": "sightline.recipes.adversarial_qa.report:write_report",
}
"""Recipe that made the folder -> the function that writes its page."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write DIR/report.html again, with whatever is known by now (after an audit, its catch rates too)."""
    recipe = Dataset(folder).run.recipe
    if recipe not in REPORTS:
        raise InputError(f"no report for what the recipe {recipe!r} made", subject=folder)
    click.echo(str(load(REPORTS[recipe])(folder)))
