"""The metrics of text against references, one file each, and the table of their names."""

from __future__ import annotations

METRICS: dict[str, str] = {
    "anls": "sightline.evaluate.metrics.anls:anls",
    "anls-star": "sightline.evaluate.metrics.anls_star:anls_star",
    "bleu": "sightline.evaluate.metrics.bleu:bleu",
    "cider": "sightline.evaluate.metrics.cider:cider",
    "cider-d": "sightline.evaluate.metrics.cider:cider_d",
    "exact": "sightline.evaluate.metrics.exact:exact_match",
    "relaxed": "sightline.evaluate.metrics.relaxed:relaxed",
    "rouge-l": "sightline.evaluate.metrics.rouge:rouge_l",
    "vqa": "sightline.evaluate.metrics.vqa:vqa_accuracy",
}
"""Name -> `(predictions, references, *, groups=None, ...) -> Score`. A new metric is a file and a line here."""

TOTALS: dict[str, str] = {
    "bleu": "sightline.evaluate.metrics.bleu:totals",
}
"""Metrics over a whole corpus, for which the mean of per-item figures is not the value: name -> `(...) -> Totals`."""
