"""`sightline build documents`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.flags import executor_of, named, refuse_nameless
from sightline.cli.models import SERVERS, models_of, price_of, purse_for
from sightline.core.errors import InputError, ModelError
from sightline.media import PageConfig
from sightline.pipeline import Progress, RunResult
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_summary import summary_tables
from sightline.recipes.document_qa.build import build_documents
from sightline.recipes.document_qa.config import CheckConfig, ChunkConfig, DocumentQAConfig, ReadConfig
from sightline.recipes.document_qa.forecast import build_tables, forecast_documents
from sightline.recipes.document_report import write_report
from sightline.recipes.running import Engine
from sightline.show import print_tables


def model_flags(command: Any) -> Any:
    """--lm, --model, --judge, --judge-model, --blind, --blind-model, --price, --max-cost."""
    for flag in reversed(_MODEL_FLAGS):
        command = flag(command)
    return command


_SPEC = "http(s)://host/v1, package.module:object, or a model folder"
_MODEL_FLAGS = (
    click.option(
        "--lm", metavar="SPEC", help=f"The language model that writes: {_SPEC}. The key is in OPENAI_API_KEY."
    ),
    click.option("--model", metavar="NAME", help="Its name at that address."),
    click.option("--judge", metavar="SPEC", help="Another model, which answers each question from the page; scored."),
    click.option("--judge-model", metavar="NAME", help="Its name at that address."),
    click.option("--blind", metavar="SPEC", help="A model that answers each question without the page; scored."),
    click.option("--blind-model", metavar="NAME", help="Its name at that address."),
    click.option("--min-judge", type=float, help="Reject pairs that the judge scores lower (0..1); default: keep all."),
    click.option("--min-blind", type=float, help="Reject pairs answerable without the page (0..1); default: keep all."),
    click.option("--price", metavar="IN,OUT", help="USD per million input and output tokens, for forecast and cap."),
    click.option("--max-cost", type=float, metavar="USD", help="Stop before this is passed; what is finished is kept."),
)


@click.command(epilog=SERVERS)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the dataset; rerun to go on.")
@click.option("--writer", type=click.Choice(["layout", "lm"]), help="Rules without a model (default), or --lm.")
@model_flags
@click.option("--dpi", default=150.0, show_default=True, help="Pixels per inch of the page pictures.")
@click.option("--max-side", default=2940, show_default=True, help="Longest side of a page picture, pixels.")
@click.option("--picture", type=click.Choice(["png", "jpeg"]), default="png", show_default=True)
@click.option("--ocr", type=click.Choice(["none", "auto", "tesseract", "rapidocr"]), default="none", show_default=True,
              help="Engine for pages without a text layer; none rejects them by name.")  # fmt: skip
@click.option("--ocr-language", default="auto", show_default=True, help="ISO 639-1 code of scanned pages.")
@click.option("--pages-per-chunk", default=5, show_default=True, help="Pages that the writer sees at once.")
@click.option("--tokens-per-chunk", default=5000, show_default=True, help="A longer page is split.")
@click.option("--overlap", type=int, help="Pages that neighbouring chunks share (lm writer); default 1 where one fits.")
@click.option("--language", type=click.Choice(["auto", "en", "ko"]), default="auto", show_default=True)
@click.option("--pairs-per-page", default=4, show_default=True)
@click.option("--keep-unlocated", is_flag=True, help="Keep answers that were not found on their page; scored so.")
@click.option("--test-share", default=0.1, show_default=True, help="Of the pairs; documents are never torn apart.")
@click.option("--seed", default=0, show_default=True)
@click.option("--licence", help="Of the documents, written into each record.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--workers", type=int, help="Worker processes; default: the cores at hand.")
@click.option("--time-limit", default=120.0, show_default=True, help="Seconds for a page; raise it to try again.")
@click.option("--dry-run", is_flag=True, help="Forecast pages, requests, tokens, money and time; build nothing.")
def command(paths: tuple[str, ...], out: Path, dry_run: bool, **flags: Any) -> None:
    """PDFs (files, folders, globs, fsspec URLs) -> question-answer pairs, each tied to the box on the page.

    \b
    sightline build documents my-pdfs/ --out my-dataset
    sightline build documents my-pdfs/ --out my-dataset --writer lm --lm http://localhost:8000/v1 --model NAME \\
        --judge http://localhost:8001/v1 --judge-model OTHER --price 0.1,0.4 --max-cost 5 --dry-run

    Stop it at any time: the same command goes on where it was. Everything refused is kept with its reason.
    """
    _refuse_contradictions(flags)
    config = _config(flags)
    price = price_of(flags["price"])
    writer = _writer(flags["writer"], flags["lm"])
    purse = purse_for(out, price, flags["max_cost"])
    models = models_of(
        (writer, flags["model"]),
        (flags["judge"], flags["judge_model"]),
        (flags["blind"], flags["blind_model"]),
        price,
        purse,
    )
    engine = Engine(flags["engine"], executor_of(flags), Progress(cost=lambda: purse.spent))
    if dry_run:
        print_tables(build_tables(forecast_documents(paths, config, models, engine.executor, price)))
        return
    _tell(build_documents(paths, out, config, models=models, engine=engine), out)


def _config(flags: dict[str, Any]) -> DocumentQAConfig:
    with named():
        return _given(flags)


def _given(flags: dict[str, Any]) -> DocumentQAConfig:
    return DocumentQAConfig(
        read=ReadConfig(
            page=PageConfig(dpi=flags["dpi"], max_side=flags["max_side"], picture=flags["picture"]),
            ocr=flags["ocr"],
            ocr_language=flags["ocr_language"],
            licence=flags["licence"],
        ),
        chunk=ChunkConfig(
            pages_per_chunk=flags["pages_per_chunk"],
            tokens_per_chunk=flags["tokens_per_chunk"],
            overlap=min(1, flags["pages_per_chunk"] - 1) if flags["overlap"] is None else flags["overlap"],
            language=flags["language"],
        ),
        check=CheckConfig(keep_unlocated=flags["keep_unlocated"]),
        pairs_per_page=flags["pairs_per_page"],
        min_judge=flags["min_judge"],
        min_blind=flags["min_blind"],
        test_share=flags["test_share"],
        seed=flags["seed"],
    )


def _refuse_contradictions(flags: dict[str, Any]) -> None:
    """Flags that say something about a model or an engine which no flag names."""
    about = ("lm", "model"), ("judge", "judge_model"), ("judge", "min_judge"), ("blind", "blind_model")
    refuse_nameless(flags, *about, ("blind", "min_blind"))
    if flags["ocr_language"] != "auto" and flags["ocr"] == "none":
        raise InputError("--ocr-language without --ocr", remedy="add --ocr auto")


def _writer(writer: str | None, lm: str | None) -> str | None:
    """--lm alone means --writer lm; the two must not contradict."""
    if writer == "lm" and lm is None:
        raise InputError("--writer lm needs a model", remedy="name it with --lm (and --model)")
    if writer == "layout" and lm is not None:
        raise InputError("--writer layout uses no model, but --lm names one", remedy="leave one of them out")
    return lm


def _tell(result: RunResult, out: Path) -> None:
    """The funnel, and where things lie."""
    print_tables(summary_tables(Dataset(out)))
    if result.complete and result.work_done == 0:
        click.echo("nothing to do: everything was done by an earlier run")
    click.echo(f"dataset  {out}\nreport   {write_report(out)}")
    if result.stopped_by is not None:
        raise result.stopped_by
    _refuse_silence(out)


def _refuse_silence(out: Path) -> None:
    """A run whose model answered nothing is no success. Raises ModelError with what the server said."""
    dataset = Dataset(out)
    failed = [row for row in dataset.rejects() if row.reason == "writer-failed"]
    if failed and next(iter(dataset.rows(["id"])), None) is None:
        raise ModelError(
            f"the language model answered none of {len(failed)} requests usably: {failed[-1].evidence['error']}",
            remedy="check its address, name and key, then run the same command again: failed requests are asked anew",
        )
