"""Is a folder what a trainer accepts? Each offending row is named, before any GPU starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.recipes.dataset import Dataset
from sightline.recipes.kinds import call, kind_of
from sightline.recipes.layouts import LAYOUTS
from sightline.recipes.layouts.layout import Layout, Row


class Offence(NamedTuple):
    """A row that the trainer would refuse, and why."""

    row: str
    what: str


class Checked(NamedTuple):
    """Rows looked at, and the offences among them."""

    rows: int
    offences: list[Offence]


def open_layout(name: str) -> Layout:
    """Raises InputError for a name that is not in the table."""
    if name not in LAYOUTS:
        raise InputError("no such layout", subject=name, remedy=f"one of {', '.join(LAYOUTS)}")
    layout = load(LAYOUTS[name])
    assert isinstance(layout, Layout)
    return layout


def check(folder: Path, name: str) -> Checked:
    """Check a sightline dataset (as it would be exported) or an exported folder against a layout's rules.

    Raises InputError where the folder holds neither.
    """
    layout = open_layout(name)
    rows, offences = 0, []
    for where, row, root in _rows(folder, layout):
        rows += 1
        offences += [Offence(where, what) for what in layout.offences(row, root)]
    if rows == 0:
        offences.append(Offence(str(folder), "no rows at all"))
    return Checked(rows, offences)


def conversations(dataset: Dataset, layout: Layout) -> Iterator[Row]:
    """Its rows as `layout` begins with them. Raises InputError where that layout has no place for this kind."""
    kind = kind_of(dataset)
    if layout.name not in kind.layouts:
        raise InputError(
            f"the layout {layout.name!r} has no place for what the recipe {dataset.run.recipe!r} made",
            subject=dataset.folder,
            remedy=f"one of {', '.join(kind.layouts)}",
        )
    rows: Iterator[Row] = dataset.rows()
    return call(kind.conversations, rows) if kind.conversations else rows


def _rows(folder: Path, layout: Layout) -> Iterator[tuple[str, Row, Path | None]]:
    if (folder / "run.json").is_file():
        for group in layout.groups(conversations(Dataset(folder), layout)):
            yield f"record {group[0]['id']}", layout.convert(group), None
        return
    if not folder.is_dir() or not any(folder.glob(layout.files)):
        raise InputError(
            f"neither a sightline dataset nor files {layout.files} of the layout {layout.name!r}", subject=folder
        )
    for where, row in layout.read(folder):
        yield where, row, folder
