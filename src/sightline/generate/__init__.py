"""Images from noise: paths, samplers, backbones, consistency distillation. Nothing heavy is imported here.

A model is F(x, t, condition) on the unit state (`denoiser`); `path` translates every other convention into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.generate.consistency import ConsistencyConfig
    from sightline.generate.convert import TARGETS, Presented, presented, prove
    from sightline.generate.data import Pictures
    from sightline.generate.denoiser import Condition, Guided
    from sightline.generate.distilling import DistillConfig, distill, student_of
    from sightline.generate.doctor import examine, forward_differentiable
    from sightline.generate.model import Frame, ImageModel, ModelConfig, Network
    from sightline.generate.opening import open_model
    from sightline.generate.path import DDPM, EDM, VP, Flow, TrigFlow, translate
    from sightline.generate.producing import Recipe, produce
    from sightline.generate.training import TrainConfig, train

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "DDPM": "sightline.generate.path:DDPM",
        "EDM": "sightline.generate.path:EDM",
        "TARGETS": "sightline.generate.convert:TARGETS",
        "VP": "sightline.generate.path:VP",
        "Condition": "sightline.generate.denoiser:Condition",
        "ConsistencyConfig": "sightline.generate.consistency:ConsistencyConfig",
        "DistillConfig": "sightline.generate.distilling:DistillConfig",
        "Flow": "sightline.generate.path:Flow",
        "Frame": "sightline.generate.model:Frame",
        "Guided": "sightline.generate.denoiser:Guided",
        "ImageModel": "sightline.generate.model:ImageModel",
        "ModelConfig": "sightline.generate.model:ModelConfig",
        "Network": "sightline.generate.model:Network",
        "Pictures": "sightline.generate.data:Pictures",
        "Presented": "sightline.generate.convert:Presented",
        "Recipe": "sightline.generate.producing:Recipe",
        "TrainConfig": "sightline.generate.training:TrainConfig",
        "TrigFlow": "sightline.generate.path:TrigFlow",
        "distill": "sightline.generate.distilling:distill",
        "examine": "sightline.generate.doctor:examine",
        "forward_differentiable": "sightline.generate.doctor:forward_differentiable",
        "open_model": "sightline.generate.opening:open_model",
        "presented": "sightline.generate.convert:presented",
        "produce": "sightline.generate.producing:produce",
        "prove": "sightline.generate.convert:prove",
        "student_of": "sightline.generate.distilling:student_of",
        "train": "sightline.generate.training:train",
        "translate": "sightline.generate.path:translate",
    },
)

__all__ = [
    "DDPM",
    "EDM",
    "TARGETS",
    "VP",
    "Condition",
    "ConsistencyConfig",
    "DistillConfig",
    "Flow",
    "Frame",
    "Guided",
    "ImageModel",
    "ModelConfig",
    "Network",
    "Pictures",
    "Presented",
    "Recipe",
    "TrainConfig",
    "TrigFlow",
    "distill",
    "examine",
    "forward_differentiable",
    "open_model",
    "presented",
    "produce",
    "prove",
    "student_of",
    "train",
    "translate",
]
