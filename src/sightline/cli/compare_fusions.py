"""`sightline compare-fusions`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click
import torch

from sightline.cli.train_vlm import Forecast, sizes_of
from sightline.core.errors import InputError
from sightline.runs.vlm_config import read_config
from sightline.runs.vlm_fusions import Synthetic, compare_fusions, fusions_on, synthetic
from sightline.runs.vlm_fusions_page import caveat, differences, fusion_table, write_fusions_page
from sightline.runs.vlm_tuning import placed
from sightline.show import print_tables
from sightline.show.table import listing
from sightline.vlm.resolution import FusionKind


@click.command()
@click.argument("name", metavar="[CONFIG.py]", default="synthetic")
@click.option("--data", "given", multiple=True, metavar="[NAME=]DATASET", help="As in `train vlm`.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Change one value: stages.0.steps=200.")
@click.option("--fusions", default="embed,cross,hybrid", show_default=True, help="Which, with commas; the others are "
              "compared to the first.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Times that each trains; only "
              "from 2 on do intervals hold for other starts, too.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True)
def command(name: str, given: tuple[str, ...], changes: tuple[str, ...], fusions: str, seeds: int, out: Path) -> None:
    """Train embed, cross and hybrid on the same rows, seed and steps, and compare them.

    CONFIG.py is one for `train vlm`, its model made of parts. Where a stage trains the connector, the cross-attention
    of the other fusions trains at the connector's rate. Without CONFIG.py: rendered pictures (--set steps=300).

    \b
    sightline compare-fusions --out runs/fusions --seeds 3
    sightline compare-fusions my_run.py --data my-dataset --out runs/fusions --set stages.0.steps=200
    """
    kinds: list[FusionKind] = [kind for kind in get_args(FusionKind) if kind in fusions.split(",")]
    if unknown := set(fusions.split(",")) - set(kinds):
        raise InputError("no such fusion", subject=", ".join(sorted(unknown)), remedy=", ".join(get_args(FusionKind)))
    kinds.sort(key=fusions.split(",").index)
    told = {"seeds": seeds, "say": lambda line: click.echo(line, err=True), "tell": Forecast()}
    if name == "synthetic":
        if given:
            raise InputError("the synthetic comparison renders its data", remedy="CONFIG.py --data DATASET")
        torch.set_num_threads(1)
        made = compare_fusions(*synthetic(sizes_of(Synthetic, changes)), out, kinds, **told)  # type: ignore[arg-type]
    else:
        config = read_config(name, changes)
        made = fusions_on(config, placed(config, given), out, kinds, **told)
    write_fusions_page(out / "report.html", made)
    head, rows = fusion_table(made)
    print_tables([listing("Fusions" + (" (synthetic pictures)" if name == "synthetic" else ""), head, rows)])
    if others := differences(made):
        print_tables([listing(f"Against {kinds[0]}, paired", ["fusion", "figure", ">difference"], others)])
    click.echo(caveat(made))
    click.echo(f"report: {out / 'report.html'}")
