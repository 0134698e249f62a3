"""A dataset of the Hugging Face hub that the user names: "org/name", "org/name@split", "org/name:config@split".

Nothing is asked of the hub unless such a name is given; rows are streamed, so that `--limit` fetches little. Columns as
in `table`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.evaluate.benchmarks.benchmark import Benchmark, short
from sightline.evaluate.benchmarks.table import examples
from sightline.evaluate.examples import Example

_NAME = re.compile(r"(?P<path>[\w.-]+/[\w.-]+)(?::(?P<config>[^@/]+))?(?:@(?P<split>[^@/]+))?")


def names_hub(text: str) -> bool:
    """Has the text the form of a hub's dataset, and is there no such folder or file here?"""
    match = _NAME.fullmatch(text)
    return match is not None and not Path(match["path"]).exists() and not Path(text).parent.is_dir()


def read(name: Path) -> Iterator[Example]:
    """The named split, else test, validation or the first one. Raises MissingExtra without the package datasets,
    InputError where the hub cannot be reached, the dataset is not there, or its columns are others."""
    match = _NAME.fullmatch(name.as_posix())
    if match is None:
        raise InputError("no name of a hub dataset", subject=name, remedy="org/name, org/name@split")
    yield from loaded(match["path"], match["config"], match["split"])


def loaded(path: str, config: str | None, split: str | None) -> Iterator[Example]:
    """The rows of a dataset that `datasets` can load, a local folder included."""
    datasets = require("datasets", "hub")
    try:
        there = datasets.get_dataset_split_names(path, config)
        chosen = split or next((name for name in ("test", "validation") if name in there), there[0])
        if chosen not in there:
            raise InputError(f"no split {chosen!r}", subject=path, remedy=f"one of {', '.join(there)}")
        data = datasets.load_dataset(path, config, split=chosen, streaming=True)
        yield from examples(_plain(data), f"{path}/{chosen}")  # streamed: the hub may fail at any row
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(
            f"the dataset cannot be loaded ({(str(error) or type(error).__name__).splitlines()[0][:160]})",
            subject=path,
            remedy="is the name right and the hub in reach? A folder with its Parquet files needs no hub",
        ) from error


def _plain(data: Any) -> Iterator[dict[str, Any]]:
    """Rows as they are stored: pictures stay encoded, with the bytes of those that are files beside the data."""
    for batch in data.with_format("arrow").iter(batch_size=16):
        for row in batch.to_pylist():
            yield {name: _filled(value) for name, value in row.items()}


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if isinstance(value, dict) and set(value) == {"bytes", "path"} and value["bytes"] is None and value["path"]:
        path = Path(value["path"])
        return {**value, "bytes": path.read_bytes() if path.is_file() else None}
    return value


HUB = Benchmark("hub", read, lambda e: short(e.question), metrics=("anls", "exact"))
