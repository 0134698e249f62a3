"""`sightline train image`."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console

from sightline.generate.processes import usable
from sightline.generate.training import Progress, TrainConfig
from sightline.runs.image_card import lines
from sightline.runs.image_consistency import STORIES, placed, run, story
from sightline.runs.image_training import Data, train_teacher


@click.command()
@click.argument("name", metavar="unet|dit|mlp|CONFIG.py|RUN")
@click.option("--data", "source", metavar="FOLDER|DATASET", help="Pictures; subfolders are classes.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--size", default=32, show_default=True, type=click.IntRange(1), help="Pixels of a side.")
@click.option("--grey", is_flag=True, help="One channel.")
@click.option("--flip/--no-flip", default=True, show_default=True)
@click.option(
    "--held-out",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share kept to choose settings and for the card.",
)
@click.option("--path", default="trigflow", show_default=True, type=click.Choice(["trigflow", "edm", "vp", "flow"]))
@click.option("--steps", default=6000, show_default=True, type=click.IntRange(1))
@click.option("--batch", default=256, show_default=True, type=click.IntRange(1), help="Over all devices.")
@click.option("--lr", default=1e-3, show_default=True, type=click.FloatRange(0, min_open=True))
@click.option("--seed", default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--times", default=1, show_default=True, type=click.IntRange(1),
              help="Of an embedded run: so many times its steps and stored paths.")  # fmt: skip
@click.option("--bf16", is_flag=True, help="Mixed precision; JVPs stay float32.")
@click.option("--compile", is_flag=True, help="torch.compile; worth its minutes on a GPU and long runs.")
def command(name: str, source: str | None, out: Path, **options: object) -> None:
    """Train an image model on your own pictures, or a whole embedded run (teacher, student, card) by its name.

    Embedded runs need no --data: digits-8, digits-8-sct, digits-16, photos-16, tiny. They take --device and --times,
    and no other setting. The command goes on from where it stopped.
    """
    console = Console(stderr=True)
    if name in STORIES:
        context = click.get_current_context()
        own = ("name", "out", "device", "times")
        given = [one for one in context.params if context.get_parameter_source(one) == ParameterSource.COMMANDLINE]
        if odd := sorted(set(given) - set(own)):
            raise click.UsageError(f"an embedded run has its own settings: no --{', --'.join(odd).replace('_', '-')}")
        what = placed(story(name), usable(str(options["device"])), int(str(options["times"])))
        card = run(what, out, lambda phase, progress: _tell(console, phase, progress))
        click.echo("\n".join(lines(card)))
        click.echo(f"card: {out / 'card.html'}")
        return
    if source is None:
        raise click.UsageError("--data is needed unless NAME is an embedded run")
    if options["times"] != 1:
        raise click.UsageError("--times is of embedded runs: --steps says how long a network of yours trains")
    data = Data(
        source=source,
        size=options["size"],
        channels=1 if options["grey"] else 3,
        held_out=options["held_out"],
        flip=options["flip"],
    )
    precision = "bf16" if options["bf16"] else "fp32"
    keys = ("steps", "batch", "lr", "seed", "device", "compile")
    settings = TrainConfig.model_validate({key: options[key] for key in keys} | {"precision": precision})
    out.mkdir(parents=True, exist_ok=True)
    train_teacher(
        name,
        data,
        out,
        path=str(options["path"]),
        settings=None if name.endswith(".py") else settings,
        watch=lambda progress: _tell(console, "teacher", progress),
    )
    click.echo(f"model: {out}")


def _tell(console: Console, phase: str, progress: Progress) -> None:
    console.print(f"{phase} {progress}", highlight=False)
