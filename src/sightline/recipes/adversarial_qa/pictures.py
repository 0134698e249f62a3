"""Pictures of a dataset by content hash: found once, read when a model or a file needs them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError, MediaError
from sightline.core.media import MediaRef
from sightline.media import sniff
from sightline.show.overlay import pixels

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
"""Media types that a dataset may hold."""


class _Place(NamedTuple):
    file: Path
    group: int
    row: int
    image: int
    column: str = "images"


class Pictures:
    """`pictures(sha256)` -> encoded bytes. Holds places, and the row group of the last one: questions come in order."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}
        self._places: dict[str, _Place] = {}
        self._group: tuple[Path | None, int, str, Any] = (None, 0, "", None)

    def __call__(self, sha256: str) -> bytes:
        """Raises InputError where the picture is not there, or no longer what it was."""
        if sha256 in self._files:
            data = self._files[sha256].read_bytes()
            if hashlib.sha256(data).hexdigest() != sha256:
                raise InputError("a picture changed while it was used", subject=self._files[sha256])
            return data
        if sha256 not in self._places:
            raise InputError("the dataset holds no picture of that hash", subject=sha256)
        place = self._places[sha256]
        if self._group[:3] != (place.file, place.group, place.column):
            with pq.ParquetFile(place.file) as parquet:
                column = parquet.read_row_group(place.group, columns=[place.column]).column(place.column)
            self._group = place.file, place.group, place.column, column
        data = self._group[3][place.row].as_py()[place.image]["bytes"]
        assert isinstance(data, bytes)
        return data

    def add_file(self, path: Path) -> MediaRef:
        """A picture file; raises MediaError where it is none that a dataset may hold."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise MediaError("a picture cannot be read", subject=path, remedy=str(error.strerror)) from error
        media_type = sniff(data)
        if media_type not in SUFFIXES:
            raise MediaError(f"a picture must be PNG, JPEG or WebP, not {media_type}", subject=path)
        width, height = pixels(data)
        sha256 = hashlib.sha256(data).hexdigest()
        self._files[sha256] = path
        return MediaRef(sha256=sha256, media_type=media_type, width=width, height=height)

    def add_row(self, file: Path, group: int, row: int, column: str, data: list[bytes]) -> tuple[MediaRef, ...]:
        """The pictures of one row of a Parquet file, whose bytes are at hand now."""
        refs = []
        for image, one in enumerate(data):
            sha256 = hashlib.sha256(one).hexdigest()
            self._places.setdefault(sha256, _Place(file, group, row, image, column))
            width, height = pixels(one)
            refs.append(MediaRef(sha256=sha256, media_type=sniff(one), width=width, height=height))
        return tuple(refs)

    def add_dataset(self, files: list[Path]) -> None:
        """All pictures of Parquet files with the columns `images` and `image_pages`."""
        for file in files:
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    rows = parquet.read_row_group(group, columns=["image_pages"]).column("image_pages").to_pylist()
                    for row, pages in enumerate(rows):
                        for image, page in enumerate(pages):
                            self._places.setdefault(page["sha256"], _Place(file, group, row, image))
