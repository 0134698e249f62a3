"""What a run was: kept as run.json beside whatever it made, enough to replay it. Holds no secret and no environment."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.errors import InputError
from sightline.core.fingerprint import fingerprint


class RunRecord(BaseModel):
    """One run of a recipe, training or evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    version: int
    config: dict[str, Any]
    """The resolved configuration: replays the run."""
    models: dict[str, str] = Field(default_factory=dict)
    """Role -> model name, e.g. {"writer": "layout", "judge": "none"}."""
    seed: int = 0
    parents: tuple[str, ...] = ()
    """Fingerprints of the runs whose output this one read."""
    versions: dict[str, str] = Field(default_factory=dict)
    """sightline, Python and the libraries that decide the result."""
    started: datetime | None = None
    finished: datetime | None = None
    figures: dict[str, Any] = Field(default_factory=dict)
    """Funnel, throughput and cost as measured."""

    @property
    def fingerprint(self) -> str:
        """Of what decides the result: recipe, version, config, models, seed and parents; not times or figures."""
        deciding = {"recipe", "version", "config", "models", "seed", "parents"}
        return fingerprint(self.model_dump(mode="json", include=deciding))


def claim(folder: Path, recipe: str) -> None:
    """Raises InputError where the run.json of `folder` is of another recipe: its results would be written over.

    What stands behind a slash ("evaluate/mcq") may differ. A run.json that names no recipe, or a begun.json, is what
    "train-vlm" leaves.
    """
    begun = (folder / "begun.json").is_file()
    try:
        held = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError):
        held = None
    if not begun and (not held or not isinstance(held, dict)):
        return
    found = str((held if isinstance(held, dict) else {}).get("recipe", "train-vlm"))
    if found.partition("/")[0] != recipe.partition("/")[0]:
        raise InputError(f"the folder holds results of the recipe {found!r}", subject=folder, remedy="another --out")
