"""Benchmarks: each is one Python file with data, prompt and metric, and a line in this table."""

from __future__ import annotations

BENCHMARKS: dict[str, str] = {
    "amber": "sightline.evaluate.benchmarks.amber:AMBER",
    "chartqa": "sightline.evaluate.benchmarks.chartqa:CHARTQA",
    "docvqa": "sightline.evaluate.benchmarks.docvqa:DOCVQA",
    "grounding": "sightline.evaluate.benchmarks.grounding:GROUNDING",
    "hub": "sightline.evaluate.benchmarks.hub:HUB",
    "mcq": "sightline.evaluate.benchmarks.mcq:MCQ",
    "mcq-all": "sightline.evaluate.benchmarks.mcq:MCQ_ALL",
    "pope": "sightline.evaluate.benchmarks.pope:POPE",
    "questions": "sightline.evaluate.benchmarks.questions:QUESTIONS",
    "sightline": "sightline.evaluate.benchmarks.sightline:SIGHTLINE",
    "sightline-all": "sightline.evaluate.benchmarks.sightline:SIGHTLINE_ALL",
    "table": "sightline.evaluate.benchmarks.table:TABLE",
    "vqav2": "sightline.evaluate.benchmarks.vqav2:VQAV2",
}
"""Name -> `Benchmark`. Outsiders give `package.module:NAME`."""
