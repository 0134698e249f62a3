"""Pictures for training: read safely, brought to one size, kept as uint8; every refused file has its reason.

Shapes: pixels (N, C, H, W) uint8; labels (N,) int64, NO_LABEL where unknown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from sightline.core.door import require
from sightline.core.errors import InputError, Reject
from sightline.core.fingerprint import fingerprint, seeded
from sightline.core.sample import Rejected
from sightline.generate.backbone.conditioning import text_bytes
from sightline.generate.checkpoint import read, write
from sightline.generate.denoiser import NO_LABEL, Condition
from sightline.generate.losses import Batch
from sightline.generate.model import Pixels, to_unit

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"})
MOST_PIXELS = 100_000_000
"""A picture that would decode to more is a bomb or a mistake."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A training set in memory."""

    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    """One for each picture, or none at all."""
    rejected: tuple[Rejected, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    def split(self, share: float, seed: int = 0) -> tuple[Pictures, Pictures]:
        """(training, held out): `share` of the pictures, drawn by seed, is held out."""
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        cut = round(len(self) * share)
        return self[order[cut:].sort().values], self[order[:cut].sort().values]

    def __getitem__(self, rows: Tensor) -> Pictures:
        captions = tuple(self.captions[i] for i in rows.tolist()) if self.captions else ()
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows], captions=captions)

    @property
    def spread(self) -> Pixels:
        """Mean and standard deviation over all values in [-1, 1]: what makes the unit state unit."""
        value = self.pixels[: 200_000_000 // self.pixels[0].numel()].float() / 127.5 - 1
        return Pixels(mean=round(value.mean().item(), 4), std=max(round(value.std().item(), 4), 1e-3))


@dataclass(frozen=True, slots=True)
class PictureBatches:
    """Batches of a step by epochs of seeded shuffles: `Batches`."""

    pictures: Pictures
    pixels: Pixels
    seed: int = 0
    flip: bool = False
    text: int = 0
    """Longest caption in bytes; 0 = captions are not used."""

    def __call__(self, step: int, size: int, /) -> Batch:
        n, first = len(self.pictures), step * size
        epochs = range(first // n, (first + size - 1) // n + 1)
        rows = torch.cat([_shuffled(n, self.seed, epoch) for epoch in epochs])[first % n :][:size]
        x0 = to_unit(self.pictures.pixels[rows], self.pixels)
        if self.flip:
            generator = torch.Generator().manual_seed(seeded(self.seed, "flip", step) >> 1)
            mirrored = torch.rand(size, generator=generator) < 0.5
            x0 = torch.where(mirrored[:, None, None, None], x0.flip(-1), x0)
        captions = [self.pictures.captions[i] for i in rows.tolist()] if self.text and self.pictures.captions else None
        return Batch(
            x0,
            Condition(
                label=self.pictures.labels[rows] if self.pictures.classes else None,
                text=None if captions is None else text_bytes(captions, self.text),
            ),
            rows,
        )


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch, kept while its steps come by."""
    generator = torch.Generator().manual_seed(seeded(seed, "epoch", epoch) >> 1)
    return torch.randperm(count, generator=generator)


def from_folder(folder: FilePath, size: int, *, channels: int = 3, cache: FilePath | None = None) -> Pictures:
    """Pictures of a folder; its subfolders are the classes, and a metadata.jsonl of {"file_name", "text"} gives
    captions (the layout of Hugging Face's imagefolder). What is hidden is left out. With `cache`, the decoded pixels
    are kept there.

    Raises InputError where the folder is missing or holds no usable picture, or a class has none.
    """
    if not folder.is_dir():
        raise InputError("no such folder", subject=folder)
    files = sorted(path for path in folder.rglob("*") if _is_picture(path, folder))
    if not files:
        raise InputError("no picture in the folder", subject=folder, remedy=f"one of {', '.join(sorted(SUFFIXES))}")
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    key = fingerprint([[str(f.relative_to(folder)), f.stat().st_size, f.stat().st_mtime_ns] for f in files])
    kept = None if cache is None else cache / f"{key}-{size}-{channels}.safetensors"
    if kept is not None and kept.is_file():
        tensors, facts = read(kept)
        pixels, numbers = tensors["pixels"], json.loads(facts["numbers"])
        rejected = tuple(Rejected.model_validate(row) for row in json.loads(facts["rejected"]))
    else:
        pixels, numbers, rejected = _stack(((str(f.relative_to(folder)), f) for f in files), size, channels)
        if kept is not None:
            rows = json.dumps([row.model_dump() for row in rejected])
            write(kept, {"pixels": pixels}, {"numbers": json.dumps(numbers), "rejected": rows})
    used = [files[number] for number in numbers]
    places = [f.relative_to(folder).parts for f in used]
    labels = [classes.index(parts[0]) if len(parts) > 1 else NO_LABEL for parts in places]
    for number, name in enumerate(classes):
        if number not in labels:
            raise InputError("a class has no usable picture", subject=name, remedy="add pictures or remove its folder")
    captions = _captions(folder)
    return Pictures(
        pixels,
        torch.tensor(labels, dtype=torch.long),
        tuple(classes),
        tuple(captions.get(str(f.relative_to(folder)), "") for f in used) if captions else (),
        rejected,
    )


def from_dataset(
    rows: Iterable[dict[str, Any]],
    size: int,
    *,
    channels: int = 3,
    image: str = "image",
    label: str = "label",
    text: str = "text",
    classes: tuple[str, ...] = (),
) -> Pictures:
    """Pictures of a Hugging Face dataset's rows (PIL images, bytes, Hugging Face's undecoded pictures, or a list of
    which the first is taken). Raises InputError for a label that is no number."""
    labels: list[int] = []
    captions: list[str] = []

    def pictures() -> Iterator[tuple[str, Any]]:
        for number, row in enumerate(rows):
            picture = row.get(image)
            labels.append(_label(row.get(label)))
            captions.append(str(row.get(text) or ""))
            yield f"row {number}", picture[0] if isinstance(picture, (list, tuple)) and picture else picture

    pixels, numbers, rejected = _stack(pictures(), size, channels)
    kept = torch.tensor([labels[number] for number in numbers], dtype=torch.long)
    names = classes or tuple(str(i) for i in range(int(kept.max()) + 1)) if (kept >= 0).any() else ()
    texts = tuple(captions[number] for number in numbers)
    return Pictures(pixels, kept, names, texts if any(texts) else (), rejected)


def load(source: str, size: int, *, channels: int = 3, cache: FilePath | None = None) -> Pictures:
    """A folder of pictures, or a dataset (sightline's own or Hugging Face's: a folder with Parquet files, or a name
    that `datasets` knows)."""
    folder = FilePath(source)
    if folder.is_dir() and not any(folder.rglob("*.parquet")):
        return from_folder(folder, size, channels=channels, cache=cache)
    datasets = require("datasets", "generate")
    try:
        data = datasets.load_dataset(source, split="train")
    except (FileNotFoundError, ValueError, ConnectionError) as error:
        remedy = str(error)[:200]
        raise InputError("neither a folder of pictures nor a dataset", subject=source, remedy=remedy) from error
    image = next((name for name in ("image", "images", "img") if name in data.column_names), "")
    if not image:
        raise InputError("the dataset has no column of pictures", subject=data.column_names, remedy="image or images")
    feature = data.features.get("label")
    names = tuple(getattr(feature, "names", None) or ())
    return from_dataset(_undecoded(data, image, datasets.Image), size, channels=channels, image=image, classes=names)


def decode(picture: FilePath | bytes | Image.Image | Any, size: int, channels: int) -> Tensor:
    """One picture as (C, size, size) uint8: upright (EXIF), first frame, alpha over white, the short side scaled to
    `size`, the middle cut out. Raises Reject("unreadable" | "too-many-pixels" | "too-small" | "no-picture")."""
    if isinstance(picture, dict):  # of Hugging Face: the file's bytes, or where it lies
        picture = picture.get("bytes") or FilePath(str(picture.get("path")))
    if isinstance(picture, FilePath | bytes):
        try:
            with Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
                return decode(_whole(opened), size, channels)
        except Image.DecompressionBombError as error:
            raise Reject("too-many-pixels", error=str(error)[:200]) from error
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise Reject("unreadable", error=str(error)[:200]) from error
    if not isinstance(picture, Image.Image):
        raise Reject("no-picture", found=type(picture).__name__)
    upright = _flat(ImageOps.exif_transpose(_whole(picture)))
    if min(upright.size) < 2:
        raise Reject("too-small", width=upright.width, height=upright.height)
    fitted = ImageOps.fit(upright.convert("L" if channels == 1 else "RGB"), (size, size), Image.Resampling.LANCZOS)
    array = np.asarray(fitted).reshape(size, size, channels)
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


def _is_picture(path: FilePath, folder: FilePath) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _label(value: Any) -> int:
    try:
        return NO_LABEL if value is None else int(value)
    except (TypeError, ValueError) as error:
        raise InputError(
            "a label must be a number", subject=value, remedy='dataset.class_encode_column("label") makes them of names'
        ) from error


def _undecoded(data: Any, column: str, kind: Any) -> Any:
    """The dataset with the files of its pictures as they are, so that a broken one is a row that can be refused."""
    feature = data.features[column]
    if isinstance(feature, kind):
        return data.cast_column(column, kind(decode=False))
    if isinstance(getattr(feature, "feature", None), kind):
        return data.cast_column(column, type(feature)(kind(decode=False)))
    return data


def _whole(picture: Image.Image) -> Image.Image:
    """Refuses by the header alone what would decode to too much; loads the rest."""
    if picture.width * picture.height > MOST_PIXELS:
        raise Reject("too-many-pixels", width=picture.width, height=picture.height)
    picture.load()
    return picture


def _flat(picture: Image.Image) -> Image.Image:
    """No alpha, no palette, 8 bits."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture).astype(np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha).convert("RGB")
    return picture


def _stack(
    pictures: Iterable[tuple[str, Any]], size: int, channels: int
) -> tuple[Tensor, list[int], tuple[Rejected, ...]]:
    """All readable pictures, their numbers, and the refused ones. Raises InputError where none is readable."""
    pixels: list[Tensor] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for number, (origin, picture) in enumerate(pictures):
        try:
            pixels.append(decode(picture, size, channels))
            numbers.append(number)
        except Reject as refusal:
            name = origin.encode("utf-8", "replace").decode()
            rejected.append(Rejected(reason=refusal.reason, step="decode", origin=name, evidence=refusal.evidence))
    if not pixels:
        reasons = sorted({row.reason for row in rejected})
        raise InputError("not one usable picture", subject=f"{len(rejected)} refused", remedy=f"reasons: {reasons}")
    return torch.stack(pixels), numbers, tuple(rejected)


def _captions(folder: FilePath) -> dict[str, str]:
    path = folder / "metadata.jsonl"
    if not path.is_file():
        return {}
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return {str(row["file_name"]): str(row["text"]) for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("not a metadata.jsonl of file_name and text", subject=path, remedy=str(error)) from error
