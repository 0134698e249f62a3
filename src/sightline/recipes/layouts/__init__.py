"""Trainers' layouts: write a dataset as one, and say row by row whether a folder is what that trainer accepts.

trl        Parquet: `messages` with typed parts + `images`; TRL's SFTTrainer/DPOTrainer for vision-language models
messages   JSONL + pictures: `messages` with "<image>" marks + `images` paths; LLaMA-Factory, ms-swift
llava      JSON + pictures: `conversations` of human and gpt with "<image>" marks; LLaVA and its descendants
docmatix   Parquet: `images` + `texts` of user, assistant, source, one row per document; Docmatix, Idefics, nanoVLM
llava-video  JSON + video files: `conversations` with one "<image>" mark for the video; LLaVA-Video, LLaVA-NeXT
mcq        JSONL + pictures: question, choices, answer_key; CinePile, lmms-eval, `sightline refine`

Which of them a dataset can be written as depends on its kind: `recipes.kinds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.recipes.layouts.checking import Offence, check
    from sightline.recipes.layouts.exporting import export

LAYOUTS: Final = {
    "trl": "sightline.recipes.layouts.trl:LAYOUT",
    "messages": "sightline.recipes.layouts.marked:MESSAGES",
    "llava": "sightline.recipes.layouts.marked:LLAVA",
    "docmatix": "sightline.recipes.layouts.docmatix:LAYOUT",
    "llava-video": "sightline.recipes.layouts.llava_video:LAYOUT",
    "mcq": "sightline.recipes.layouts.mcq:LAYOUT",
}

__all__ = ["Offence", "check", "export"]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "Offence": "sightline.recipes.layouts.checking:Offence",
        "check": "sightline.recipes.layouts.checking:check",
        "export": "sightline.recipes.layouts.exporting:export",
    },
)
