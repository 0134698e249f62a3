"""Checkpoints: safetensors only, written beside, synced, renamed. A reader sees the old one or the new one, never half
of one, whenever the process dies.

    OUT/state.safetensors    weights, optimizer, random state; in its header: stage, step, what trains, proofs, figures
    OUT/model/               the plain Hugging Face folder of the chosen model
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sightline.core.errors import InputError, StorageError

STATE = "state.safetensors"
FORMAT = "sightline-training-1"


@dataclass(frozen=True, slots=True)
class State:
    """What a resumed run needs; `facts` is JSON."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def save_state(folder: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Atomic. Raises StorageError where the disk is full or the folder not writable; the old state is then whole."""
    header = {"format": FORMAT, "facts": json.dumps(facts)}
    data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, header)
    write_whole(folder / STATE, data)


def write_whole(path: Path, data: bytes) -> None:
    """Beside, synced, renamed: the old file stays until the new one is whole. Raises StorageError where the disk is
    full or the folder not writable."""
    temporary = path.with_name(f"{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StorageError("cannot store a checkpoint", subject=path, remedy=str(error)) from error


def load_state(folder: Path) -> State | None:
    """None where there is none yet. Raises InputError where the file is broken or foreign."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError("not a readable checkpoint", subject=path, remedy=str(error)) from error
    if header.get("format") != FORMAT:
        raise InputError("not a checkpoint of ours", subject=path, remedy="choose another --out")
    return State(tensors, json.loads(header["facts"]))


def save_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """A model folder, as whole as a file: `write` fills a folder beside it, which then takes its name. A process that
    dies between the two renames leaves the old one as FOLDER.old, which the next call puts back first."""
    beside, old = folder.with_name(f"{folder.name}.writing"), folder.with_name(f"{folder.name}.old")
    try:
        if old.exists() and not folder.exists():
            old.rename(folder)
        for left in (beside, old):
            shutil.rmtree(left, ignore_errors=True)
        beside.mkdir(parents=True)
        write(beside)
        for file in beside.rglob("*"):
            if file.is_file():  # safetensors leaves its own readable by their owner alone
                file.chmod(beside.stat().st_mode & 0o666)
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as error:  # safetensors has a word of its own for a full disk
        shutil.rmtree(beside, ignore_errors=True)
        raise StorageError("cannot store a model", subject=folder, remedy=str(error)) from error
