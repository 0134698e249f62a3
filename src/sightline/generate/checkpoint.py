"""Models and training states on disk: safetensors only, written to a temporary name, synced, renamed. A reader sees
the old file or the new one, never half of one, whenever the process dies.

    OUT/model.safetensors    weights, with the model's configuration as JSON in the header: what `generate` needs
    OUT/state.safetensors    weights, averages, optimizer and step: what a resumed run needs
    OUT/ema/STEP-WIDTH.safetensors    stored averages for post-hoc profiles
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from sightline.core.errors import InputError, StorageError
from sightline.generate.ema import Snapshot
from sightline.generate.model import ImageModel, ModelConfig

FORMAT = "sightline-image-model-1"


def write(path: FilePath, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Atomic. Raises StorageError where the disk is full or the folder not writable; the old file is then untouched."""
    temporary = path.with_name(path.name + ".writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, dict(facts))
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StorageError("cannot store a checkpoint", subject=path, remedy=str(error)) from error


def read(path: FilePath) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Raises InputError where the file is missing or no whole safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError("no such model file", subject=path) from error
    except (SafetensorError, OSError) as error:
        raise InputError("not a readable safetensors file", subject=path, remedy=str(error)) from error


def save_model(folder: FilePath, config: ModelConfig, weights: Mapping[str, Tensor]) -> FilePath:
    """Write `folder`/model.safetensors; returns its path."""
    path = folder / "model.safetensors"
    write(path, weights, {"format": FORMAT, "config": config.model_dump_json()})
    return path


def is_ours(folder: FilePath) -> bool:
    """A folder (or file) written by `save_model`."""
    return folder.suffix == ".safetensors" or (folder / "model.safetensors").is_file()


def load_model(folder: FilePath) -> ImageModel:
    """The model of a folder or of a file, in evaluation mode. Raises InputError where it is none of ours."""
    path = folder / "model.safetensors" if folder.is_dir() else folder
    tensors, facts = read(path)
    if facts.get("format") != FORMAT:
        raise InputError(
            "not an image model of sightline", subject=path, remedy="train one, or name a diffusers folder"
        )
    try:
        model = ModelConfig.model_validate_json(facts["config"]).build()
    except ValidationError as error:
        raise InputError("the model's configuration does not fit this version", subject=path) from error
    load_weights(model, tensors, path)
    return model.eval()


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], path: FilePath) -> None:
    """Strict. Raises InputError naming what is missing or left over."""
    wanted, given = set(module.state_dict()), set(tensors)
    if wanted != given:
        odd = sorted(wanted ^ given)[:3]
        raise InputError("the weights do not fit the network", subject=path, remedy=f"first differences: {odd}")
    module.load_state_dict(dict(tensors))


def save_snapshot(folder: FilePath, snapshot: Snapshot) -> None:
    """Store one average under `folder`/ema."""
    name = f"{snapshot.step:08d}-{snapshot.width:.3f}.safetensors"
    write(folder / "ema" / name, snapshot.weights, {"step": str(snapshot.step), "width": str(snapshot.width)})


def load_snapshots(folder: FilePath) -> list[Snapshot]:
    """All stored averages, oldest first. Raises InputError where there are none."""
    files = sorted((folder / "ema").glob("*.safetensors"))
    if not files:
        raise InputError("no stored averages", subject=folder / "ema", remedy="train with snapshots > 0")
    read_files = [read(path) for path in files]
    return [Snapshot(int(facts["step"]), float(facts["width"]), tensors) for tensors, facts in read_files]
