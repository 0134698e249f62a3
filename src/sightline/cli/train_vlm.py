"""`sightline train vlm`."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from sightline.core.errors import InputError
from sightline.runs.vlm_config import read_config
from sightline.runs.vlm_documents import Sizes, read_documents
from sightline.runs.vlm_page import verdict
from sightline.runs.vlm_stages import Tiny, tiny
from sightline.runs.vlm_tuned_page import FIGURES, figures, write_tuned_page
from sightline.runs.vlm_tuning import Tuned, chosen, placed, tune
from sightline.show import print_tables
from sightline.show.table import listing
from sightline.train.feature_cache import Usage
from sightline.train.machine import Machine
from sightline.train.stages import Progress

Kind = TypeVar("Kind", bound=BaseModel)


@click.command()
@click.argument("name", metavar="CONFIG.py|MODEL-DIR|tiny|documents")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change one value: stages.0.steps=200.")
@click.option("--data", "given", multiple=True, metavar="[NAME=]DATASET",
              help="A folder that sightline built, or a JSON-lines file of conversations; again for each NAME that "
              "stages draw from.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True)
def command(name: str, changes: tuple[str, ...], given: tuple[str, ...], out: Path) -> None:
    """Train a vision-language model by stages; goes on from where it stopped.

    `tiny` needs no data: it renders pictures, trains from scratch on the CPU, by stages and jointly, and compares;
    --set seeds=3 says how sure the comparison is.
    `documents` learns to read rendered lines, then a built dataset's own answers, every document left out in turn.
    CONFIG.py defines `config()`, which gives a VLMRun; OUT/run.json of an earlier run does as well. MODEL-DIR is a
    whole model, ours or a ready one of transformers: its connector and language model are trained.

    OUT/model is a plain Hugging Face folder of the best checkpoint, OUT/report.html shows how it came about.

    \b
    sightline train vlm tiny --out runs/tiny
    sightline train vlm documents --data demo/documents --out runs/documents
    sightline train vlm my_run.py --data my-dataset --out runs/mine --set stages.0.steps=200
    sightline train vlm SmolVLM-256M --data my-dataset --out runs/smol --set stages.0.steps=200
    """
    if name == "tiny":
        _tiny(out, changes)
    elif name == "documents":
        if len(given) != 1:
            raise InputError("a dataset is needed", remedy="--data DATASET")
        click.echo(told_documents(read_documents(Path(given[0]), out, sizes_of(Sizes, changes), Forecast())))
    else:
        config = read_config(name, changes)
        done = tune(config, placed(config, given), out, say=_say, tell=Forecast())
        if not Machine().rank:
            write_tuned_page(out / "report.html", config, done)
            _told_run(done, out)


def _tiny(out: Path, changes: tuple[str, ...]) -> None:
    table = tiny(out, sizes_of(Tiny, changes), Forecast())
    for task, (value, low, high) in table["staged"]["scores"].items():
        before, joint = table["before"][task][0], table["joint"]["scores"][task][0]
        click.echo(f"{task:8} before {before:.0%}  joint {joint:.0%}  staged {value:.0%} [{low:.0%}, {high:.0%}]")
    click.echo(f"synthetic pictures; {verdict(table)}")
    click.echo(f"model: {out / 'staged' / 'model'}    report: {out / 'report.html'}")


def _told_run(done: Tuned, out: Path) -> None:
    course = done.result.course
    for lengths in dict.fromkeys(done.result.lengths.values()):
        click.echo(lengths)
    for proof in course.proofs:
        if "features" in proof:
            click.echo(f"{proof['stage']}: {Usage(**proof['features']).told()}")
    if course.idle:
        click.echo(f"{course.idle} batches could teach nothing: no picture, while only the connector trained")
    if best := chosen(course):
        click.echo(f"chosen: stage {best['stage']}, step {best['step']} (score {best['score']:.3f} on rows held out)")
    if done.scores:
        title = "on test rows" if done.on == "test" else "on the rows held out, which chose the checkpoint"
        print_tables([listing(f"Figures {title}", FIGURES, figures(done.scores))])
    click.echo(f"{len(course.losses)} steps, last loss {course.losses[-1]:.3f}; model: {out / 'model'}")
    click.echo(f"report: {out / 'report.html'}")


def _say(line: str) -> None:
    if not Machine().rank:
        click.echo(line, err=True)


class Forecast:
    """Says on stderr where a run stands and how long it still takes: first and last step of a stage, and every 5 s."""

    def __init__(self) -> None:
        self._said = -math.inf

    def __call__(self, progress: Progress) -> None:
        """After a step."""
        if progress.step in (1, progress.steps) or time.monotonic() - self._said >= 5:
            self._said = time.monotonic()
            click.echo(progress.told(), err=True)


def sizes_of(kind: type[Kind], changes: tuple[str, ...]) -> Kind:
    """`steps=300`, `seeds=3` ... Raises InputError for other names and values that do not fit."""
    values = dict(change.partition("=")[::2] for change in changes)
    try:
        return kind.model_validate_strings(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"not a size of this run: {first['msg']}",
            subject=".".join(map(str, first["loc"])),
            remedy=f"one of {', '.join(kind.model_fields)}",
        ) from error


def told_documents(table: dict[str, Any]) -> str:
    """ANLS before and after in words."""

    def bounds(value: float, low: float | None, high: float | None) -> str:
        return f"{value:.3f}" + ("" if low is None else f" [{low:.3f}, {high:.3f}]")

    drawn, before, after, gain = (bounds(*table[name]) for name in ("rendered", "zero_shot", "tuned", "gain"))
    counted = f"{table['answers']} answers of {table['documents']} documents (small), refused: {table['refused']}"
    first = f"ANLS on rendered lines {drawn} (synthetic)"
    return f"{counted}\n{first}\nANLS zero-shot {before}  fine-tuned {after}  gain {gain}"
