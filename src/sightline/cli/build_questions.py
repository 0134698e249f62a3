"""`sightline build questions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.flags import refuse_nameless
from sightline.cli.models import SERVERS, opened, price_of, purse_for
from sightline.core.errors import InputError
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
from sightline.recipes.adversarial_qa.figures import questions_tables
from sightline.recipes.adversarial_qa.forecast import questions_forecast
from sightline.recipes.adversarial_qa.report import write_report
from sightline.recipes.adversarial_qa.templates import read_templates
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine
from sightline.show import print_tables

_SPEC = "http(s)://host/v1, package.module:object, or a model folder"


@click.command(epilog=SERVERS)
@click.argument("dataset", metavar="DATASET", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the questions; rerun to go on.")
@click.option("--from", "made_from", type=click.Choice(["templates", "pairs"]),
              help="Kinds of question, or DATASET's own pairs with other answers as wrong options. "
              "Default: templates with --writer, pairs without.")  # fmt: skip
@click.option("--writer", metavar="SPEC", help=f"The model that writes: {_SPEC}. The key is in OPENAI_API_KEY.")
@click.option("--writer-model", metavar="NAME", help="Its name at that address.")
@click.option("--verifier", metavar="SPEC", help="Another model, which must choose each key with full context.")
@click.option("--verifier-model", metavar="NAME", help="Its name at that address.")
@click.option("--templates", default="derive", show_default=True, metavar="FILE",
              help="JSON list of {name, prototype, category}; 'derive' groups DATASET's questions.")  # fmt: skip
@click.option("--per-clip", default=32, show_default=True, type=click.IntRange(1), help="Questions asked per scene.")
@click.option("--choices", default=5, show_default=True, type=click.IntRange(2, 10), help="Options per question.")
@click.option("--sees", type=click.Choice(["text", "picture", "both"]), default="text", show_default=True,
              help="What the models are shown of a scene.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--price", metavar="IN,OUT", help="USD per million input and output tokens, for cost and cap.")
@click.option("--max-cost", type=float, metavar="USD", help="Stop before this is passed; what is finished is kept.")
@click.option("--dry-run", is_flag=True, help="Forecast requests, tokens, money and time; build nothing.")
def command(dataset: Path, out: Path, **flags: Any) -> None:
    """Multiple-choice questions about the pages or videos of a dataset, or about texts and photos in JSON lines.

    \b
    sightline build questions my-dataset --out my-questions                       from its pairs, offline
    sightline build questions my-dataset --out my-questions --writer http://localhost:8000/v1 --writer-model A \\
        --verifier http://localhost:8001/v1 --verifier-model B
    sightline refine my-questions --out refined ...                               then: can they be answered blind?

    Stop it at any time: the same command goes on where it was. Everything refused is kept with its reason.
    """
    refuse_nameless(flags, ("writer", "writer_model"), ("verifier", "verifier_model"))
    price = price_of(flags["price"])
    purse = purse_for(out, price, flags["max_cost"])
    authors = Authors(
        opened(flags["writer"], flags["writer_model"], price, purse),
        opened(flags["verifier"], flags["verifier_model"], price, purse),
    )
    made_from = flags["made_from"] or ("pairs" if authors.writer is None else "templates")
    if made_from == "pairs" and authors.writer is not None:
        raise InputError("--from pairs uses no writer", remedy="leave out --writer, or name it as --verifier")
    config = QuestionsConfig(
        made_from=made_from,
        per_scene=flags["per_clip"],
        options=flags["choices"],
        templates=() if flags["templates"] == "derive" else read_templates(Path(flags["templates"])),
        sees=flags["sees"],
        seed=flags["seed"],
    )
    if flags["dry_run"]:
        print_tables(questions_forecast(dataset, authors, config, price))
        return
    engine = Engine(flags["engine"], progress=Progress(cost=lambda: purse.spent))
    result = build_questions(dataset, out, authors, config, engine=engine)
    print_tables(questions_tables(Dataset(out)))
    if result.complete and result.work_done == 0:
        click.echo("nothing to do: everything was done by an earlier run")
    click.echo(f"dataset  {out}\nreport   {write_report(out)}")
    if result.stopped_by is not None:
        raise result.stopped_by
