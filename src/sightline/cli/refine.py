"""`sightline refine`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.flags import refuse_nameless
from sightline.cli.models import SERVERS, opened, price_of, purse_for
from sightline.core.errors import InputError
from sightline.core.ports import LM
from sightline.lm import Price, Purse
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.figures import questions_tables
from sightline.recipes.adversarial_qa.flags import Answers, read_answers
from sightline.recipes.adversarial_qa.forecast import refine_forecast
from sightline.recipes.adversarial_qa.heuristics import Heuristics
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions
from sightline.recipes.adversarial_qa.report import write_report
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine
from sightline.show import print_tables

_SPEC = "http(s)://host/v1, package.module:object, or a model folder"


@click.command(epilog=SERVERS)
@click.argument("dataset", metavar="DATASET", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the refined dataset.")
@click.option("--blind", default="heuristics", show_default=True, metavar="SPEC",
              help=f"Sees no context: {_SPEC}; 'heuristics' is no model, finds shallow leaks.")  # fmt: skip
@click.option("--blind-model", metavar="NAME", help="Its name at that address.")
@click.option("--writer", metavar="SPEC", help="The model that rewrites; without one, weak questions are kept apart.")
@click.option("--writer-model", metavar="NAME", help="Its name at that address.")
@click.option("--verifier", metavar="SPEC", help="A third model, which sees the context and must confirm each new key.")
@click.option("--verifier-model", metavar="NAME", help="Its name at that address.")
@click.option("--held-out-judge", metavar="SPEC", help="Another blind judge, which only measures what fixes are worth.")
@click.option("--held-out-model", metavar="NAME", help="Its name at that address.")
@click.option("--rotations", default=5, show_default=True, type=click.IntRange(2, 10), help="Orders of the options.")
@click.option("--tries", default=5, show_default=True, type=click.IntRange(1), help="Rewriter calls per weak question.")
@click.option("--sees", type=click.Choice(["text", "picture", "both"]), default="text", show_default=True,
              help="What writer and verifier are shown of the context.")  # fmt: skip
@click.option("--answers", multiple=True, metavar="full|text=PATH",
              help="Recorded answers (an evaluation run, or JSON lines) that tell hard questions.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--price", metavar="IN,OUT", help="USD per million input and output tokens, for cost and cap.")
@click.option("--max-cost", type=float, metavar="USD", help="Stop before this is passed; what is finished is kept.")
@click.option("--dry-run", is_flag=True, help="Forecast requests, tokens, money and time; build nothing.")
def command(dataset: Path, out: Path, **flags: Any) -> None:
    """Rewrite multiple-choice questions until a judge that sees no context no longer finds the answer.

    DATASET is a multiple-choice dataset, or JSON lines of {"question", "options", "answer", "context"}.

    \b
    sightline refine questions.jsonl --out refined                       find shallow leaks, offline
    sightline refine my-questions --out refined --blind http://localhost:8000/v1 --blind-model A \\
        --writer http://localhost:8001/v1 --writer-model B --verifier http://localhost:8002/v1 --verifier-model C

    Stop it at any time: the same command goes on where it was.
    """
    named = ("writer", "writer_model"), ("verifier", "verifier_model"), ("held_out_judge", "held_out_model")
    refuse_nameless(flags, *named)
    price = price_of(flags["price"])
    purse = purse_for(out, price, flags["max_cost"])
    judges = Judges(
        blind=blind_judge(flags["blind"], flags["blind_model"], price, purse),
        writer=opened(flags["writer"], flags["writer_model"], price, purse),
        verifier=opened(flags["verifier"], flags["verifier_model"], price, purse),
        held_out=opened(flags["held_out_judge"], flags["held_out_model"], price, purse),
    )
    config = RefineConfig(rotations=flags["rotations"], tries=flags["tries"], sees=flags["sees"], seed=flags["seed"])
    answers = Answers(one for spec in flags["answers"] for one in read_answers(spec))
    if flags["dry_run"]:
        print_tables(refine_forecast(dataset, judges, config, price))
        return
    engine = Engine(flags["engine"], progress=Progress(cost=lambda: purse.spent))
    result = refine_questions(dataset, out, judges, config, answers=answers, engine=engine)
    print_tables(questions_tables(Dataset(out)))
    if result.complete and result.work_done == 0:
        click.echo("nothing to do: everything was done by an earlier run")
    click.echo(f"dataset  {out}\nreport   {write_report(out)}")
    if result.stopped_by is not None:
        raise result.stopped_by


def blind_judge(spec: str, model: str | None, price: Price | None, purse: Purse) -> LM:
    """ "heuristics", or a model."""
    if spec == "heuristics":
        if model is not None:
            raise InputError("--blind-model without --blind", remedy="add --blind")
        return Heuristics()
    found = opened(spec, model, price, purse)
    if found is None:
        raise InputError("no blind judge", remedy="name one with --blind")
    return found
