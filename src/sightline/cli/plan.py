"""`sightline plan`."""

from __future__ import annotations

import click
from pydantic import ValidationError

from sightline.core.errors import InputError, Reject
from sightline.runs.config_file import first_mistake
from sightline.runs.vlm_config import read_config
from sightline.runs.vlm_plan import fitting, plan
from sightline.runs.vlm_planned import DTYPES, Load


@click.command()
@click.argument("name", metavar="CONFIG.py|8b|tiny")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change one value of the config.")
@click.option("--batch", default=1, show_default=True, help="Conversations.")
@click.option("--images", default=1, show_default=True, help="Per conversation.")
@click.option("--size", default="1024x1024", show_default=True, help="Pixels of an image, WIDTHxHEIGHT.")
@click.option("--words", default=256, show_default=True, help="Tokens of a conversation that are no picture.")
@click.option("--dtype", type=click.Choice(list(DTYPES)), help="Default: the config's precision, else bfloat16.")
@click.option("--device", default="cuda", show_default=True, type=click.Choice(["cuda", "cpu"]), help="What it is for.")
@click.option("--trainable", default="", help="Parts that train, with commas. Default: the config's heaviest stage.")
@click.option(
    "--lora", default=0, help="Rank of adapters on the language model, training alone. Default: the config's."
)
@click.option("--checkpointing", is_flag=True, help="Compute activations again instead of keeping them.")
@click.option("--reference", default="none", show_default=True,
              type=click.Choice(["none", "copy", "adapter-off", "precomputed"]))  # fmt: skip
@click.option("--wanted", default=64, show_default=True, help="Conversations of an optimizer step, over all batches.")
@click.option("--rows", default=0, help="Conversations of the whole training: forecast its tokens and time.")
@click.option("--speed", default=100.0, show_default=True, help="TFLOP/s that the machine achieves.")
@click.option("--card", default=0.0, type=click.FloatRange(0), help="GB of a card: the largest batch that fits it.")
def command(name: str, changes: tuple[str, ...], size: str, trainable: str, card: float, **options: object) -> None:
    """What a run will take before its first step: weights, gradients, optimizer, reference, activations, peak.

    Nothing is downloaded and no weight is made: an 8-billion-parameter model takes seconds.

    \b
    sightline plan 8b --lora 16 --checkpointing --card 24
    """
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise click.UsageError("--size is WIDTHxHEIGHT, as 1024x768")
    config = read_config(name, changes)
    options["dtype"] = options["dtype"] or config.precision or "bfloat16"
    options["checkpointing"] = options["checkpointing"] or config.checkpointing
    given = {**options, "width": width, "height": height, "trainable": trainable.split(",") if trainable else ()}
    try:
        load = Load.model_validate(given)
        made = plan(config, load)
        fits = fitting(config, load, card, made) if card else None
    except ValidationError as error:
        raise click.UsageError(f"--{first_mistake(error)}") from error
    except Reject as error:
        raise InputError(f"a picture of this size is refused: {error.reason}", subject=size) from error
    for line in made.words(load, card, fits):
        click.echo(line)
