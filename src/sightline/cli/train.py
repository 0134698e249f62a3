"""`sightline train`: one subcommand per kind of model."""

from __future__ import annotations

import click

from sightline.cli.lazy import LazyGroup
from sightline.cli.verbs import TRAIN


@click.group(cls=LazyGroup, table=TRAIN)
def command() -> None:
    """Train a model on your own data."""
