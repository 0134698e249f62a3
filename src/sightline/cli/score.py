"""`sightline score`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import metric
from sightline.evaluate.examples import read_predictions
from sightline.show import print_tables
from sightline.show.table import scores

_TOKENIZERS = {"auto": "auto", "en": "ptb", "ko": "syllable"}
_TOKENIZED = ("bleu", "cider", "cider-d", "rouge-l")


@click.command()
@click.argument("file", metavar="PREDICTIONS.jsonl", type=click.Path(path_type=Path))
@click.option("--metric", "names", default="anls", show_default=True, help="Names with commas, or package.module:name.")
@click.option(
    "--language", type=click.Choice(list(_TOKENIZERS)), default="auto", show_default=True, help="Of the words."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per score in place of a table.")
def command(file: Path, names: str, language: str, as_json: bool) -> None:
    """Score predictions, each with an interval and the exact variant that was computed.

    A line: {"id": "q1", "prediction": "Paris", "references": ["paris"], "group": "doc-7"}; items of one group
    (document, image, video) are not taken as independent.

    \b
    sightline score predictions.jsonl --metric anls,cider-d,bleu,rouge-l
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise InputError("no metric is named", remedy="--metric anls")
    functions = [(name, metric(name)) for name in wanted]
    items = read_predictions(file)
    groups = None if all(item.group is None for item in items) else [item.group for item in items]
    found = []
    for name, function in functions:
        options = {"tokenizer": _TOKENIZERS[language]} if name in _TOKENIZED else {}
        found.append(function([i.prediction for i in items], [i.references for i in items], groups=groups, **options))
    if as_json:
        for score in found:
            click.echo(score.model_dump_json(exclude={"per_item"}))
    else:
        print_tables([scores(found)])
