"""The recipe as a list of steps."""

from __future__ import annotations

from typing import NamedTuple

from sightline.pipeline import Plan, Store
from sightline.pipeline.plan import AnyStep
from sightline.recipes.video_annotation.asking import Asked, Attempts, Classify, Describe, Select, Structure
from sightline.recipes.video_annotation.config import VideoAnnotationConfig
from sightline.recipes.video_annotation.distinct import Distinct, DistinctConfig
from sightline.recipes.video_annotation.finishing import Finish, FinishStepConfig
from sightline.recipes.video_annotation.models import Models
from sightline.recipes.video_annotation.taxonomy import Taxonomy
from sightline.recipes.video_annotation.watching import Filter, Hear, HearConfig, Watch

VERSION = 1
"""Of the recipe: part of every record's provenance."""
RETRIED = ("annotator-failed", "structurer-failed", "classifier-failed")
"""Refused because a request failed, not because of the video: the next run tries again."""


class Context(NamedTuple):
    """What steps need beside models and configuration."""

    taxonomy: Taxonomy
    store: Store
    attempts: Attempts
    run: str
    """Fingerprint that records carry."""


def video_plan(config: VideoAnnotationConfig, models: Models, context: Context) -> Plan:
    """All steps for this configuration."""
    steps: list[AnyStep] = [Watch(config.watch)]
    if models.speech is not None:
        steps.append(Hear(HearConfig(speech=models.speech.name), models.speech))
    steps += [Filter(config.filters), Distinct(DistinctConfig(keep=config.keep_duplicates))]
    if models.classifier is not None:
        asked = Asked(lm=models.classifier.name, ask=config.ask, taxonomy=config.taxonomy)
        steps.append(Classify(asked, models.classifier, context.taxonomy))
    if config.selection is not None:
        steps.append(Select(config.selection))
    steps += [
        Describe(
            Asked(lm=models.annotator.name, ask=config.ask), models.annotator, context.store.blob, context.attempts
        ),
        Structure(Asked(lm=models.structuring.name, ask=config.ask), models.structuring, context.attempts),
        Finish(FinishStepConfig(finish=config.finish, run=context.run, recipe_version=VERSION)),
    ]
    return Plan(tuple(steps))
