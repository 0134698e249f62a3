"""What a frozen encoder sees, computed once: features of every view, memory-mapped, kept over epochs, stages and runs.

A view is known by the hash of its pixels as the reader cut them (so by picture and reader together), a file by the
hash of the encoder's weights: whatever changes on either side is another key, never a wrong answer. Views are encoded
one by one, so that a feature depends on nothing but its view and encoder: a run that goes on finds the same bits.

    FOLDER/<encoder>-<views>.safetensors    features (T, C); in its header: encoder, first row and rows of every view
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeGuard

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from sightline.core.errors import PlanError
from sightline.core.fingerprint import fingerprint
from sightline.train.checkpoint import write_whole
from sightline.train.packing import Row
from sightline.train.parts import digest
from sightline.train.stages import Data

FORMAT: Final = "sightline-features-1"
PENDING: Final = 256 * 2**20
"""Bytes of features held before a file is written."""


class Sees(Protocol):
    """A model whose encoder can run alone; our `VLMModel` is one. Ask `sees`: from Python 3.12 on `isinstance` does not
    find the submodules of a module."""

    encoder: nn.Module
    config: Any

    def encode(self, pixel_values: Tensor, image_sizes: Any) -> Tensor:
        """Views (V, 3, H, W) -> (T, C)."""


def sees(model: object) -> TypeGuard[Sees]:
    """Whether its encoder can run alone."""
    return isinstance(getattr(model, "encoder", None), nn.Module) and callable(getattr(model, "encode", None))


@dataclass(slots=True)
class Usage:
    """How often the cache answered."""

    hits: int = 0
    misses: int = 0
    bytes: int = 0
    """Of features, on disk and about to be written."""
    unread: list[str] = field(default_factory=list)
    """Files that could not be used; what they held is computed again."""

    def told(self) -> str:
        """ "features of the frozen encoder: 960 kept, 96 computed, 4.7 MB"."""
        bad = f", {len(self.unread)} unreadable files" if self.unread else ""
        return (
            f"features of the frozen encoder: {self.hits} kept, {self.misses} computed, {self.bytes / 1e6:.1f} MB{bad}"
        )


class FeatureCache:
    """Features of one encoder as it is now. Broken or foreign files are named in a warning and computed anew."""

    def __init__(self, model: Sees, folder: Path) -> None:
        self.model, self.folder = model, folder
        seen = model.config
        settings = [FORMAT, seen.patch, list(seen.vision_layers or ()), list(seen.crops or ()), torch.__version__]
        self.key = fingerprint([*settings, digest(model.encoder.state_dict())])
        self.usage = Usage()
        self._kept: dict[str, Tensor] = {}
        self._new: dict[str, Tensor] = {}
        self._pending = 0
        for path in sorted(folder.glob(f"{self.key}-*.safetensors")):
            try:
                self._kept |= _read(path, self.key)
            except (SafetensorError, OSError, ValueError, KeyError) as error:
                self.usage.unread.append(path.name)
                warnings.warn(f"{path} holds no features of ours ({error}): they are computed again", stacklevel=2)
        self.usage.bytes = sum(map(_size, self._kept.values()))

    @torch.no_grad()
    def features(self, view: Tensor, size: Sequence[int]) -> Tensor:
        """Of one view (3, H, W): (T, C), on the CPU. Raises StorageError where they cannot be kept."""
        name = _name(view)
        found = self._kept.get(name)
        if found is None:
            found = self._new.get(name)
        if found is not None:
            self.usage.hits += 1
            return found
        device = next(self.model.encoder.parameters()).device
        made = self.model.encode(view[None].to(device), [list(size)]).cpu()
        self.usage.misses += 1
        self.usage.bytes += _size(made)
        self._pending += _size(made)
        self._new[name] = made
        if self._pending >= PENDING:
            self.flush()
        return made

    def flush(self) -> None:
        """Write what is new, and read it back as mapped memory. Raises StorageError where the disk is full."""
        if not self._new:
            return
        index, start = {}, 0
        for name, made in self._new.items():
            index[name] = [start, len(made)]
            start += len(made)
        header = {"format": FORMAT, "encoder": self.key, "index": json.dumps(index)}
        path = self.folder / f"{self.key}-{fingerprint([os.getpid(), *sorted(index)])}.safetensors"
        write_whole(path, save({"features": torch.cat(list(self._new.values()))}, header))
        self._kept |= _read(path, self.key)
        self._new.clear()
        self._pending = 0


class SeenRow:
    """A conversation whose views are features (T, C) in place of pixels; looked up when first needed."""

    def __init__(self, row: Row, cache: FeatureCache) -> None:
        self._row, self._cache = row, cache
        self.ids, self.labels, self.sizes = row.ids, row.labels, row.sizes

    @property
    def views(self) -> list[Tensor]:
        """One (T, C) per view."""
        pairs = zip(self._row.views, self._row.sizes, strict=True)
        return [self._cache.features(view, size) for view, size in pairs]


@dataclass(slots=True)
class Featured:
    """Data for `train` that spares the encoder wherever a stage leaves it frozen.

    >>> data = Featured(rows, lambda rows: epochs(rows, 8, collate, seed=0), out / "features")
    >>> train(model, stages, {"data": data}, out)
    """

    rows: Sequence[Row]
    batches: Callable[[Sequence[Any]], Data]
    folder: Path
    _plain: Data | None = None
    _cache: FeatureCache | None = None

    def begin(self, model: nn.Module) -> Data:
        """What a stage draws from, once it is settled what trains. Raises PlanError for a model whose encoder cannot
        run alone."""
        inner = getattr(model, "model", None)
        if not sees(inner):
            raise PlanError("this model's encoder cannot run alone", subject=type(model).__name__, remedy="no Featured")
        if any(parameter.requires_grad for parameter in inner.encoder.parameters()):
            self._cache = None
            self._plain = self._plain or self.batches(self.rows)
            return self._plain
        self._cache = FeatureCache(inner, self.folder)
        return self.batches([SeenRow(row, self._cache) for row in self.rows])

    def flush(self) -> dict[str, Any] | None:
        """Store what is new; the use so far in this stage, None where the encoder trains."""
        if self._cache is None:
            return None
        self._cache.flush()
        return asdict(self._cache.usage)


class Answers(Sees, Protocol):
    """An encoder whose model can be given what is kept in place of it."""

    def answer_by(self, kept: Callable[[Tensor, Any], Tensor] | None) -> None:
        """Features of one view (3, H, W) by `kept`; None: by the encoder again."""


@dataclass(slots=True)
class Remembered:
    """Data for `train` whose pictures stay pixels, for models that encode them within: wherever a stage leaves the
    encoder frozen, the model takes from the cache what it would have encoded."""

    data: Data
    tower: Answers
    folder: Path
    _cache: FeatureCache | None = None

    def begin(self, _: nn.Module) -> Data:
        """The same batches; settles who encodes them."""
        rests = not any(parameter.requires_grad for parameter in self.tower.encoder.parameters())
        self.tower.answer_by(None)
        self._cache = FeatureCache(self.tower, self.folder) if rests else None
        self.tower.answer_by(None if self._cache is None else self._cache.features)
        return self.data

    def flush(self) -> dict[str, Any] | None:
        """As `Featured.flush`."""
        if self._cache is None:
            return None
        self._cache.flush()
        return asdict(self._cache.usage)


def _name(view: Tensor) -> str:
    plain = view.detach().cpu().contiguous()
    start = f"{tuple(plain.shape)} {plain.dtype}".encode()
    return hashlib.sha256(start + plain.flatten().view(torch.uint8).numpy().tobytes()).hexdigest()


def _size(made: Tensor) -> int:
    return made.numel() * made.element_size()


def _read(path: Path, key: str) -> dict[str, Tensor]:
    """Slices of mapped memory by view. Raises ValueError where the header is not ours."""
    with safe_open(path, framework="pt") as file:
        header = dict(file.metadata() or {})
        if header.get("format") != FORMAT or header.get("encoder") != key:
            raise ValueError("another header")
        whole = file.get_tensor("features")
    index: dict[str, list[int]] = json.loads(header["index"])
    if sum(rows for _, rows in index.values()) != len(whole):
        raise ValueError("its index does not cover its features")
    return {name: whole[start : start + rows] for name, (start, rows) in index.items()}
