"""`sightline audit`."""

from __future__ import annotations

from pathlib import Path

import click

from sightline.lm import Cached, open_lm
from sightline.recipes.document_audit import audit_documents, audit_tables, auditable
from sightline.recipes.document_report import write_report
from sightline.show import print_tables


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--pairs", default=300, show_default=True, help="Accepted pairs to plant each kind of error into, at most."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--judge", metavar="SPEC", help="A model to measure beside the text checks.")
@click.option("--judge-model", metavar="NAME", help="Its name at that address.")
def command(folder: Path, pairs: int, seed: int, judge: str | None, judge_model: str | None) -> None:
    """Plant known errors into a copy of DIR's accepted pairs and measure what the checks catch.

    Prints, for each kind of error, the share that the dataset's own checks refuse, and the share of untouched drafts
    that they refuse, with 95 % Wilson intervals; writes both to audit.json, the dataset card and the report. The
    dataset itself is not changed. Needs no model; with --judge, that judge is measured too.
    """
    auditable(folder)  # before a cache of replies is begun in it
    lm = None if judge is None else Cached(open_lm(judge, judge_model), folder / ".sightline" / "replies.sqlite")
    print_tables(audit_tables(audit_documents(folder, pairs=pairs, seed=seed, judge=lm)))
    write_report(folder)
