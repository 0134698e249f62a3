"""Checks that need no model: where an answer stands on its page, what is wrong with a pair, which pages are the same,
whether an annotation's times are possible, and how many planted errors the checks catch."""

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.verify.agreeing import agreement
    from sightline.verify.aligning import AlignConfig, Aligned, align
    from sightline.verify.catching import CatchRate, CatchTable, catch_rates
    from sightline.verify.check import Verdict, examine, text_check
    from sightline.verify.duplicates import QuestionPool, Sketch, duplicate_of, group_pages, sketch
    from sightline.verify.filters import FILTERS, reasons
    from sightline.verify.folding import fold
    from sightline.verify.integrity import Fault, IntegrityConfig, coverage, faults, stated_time, timecode
    from sightline.verify.locating import locate, locate_in
    from sightline.verify.page_index import PageIndex
    from sightline.verify.picture_hashing import picture_hash, picture_hash_of
    from sightline.verify.planting import PLANTS, Case, Plant, Planted, Pool, plant
    from sightline.verify.refusals import is_refusal
    from sightline.verify.surroundings import support
    from sightline.verify.thresholds import Thresholds

__all__ = [
    "FILTERS",
    "PLANTS",
    "AlignConfig",
    "Aligned",
    "Case",
    "CatchRate",
    "CatchTable",
    "Fault",
    "IntegrityConfig",
    "PageIndex",
    "Plant",
    "Planted",
    "Pool",
    "QuestionPool",
    "Sketch",
    "Thresholds",
    "Verdict",
    "agreement",
    "align",
    "catch_rates",
    "coverage",
    "duplicate_of",
    "examine",
    "faults",
    "fold",
    "group_pages",
    "is_refusal",
    "locate",
    "locate_in",
    "picture_hash",
    "picture_hash_of",
    "plant",
    "reasons",
    "sketch",
    "stated_time",
    "support",
    "text_check",
    "timecode",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "AlignConfig": "sightline.verify.aligning:AlignConfig",
        "Aligned": "sightline.verify.aligning:Aligned",
        "Case": "sightline.verify.planting:Case",
        "CatchRate": "sightline.verify.catching:CatchRate",
        "CatchTable": "sightline.verify.catching:CatchTable",
        "FILTERS": "sightline.verify.filters:FILTERS",
        "Fault": "sightline.verify.integrity:Fault",
        "IntegrityConfig": "sightline.verify.integrity:IntegrityConfig",
        "PLANTS": "sightline.verify.planting:PLANTS",
        "PageIndex": "sightline.verify.page_index:PageIndex",
        "Plant": "sightline.verify.planting:Plant",
        "Planted": "sightline.verify.planting:Planted",
        "Pool": "sightline.verify.planting:Pool",
        "QuestionPool": "sightline.verify.duplicates:QuestionPool",
        "Sketch": "sightline.verify.duplicates:Sketch",
        "Thresholds": "sightline.verify.thresholds:Thresholds",
        "Verdict": "sightline.verify.check:Verdict",
        "agreement": "sightline.verify.agreeing:agreement",
        "align": "sightline.verify.aligning:align",
        "catch_rates": "sightline.verify.catching:catch_rates",
        "coverage": "sightline.verify.integrity:coverage",
        "duplicate_of": "sightline.verify.duplicates:duplicate_of",
        "examine": "sightline.verify.check:examine",
        "faults": "sightline.verify.integrity:faults",
        "fold": "sightline.verify.folding:fold",
        "group_pages": "sightline.verify.duplicates:group_pages",
        "is_refusal": "sightline.verify.refusals:is_refusal",
        "locate": "sightline.verify.locating:locate",
        "locate_in": "sightline.verify.locating:locate_in",
        "picture_hash": "sightline.verify.picture_hashing:picture_hash",
        "picture_hash_of": "sightline.verify.picture_hashing:picture_hash_of",
        "plant": "sightline.verify.planting:plant",
        "reasons": "sightline.verify.filters:reasons",
        "sketch": "sightline.verify.duplicates:sketch",
        "stated_time": "sightline.verify.integrity:stated_time",
        "support": "sightline.verify.surroundings:support",
        "text_check": "sightline.verify.check:text_check",
        "timecode": "sightline.verify.integrity:timecode",
    },
)
