"""The recipe as a list of steps."""

from __future__ import annotations

from sightline.pipeline import Plan, Store
from sightline.pipeline.plan import AnyStep
from sightline.recipes.video_annotation.asking import Asked, Classify, Describe, Select, Structure
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.distinct import Distinct, DistinctConfig
from sightline.recipes.video_annotation.finishing import Finish, FinishStepConfig
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.taxonomy import Taxonomy
from sightline.recipes.video_annotation.watching import Filter, Hear, Watch

VERSION = 1
"""Of the recipe: part of every record's provenance."""
RETRIED = ("annotator-failed", "structurer-failed", "classifier-failed")
"""Refused because a request failed, not because of the video: the next run tries again."""


def video_plan(config: VideoAnnotationConfig, models: Models, taxonomy: Taxonomy, store: Store, run: str) -> Plan:
    """All steps for this configuration; `run` is the fingerprint that records carry."""
    steps: list[AnyStep] = [Watch(config.watch)]
    if models.speech is not None:
        steps.append(Hear(models.speech))
    steps += [Filter(config.filters), Distinct(DistinctConfig(keep=config.keep_duplicates))]
    if models.classifier is not None:
        asked = Asked(lm=models.classifier.name, taxonomy=config.taxonomy)
        steps.append(Classify(asked, models.classifier, taxonomy))
    if config.selection is not None:
        steps.append(Select(config.selection))
    steps += [
        Describe(Asked(lm=models.annotator.name, ask=config.ask), models.annotator, store.blob),
        Structure(Asked(lm=models.structuring.name, ask=config.ask), models.structuring),
        Finish(FinishStepConfig(finish=config.finish, run=run, recipe_version=VERSION)),
    ]
    return Plan(tuple(steps))
