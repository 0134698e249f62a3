"""`sightline build`: one subcommand per medium."""

from __future__ import annotations

import click

from sightline.cli.lazy import LazyGroup
from sightline.cli.verbs import BUILD


@click.group(cls=LazyGroup, table=BUILD)
def command() -> None:
    """Make a verified dataset from your own files."""
