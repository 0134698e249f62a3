"""`sightline evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.models import SERVERS, price_of, reached
from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.core.ports import LM
from sightline.evaluate.benchmarks import BENCHMARKS
from sightline.evaluate.benchmarks.benchmark import Benchmark
from sightline.evaluate.benchmarks.hub import names_hub
from sightline.evaluate.judge import LaveConfig
from sightline.lm import Budgeted, Cached, Replay
from sightline.lm.budget import Purse
from sightline.runs.evaluation import EvaluationConfig, evaluate, expected
from sightline.runs.evaluation_report import write_report
from sightline.show import print_tables
from sightline.show.table import scores


@click.command(epilog=SERVERS)
@click.argument("data", metavar="DATASET")
@click.option("--model", "model_spec", required=True, help="http://host/v1, a model's folder, or package.module:object")
@click.option("--model-name", help="Name of the model at an endpoint.")
@click.option("--judge", "judge_spec", help="The same for a judge; replay:FILE answers from a reply cache alone.")
@click.option("--judge-name", help="Name of the judge at an endpoint.")
@click.option("--benchmark", "named", help=f"{', '.join(BENCHMARKS)}, or package.module:NAME. Default: by DATASET.")
@click.option("--metric", "names", default="", help="Text metrics with commas, in place of the benchmark's own.")
@click.option("--limit", type=click.IntRange(min=1), help="The first N examples.")
@click.option("--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the judge.")
@click.option("--max-tokens", default=256, show_default=True, type=click.IntRange(min=1), help="Longest answer.")
@click.option("--price", "prices", metavar="IN,OUT", help="USD per million input and output tokens.")
@click.option("--max-cost", type=float, help="USD that model and judge may spend together; needs --price.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run; run again to resume.")
def command(
    data: str, out: Path, prices: str | None, max_cost: float | None, named: str | None, **options: Any
) -> None:
    """Ask a model, score its answers with intervals, write records, scores and a report.

    DATASET is a dataset that sightline built, a folder in the Hugging Face layout (Parquet), org/name or org/name@split
    of a dataset on the hub, a JSON-lines file of questions, or the data of a benchmark.

    \b
    sightline evaluate my-dataset --model http://localhost:8000/v1 --model-name some-model --out run-a
    sightline evaluate questions.jsonl --model my_models:model --judge my_models:judge --metric anls,cider-d --out run-a
    """
    if max_cost is not None and prices is None:
        raise InputError("a cap needs prices", subject=f"--max-cost {max_cost}", remedy="--price IN,OUT")
    if options["judge_name"] is not None and options["judge_spec"] is None:
        raise InputError("--judge-name without --judge", remedy="add --judge")
    benchmark = _benchmark(data, named)
    config = EvaluationConfig(
        benchmark=benchmark.name,
        data=data,
        metrics=tuple(name.strip() for name in options["names"].split(",") if name.strip()),
        limit=options["limit"],
        max_tokens=options["max_tokens"],
        lave=LaveConfig(language=options["language"]),
    )
    listed = price_of(prices)
    plain = reached(options["model_spec"], options["model_name"])
    judged = options["judge_spec"]
    asker = None if not judged or judged.startswith("replay:") else reached(judged, options["judge_name"])
    foreseen = expected(benchmark, config, plain, out, judge=asker, price=listed)
    money = f", {foreseen.cost:.2f} USD" if listed else ""
    click.echo(
        f"at most {foreseen.requests:,} requests, about {foreseen.input_tokens:,} tokens in and "
        f"{foreseen.output_tokens:,} out{money}, {foreseen.seconds:,.0f} s",
        err=True,
    )
    cache = out / "replies.sqlite"
    model = Cached(plain, cache)
    purse = Purse(max_cost, spent=model.store.paid) if listed else None
    if listed is not None:
        model = Cached(Budgeted(plain, listed, purse), cache)
    judge: LM | None = None
    if asker is not None:
        judge = Cached(asker if listed is None else Budgeted(asker, listed, purse), cache)
    elif judged:
        judge = Replay(judged.removeprefix("replay:"), options["judge_name"])
    found = evaluate(benchmark, config, model, out, judge=judge)
    print_tables([scores(found.scores)])
    if found.failed:
        click.echo(f"failed, in no score: {found.failed}", err=True)
    click.echo(f"report: {write_report(out)}")


def _usual(data: str) -> str:
    """The benchmark that a dataset is for: multiple choice where it brings such questions, pairs else."""
    folder = Path(data)
    if not folder.is_dir():
        return "hub" if names_hub(data) else "questions"
    if any((folder / "evaluate").glob("*.jsonl")):
        return "mcq"
    return "sightline" if (folder / "run.json").is_file() else "table"


def _benchmark(data: str, name: str | None) -> Benchmark:
    if name is None:
        name = _usual(data)
    if name not in BENCHMARKS and ":" not in name:
        raise InputError("no such benchmark", subject=name, remedy=f"one of {', '.join(BENCHMARKS)}")
    found = load(BENCHMARKS.get(name, name))
    if not isinstance(found, Benchmark):
        raise InputError("is no Benchmark", subject=name)
    return found
