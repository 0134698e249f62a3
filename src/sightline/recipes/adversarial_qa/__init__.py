"""Multiple-choice questions that cannot be answered blind: written from templates, refined against a blind judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
    from sightline.recipes.adversarial_qa.heuristics import Heuristics
    from sightline.recipes.adversarial_qa.judges import Judges
    from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions

__all__ = [
    "Authors",
    "Heuristics",
    "Judges",
    "QuestionsConfig",
    "RefineConfig",
    "build_questions",
    "refine_questions",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Authors": "sightline.recipes.adversarial_qa.building:Authors",
        "Heuristics": "sightline.recipes.adversarial_qa.heuristics:Heuristics",
        "Judges": "sightline.recipes.adversarial_qa.judges:Judges",
        "QuestionsConfig": "sightline.recipes.adversarial_qa.building:QuestionsConfig",
        "RefineConfig": "sightline.recipes.adversarial_qa.refining:RefineConfig",
        "build_questions": "sightline.recipes.adversarial_qa.building:build_questions",
        "refine_questions": "sightline.recipes.adversarial_qa.refining:refine_questions",
    },
)
