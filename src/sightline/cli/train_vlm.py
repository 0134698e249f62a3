"""`sightline train vlm`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.core.errors import InputError
from sightline.runs.vlm_config import read_config
from sightline.runs.vlm_data import conversations, told, usable
from sightline.runs.vlm_stages import run, tiny


@click.command()
@click.argument("name", metavar="CONFIG.py|tiny")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change one value: stages.0.steps=200.")
@click.option("--data", type=click.Path(path_type=Path), metavar="DATASET", help="A dataset that sightline built.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
def command(name: str, changes: tuple[str, ...], data: Path | None, out: Path) -> None:
    """Train a vision-language model by stages; goes on from where it stopped.

    `tiny` needs no data: it renders pictures, trains from scratch on the CPU, by stages and jointly, and compares.
    CONFIG.py defines `config()`, which gives a VLMRun. OUT/model is then a plain Hugging Face folder.

    \b
    sightline train vlm tiny --out runs/tiny
    sightline train vlm my_run.py --data my-dataset --out runs/mine --set stages.0.steps=200
    """
    if name == "tiny":
        table = tiny(out, **{key: int(value) for key, _, value in (change.partition("=") for change in changes)})
        for task, (value, low, high) in table["staged"]["scores"].items():
            before, joint = table["before"][task][0], table["joint"]["scores"][task][0]
            click.echo(f"{task:8} before {before:.0%}  joint {joint:.0%}  staged {value:.0%} [{low:.0%}, {high:.0%}]")
        click.echo(f"synthetic pictures; staging {'beat' if table['staging_wins'] else 'did not beat'} joint training")
        return
    if data is None:
        raise InputError("a dataset is needed", remedy="--data DATASET")
    config = read_config(name, changes)
    _, reader = config.build()
    rows, refused = usable(conversations(data), reader, picture_budget=config.picture_budget, longest=config.longest)
    click.echo(told(refused), err=True)
    if not rows:
        raise InputError("no usable row in the dataset", subject=data, remedy=told(refused))
    result = run(config, {stage.data: rows for stage in config.stages}, out)
    click.echo(f"{len(result.course.losses)} steps, last loss {result.course.losses[-1]:.3f}; model: {out / 'model'}")
