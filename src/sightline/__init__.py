"""sightline: multimodal data that can be trusted, and the models made from it.

    >>> from sightline import Dataset, build_documents
    >>> build_documents(["my-pdfs"], "my-dataset")

The stories stand here, their parts one level down: `sightline.recipes.document_qa`, `.video_annotation`,
`.adversarial_qa`, `sightline.lm`, `.evaluate`, `.vlm`, `.train`, `.generate`. Importing this loads nothing heavy;
each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.core.message import Message, Reply, Request
    from sightline.lm.opening import open_lm
    from sightline.lm.scripted import Scripted
    from sightline.recipes.adversarial_qa.building import build_questions
    from sightline.recipes.adversarial_qa.refining import refine_questions
    from sightline.recipes.dataset import Dataset
    from sightline.recipes.document_qa.build import build_documents
    from sightline.recipes.video_annotation.build import build_videos
    from sightline.train.stages import Stage
    from sightline.vlm.model import VLM

__version__ = "0.1.0"

__all__ = [
    "VLM",
    "Dataset",
    "Message",
    "Reply",
    "Request",
    "Scripted",
    "Stage",
    "build_documents",
    "build_questions",
    "build_videos",
    "open_lm",
    "refine_questions",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "VLM": "sightline.vlm.model:VLM",
        "Dataset": "sightline.recipes.dataset:Dataset",
        "Message": "sightline.core.message:Message",
        "Reply": "sightline.core.message:Reply",
        "Request": "sightline.core.message:Request",
        "Scripted": "sightline.lm.scripted:Scripted",
        "Stage": "sightline.train.stages:Stage",
        "build_documents": "sightline.recipes.document_qa.build:build_documents",
        "build_questions": "sightline.recipes.adversarial_qa.building:build_questions",
        "build_videos": "sightline.recipes.video_annotation.build:build_videos",
        "open_lm": "sightline.lm.opening:open_lm",
        "refine_questions": "sightline.recipes.adversarial_qa.refining:refine_questions",
    },
)
