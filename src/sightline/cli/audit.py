"""`sightline audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sightline.cli.flags import refuse_nameless
from sightline.cli.models import SERVERS, reached
from sightline.core.errors import InputError
from sightline.recipes.audit_record import audit_tables
from sightline.recipes.dataset import Dataset
from sightline.recipes.kinds import call, kind_of, report
from sightline.show import print_tables


@click.command(epilog=SERVERS)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--rows", default=300, show_default=True, type=click.IntRange(1),
              help="Accepted rows to plant each kind of error into, at most.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--judge", metavar="SPEC", help="A model that sees the page or context, to be measured too.")
@click.option("--judge-model", metavar="NAME", help="Its name at that address.")
@click.option("--blind", metavar="SPEC", help="Questions: a model that sees no context, instead of the embedded judge.")
@click.option("--blind-model", metavar="NAME", help="Its name at that address.")
def command(folder: Path, rows: int, seed: int, **flags: Any) -> None:
    """Plant known errors into copies of DIR's accepted rows and measure what the checks catch.

    Prints, for each kind of error, the share that the checks refuse, and the share of untouched rows that they refuse,
    with 95 % Wilson intervals; writes both to audit.json, the dataset card and the report. The rows themselves are not
    changed. Needs no model; a judge that is named is measured too.

    \b
    documents   digits, units, negations, places ... changed; --judge
    videos      times shifted or stretched, scenes swapped or dropped, annotations that stop early
    questions   keys moved to a wrong option (--judge), keys that give themselves away (--blind)
    """
    kind = kind_of(Dataset(folder))
    refuse_nameless(flags, ("judge", "judge_model"), ("blind", "blind_model"))
    judges = {}
    for role in ("judge", "blind"):
        spec, name = flags[role], flags[f"{role}_model"]
        if spec is not None and role not in kind.judges:
            raise InputError(f"no check of this kind of dataset asks a --{role}", subject=folder)
        if spec is not None:
            judges[role] = reached(spec, name)
    print_tables(audit_tables(call(kind.audit, folder, limit=rows, seed=seed, **judges)))
    report(folder)
