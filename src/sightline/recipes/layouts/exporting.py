"""Write a dataset in a trainer's layout. Rows the trainer would refuse are never written: the export stops first."""

from __future__ import annotations

from pathlib import Path

from sightline.core.errors import InputError
from sightline.pipeline.work import unwritable
from sightline.recipes.dataset import Dataset
from sightline.recipes.layouts.checking import check, conversations, open_layout
from sightline.recipes.layouts.layout import one_by_one


def export(dataset: Path, name: str, out: Path, *, single: bool = False) -> list[Path]:
    """Write `dataset` into `out` as layout `name`; gives one file per split.

    single: one conversation per question, instead of one per picture with several turns.
    Raises InputError where `out` is not empty, or rows break the layout's rules (none is written then); StorageError
    where `out` cannot be written.
    """
    layout = open_layout(name)
    source = Dataset(dataset)
    if out.exists() and not out.is_dir():
        raise InputError("a file stands where the folder is to be", subject=out, remedy="name another")
    if out.exists() and any(out.iterdir()):
        raise InputError("the folder is not empty", subject=out, remedy="name a new one")
    offences = check(dataset, name).offences
    if offences:
        first = offences[0]
        raise InputError(
            f"{len(offences)} rows break the rules of {name!r}, first: {first.row}: {first.what}",
            subject=dataset,
            remedy=f"see all with `sightline check {dataset} --for {name}`",
        )
    groups = one_by_one if single else layout.groups
    try:
        out.mkdir(parents=True, exist_ok=True)
        return layout.write((layout.convert(group) for group in groups(conversations(source, layout))), out)
    except OSError as error:
        raise unwritable(error, out) from error
