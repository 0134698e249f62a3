"""Evaluation that says exactly what it computed: metrics, judges, hallucination, choices, boxes, statistics.

    >>> from sightline.evaluate import cider_d
    >>> score = cider_d(predictions, references)     # Score(value, interval, n, signature, per_item)

Every metric is a pure function of texts (or boxes, or features); nothing here reads the network or guesses an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.evaluate.benchmarks import BENCHMARKS
    from sightline.evaluate.benchmarks.benchmark import Benchmark
    from sightline.evaluate.boxes import Convention, grounding, text_and_box
    from sightline.evaluate.choice import Choice, extract
    from sightline.evaluate.choice_accuracy import multiple_choice
    from sightline.evaluate.examples import Example
    from sightline.evaluate.features import frechet, frechet_interval, kid, moments, read_features
    from sightline.evaluate.hallucination.amber import amber, read_amber, similarity_table
    from sightline.evaluate.hallucination.chair import chair
    from sightline.evaluate.hallucination.pope import pope
    from sightline.evaluate.judge import LaveConfig, lave
    from sightline.evaluate.metrics import METRICS
    from sightline.evaluate.metrics.anls import anls
    from sightline.evaluate.metrics.anls_star import anls_star
    from sightline.evaluate.metrics.bleu import bleu
    from sightline.evaluate.metrics.cider import Frequencies, cider, cider_d, frequencies
    from sightline.evaluate.metrics.exact import exact_match
    from sightline.evaluate.metrics.relaxed import relaxed
    from sightline.evaluate.metrics.rouge import rouge_l
    from sightline.evaluate.metrics.vqa import vqa_accuracy
    from sightline.evaluate.raters import agreement
    from sightline.evaluate.rotation import Rotated, orders
    from sightline.evaluate.rotation import report as rotation_report
    from sightline.evaluate.tokenizers.ptb import ptb
    from sightline.evaluate.totals import Totals
    from sightline.evaluate.vision import VisionFeatures

__all__ = [
    "BENCHMARKS",
    "METRICS",
    "Benchmark",
    "Choice",
    "Convention",
    "Example",
    "Frequencies",
    "LaveConfig",
    "Rotated",
    "Totals",
    "VisionFeatures",
    "agreement",
    "amber",
    "anls",
    "anls_star",
    "bleu",
    "chair",
    "cider",
    "cider_d",
    "exact_match",
    "extract",
    "frechet",
    "frechet_interval",
    "frequencies",
    "grounding",
    "kid",
    "lave",
    "moments",
    "multiple_choice",
    "orders",
    "pope",
    "ptb",
    "read_amber",
    "read_features",
    "relaxed",
    "rotation_report",
    "rouge_l",
    "similarity_table",
    "text_and_box",
    "vqa_accuracy",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "BENCHMARKS": "sightline.evaluate.benchmarks:BENCHMARKS",
        "METRICS": "sightline.evaluate.metrics:METRICS",
        "Benchmark": "sightline.evaluate.benchmarks.benchmark:Benchmark",
        "Choice": "sightline.evaluate.choice:Choice",
        "Convention": "sightline.evaluate.boxes:Convention",
        "Example": "sightline.evaluate.examples:Example",
        "Frequencies": "sightline.evaluate.metrics.cider:Frequencies",
        "LaveConfig": "sightline.evaluate.judge:LaveConfig",
        "Rotated": "sightline.evaluate.rotation:Rotated",
        "Totals": "sightline.evaluate.totals:Totals",
        "VisionFeatures": "sightline.evaluate.vision:VisionFeatures",
        "agreement": "sightline.evaluate.raters:agreement",
        "amber": "sightline.evaluate.hallucination.amber:amber",
        "anls": "sightline.evaluate.metrics.anls:anls",
        "anls_star": "sightline.evaluate.metrics.anls_star:anls_star",
        "bleu": "sightline.evaluate.metrics.bleu:bleu",
        "chair": "sightline.evaluate.hallucination.chair:chair",
        "cider": "sightline.evaluate.metrics.cider:cider",
        "cider_d": "sightline.evaluate.metrics.cider:cider_d",
        "exact_match": "sightline.evaluate.metrics.exact:exact_match",
        "extract": "sightline.evaluate.choice:extract",
        "frechet": "sightline.evaluate.features:frechet",
        "frechet_interval": "sightline.evaluate.features:frechet_interval",
        "frequencies": "sightline.evaluate.metrics.cider:frequencies",
        "grounding": "sightline.evaluate.boxes:grounding",
        "kid": "sightline.evaluate.features:kid",
        "lave": "sightline.evaluate.judge:lave",
        "moments": "sightline.evaluate.features:moments",
        "multiple_choice": "sightline.evaluate.choice_accuracy:multiple_choice",
        "orders": "sightline.evaluate.rotation:orders",
        "pope": "sightline.evaluate.hallucination.pope:pope",
        "ptb": "sightline.evaluate.tokenizers.ptb:ptb",
        "read_amber": "sightline.evaluate.hallucination.amber:read_amber",
        "read_features": "sightline.evaluate.features:read_features",
        "relaxed": "sightline.evaluate.metrics.relaxed:relaxed",
        "rotation_report": "sightline.evaluate.rotation:report",
        "rouge_l": "sightline.evaluate.metrics.rouge:rouge_l",
        "similarity_table": "sightline.evaluate.hallucination.amber:similarity_table",
        "text_and_box": "sightline.evaluate.boxes:text_and_box",
        "vqa_accuracy": "sightline.evaluate.metrics.vqa:vqa_accuracy",
    },
)
