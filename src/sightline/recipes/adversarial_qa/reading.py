"""What a person points at, as questions to refine or as scenes to ask about: a dataset that sightline built, or JSON
lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.media import Evidence, Source
from sightline.core.sample import Choice, Page, Rejected
from sightline.pipeline import Store
from sightline.recipes.adversarial_qa.dataset import COLUMNS, stored
from sightline.recipes.adversarial_qa.items import Scene, Seed
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.rows import choices_of, scenes_of
from sightline.recipes.adversarial_qa.video_scenes import video_scenes
from sightline.recipes.dataset import Dataset
from sightline.recipes.document_qa.items import Chunk

T = TypeVar("T", Choice, Scene)

PICTURE_NAMES = "images.list.element.path"
"""The column of the pictures' names alone, without their bytes."""


def read_choices(data: Path, pictures: Pictures) -> Iterator[Choice | Rejected]:
    """Questions of a multiple-choice dataset (every split) or a JSON-lines file.

    Raises InputError where `data` is neither, or a file without one line that can be used.
    """
    if data.is_dir():
        dataset = Dataset(data)
        _need(dataset, "options", "build its questions first: `sightline build questions DATASET --out DIR`")
        pictures.add_dataset(dataset.files)
        return stored(dataset.rows([*(name for name in COLUMNS if name != "images"), PICTURE_NAMES]))
    return _usable(choices_of(_file(data), pictures), data)


def read_scenes(data: Path, pictures: Pictures) -> Iterator[Scene | Rejected]:
    """Scenes of a documents dataset (each page with its pairs as seeds), a videos dataset or a JSON-lines file.

    Raises InputError where `data` is neither, a file without one line that can be used, or the pages' words are gone.
    """
    if data.is_dir():
        dataset = Dataset(data)
        if "annotation_text" in _columns(dataset):
            return video_scenes(dataset.files, pictures)
        _need(dataset, "texts", "questions are built from documents, from videos, or from JSON lines with a context")
        pictures.add_dataset(dataset.files)
        return _page_scenes(dataset)
    return _usable(scenes_of(_file(data), pictures), data)


def parents_of(data: Path) -> tuple[str, ...]:
    """Fingerprint of the run that made the dataset; none for a file."""
    return (Dataset(data).run.fingerprint,) if data.is_dir() else ()


def _page_scenes(dataset: Dataset) -> Iterator[Scene]:
    """Pages in the order of the rows; a page's scene holds every pair whose answer stands on it, whichever of the
    chunks that share the page it was written from."""
    store = Store(dataset.folder)
    rows = dataset.rows(["texts", "evidence", "style", "language", "split", "group", "licence", "source", "provenance"])
    for _, document in groupby(rows, key=lambda row: row["source"]["sha256"]):
        by_page: dict[str, tuple[Page, list[dict[str, Any]]]] = {}
        for chunk_key, found in groupby(document, key=lambda row: row["provenance"]["parents"][0]):
            pages = _pages(store, chunk_key)
            keys = {index: page.key for index, page in pages.items()}
            for row in found:
                index = row["evidence"][0]["page"]
                if index in pages:
                    by_page.setdefault(keys[index], (pages[index], []))[1].append(row)
        yield from (_page_scene(page, pairs) for page, pairs in by_page.values())


def _page_scene(page: Page, rows: list[dict[str, Any]]) -> Scene:
    first = rows[0]
    seeds = [
        Seed(
            row["texts"][0]["user"],
            row["texts"][0]["assistant"],
            row["style"],
            Evidence.model_validate(row["evidence"][0] | {"image": 0}),
        )
        for row in rows
    ]
    return Scene(
        id=page.key[:20],
        text=page.text,
        seeds=tuple(seeds),
        page=page,
        images=(page.image,),
        image_scales=(page.scale,),
        language=first["language"],
        split=first["split"],
        group=first["group"],
        licence=first["licence"],
        source=Source.model_validate(first["source"]),
    )


def _pages(store: Store, chunk_key: str) -> dict[int, Page]:
    try:
        return {page.index: page for page in store.item(chunk_key, Chunk).pages}
    except KeyError as error:
        raise InputError(
            "the pages' words are gone", subject=store.state, remedy="run the same build again, then build questions"
        ) from error


def _need(dataset: Dataset, column: str, remedy: str) -> None:
    if column not in _columns(dataset):
        raise InputError(f"the dataset has no column {column!r}", subject=dataset.folder, remedy=remedy)


def _columns(dataset: Dataset) -> frozenset[str]:
    if not dataset.files:
        raise InputError("the dataset holds no rows", subject=dataset.folder)
    with pq.ParquetFile(dataset.files[0]) as parquet:
        return frozenset(parquet.schema_arrow.names)


def _file(data: Path) -> Path:
    if not data.is_file():
        raise InputError("no such dataset or file", subject=data)
    return data


def _usable(found: Iterator[T | Rejected], data: Path) -> Iterator[T | Rejected]:
    """The same rows. Raises InputError where all of them are refused: there is nothing to work on."""
    refused: list[T | Rejected] = []
    for one in found:
        refused.append(one)
        if not isinstance(one, Rejected):
            return chain(refused, found)
    first = next((one for one in refused if isinstance(one, Rejected)), None)
    why = "the file is empty" if first is None else f"{first.origin}: {first.reason} {first.evidence or ''}".strip()
    raise InputError("no line of the file can be used", subject=data, remedy=why[:300])
