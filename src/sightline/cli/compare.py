"""`sightline compare`."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import click

from sightline.runs.evaluation_compare import Difference, compare
from sightline.runs.evaluation_report import ONE_GROUP
from sightline.show import print_tables
from sightline.show.table import listing


@click.command()
@click.argument("run_a", metavar="RUN_A", type=click.Path(path_type=Path))
@click.argument("run_b", metavar="RUN_B", type=click.Path(path_type=Path))
@click.option("--margin", type=float, help="Equivalence margin: are the runs closer than this?")
@click.option("--json", "as_json", is_flag=True, help="JSON in place of a table.")
def command(run_a: Path, run_b: Path, margin: float | None, as_json: bool) -> None:
    """Compare two runs on the examples that both answered: paired, clustered by document, image or video.

    A run is a folder that `sightline evaluate` wrote, a *_samples_*.jsonl of lmms-eval, or a .xlsx, .tsv, .csv
    or .json of VLMEvalKit.

    \b
    sightline compare run-a run-b --margin 0.02
    """
    found = compare(run_a, run_b, margin=margin)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
        return
    print_tables(
        [
            listing("B - A", ("metric", ">A", ">B", ">B - A", "95 %"), [_figures(row) for row in found.differences]),
            listing(
                "Is it more than chance?",
                ("metric", ">p", ">p (Holm)", ">flips A/B", ">equivalent p", ">n for this", "test"),
                [_tests(row) for row in found.differences],
            ),
        ]
    )
    if found.clusters == 1:
        click.echo(f"no interval and no p: {ONE_GROUP}")
    clusters = "independent examples" if found.clusters is None else f"{found.clusters:,} groups"
    click.echo(
        f"{found.common:,} examples in both ({clusters}); only in A {found.only_a:,}, only in B {found.only_b:,}"
    )


def _figures(row: Difference) -> list[str]:
    bounds = "" if row.interval is None else f"{row.interval.low:+.4f} to {row.interval.high:+.4f}"
    return [row.metric, f"{row.a:.4f}", f"{row.b:.4f}", f"{row.difference:+.4f}", bounds]


def _tests(row: Difference) -> list[str]:
    flips = "" if row.flips is None else f"{row.flips.only_a}/{row.flips.only_b}"
    close = "" if row.equivalent_p is None else _p(row.equivalent_p)
    needed = "" if row.n_needed is None else f"{row.n_needed:,}"
    return [row.metric, _p(row.p), _p(row.p_holm), flips, close, needed, row.test]


def _p(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3g}"
