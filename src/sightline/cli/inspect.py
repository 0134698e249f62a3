"""`sightline inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sightline.recipes.dataset import Dataset
from sightline.recipes.kinds import call, kind_of
from sightline.show import print_tables
from sightline.show.table import printable


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("record", required=False)
@click.option("--rejects", metavar="REASON", help="List the rows refused for REASON, with their evidence.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="Rows to list at most.")
def command(folder: Path, record: str | None, rejects: str | None, limit: int) -> None:
    """What is in a dataset: the funnel, rejects by reason, scores; or one RECORD by (the beginning of) its id.

    \b
    sightline inspect my-dataset                              the funnel, rejects and scores
    sightline inspect my-dataset 3f2c9a                       one record, without its pictures' bytes
    sightline inspect my-dataset --rejects no-text-layer      what was refused for that reason
    """
    dataset = Dataset(folder)
    kind = kind_of(dataset)
    if record is not None:
        click.echo(printable(json.dumps(_readable(dataset.row(record)), ensure_ascii=False, indent=2)))
    elif rejects is not None:
        found = [one for one in dataset.rejects() if one.reason == rejects]
        for one in found[:limit]:
            click.echo(printable(f"{one.origin}  [{one.step}]  {json.dumps(one.evidence, ensure_ascii=False)}"))
        click.echo(f"{len(found)} rows refused for {rejects!r}" + (f", {limit} shown" if len(found) > limit else ""))
    else:
        print_tables(call(kind.summary, dataset))


def _readable(value: Any) -> Any:
    """Pictures by their names; JSON that is kept as text as what it says."""
    if isinstance(value, dict):
        if "bytes" in value:
            return value["path"]
        return {name: json.loads(v) if name == "json" else _readable(v) for name, v in value.items()}
    return [_readable(one) for one in value] if isinstance(value, list) else value
