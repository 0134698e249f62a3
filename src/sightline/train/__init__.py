"""Training by stages: freezing with proof, packing without leaks, exact resume, a memory plan before the first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.train.feature_cache import Featured
    from sightline.train.lora import Lora, add_lora, merge_lora
    from sightline.train.machine import Machine
    from sightline.train.packing import epochs, leak, packed_epochs
    from sightline.train.presets import preset
    from sightline.train.stages import Course, Stage, train

__all__ = [
    "Course",
    "Featured",
    "Lora",
    "Machine",
    "Stage",
    "add_lora",
    "epochs",
    "leak",
    "merge_lora",
    "packed_epochs",
    "preset",
    "train",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Course": "sightline.train.stages:Course",
        "Featured": "sightline.train.feature_cache:Featured",
        "Lora": "sightline.train.lora:Lora",
        "Machine": "sightline.train.machine:Machine",
        "Stage": "sightline.train.stages:Stage",
        "add_lora": "sightline.train.lora:add_lora",
        "epochs": "sightline.train.packing:epochs",
        "leak": "sightline.train.packing:leak",
        "merge_lora": "sightline.train.lora:merge_lora",
        "packed_epochs": "sightline.train.packing:packed_epochs",
        "preset": "sightline.train.presets:preset",
        "train": "sightline.train.stages:train",
    },
)
