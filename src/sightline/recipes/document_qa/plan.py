"""The recipe as a list of steps."""

from __future__ import annotations

from functools import partial

from sightline.pipeline import Plan, Store
from sightline.pipeline.plan import AnyStep
from sightline.recipes.document_qa.checking import CheckDrafts
from sightline.recipes.document_qa.chunking import ChunkDocuments
from sightline.recipes.document_qa.config import ChunkConfig, DocumentQAConfig
from sightline.recipes.document_qa.distinct import Deduplicate
from sightline.recipes.document_qa.items import Chunk
from sightline.recipes.document_qa.judge import BlindJudge, JudgeConfig, SightedJudge
from sightline.recipes.document_qa.models import Models
from sightline.recipes.document_qa.reading import CountPages, ReadPage
from sightline.recipes.document_qa.sketching import SketchPage
from sightline.recipes.document_qa.split import Split, SplitConfig
from sightline.recipes.document_qa.writing import WriteByLayout, WriteByLM, WriteConfig

VERSION = 1
"""Of the recipe: part of every record's provenance."""
RETRIED = ("writer-failed", "judge-failed", "blind-failed")
"""Refused because a request failed, not because of the row: the next run tries again."""


def document_plan(config: DocumentQAConfig, models: Models, store: Store, run: str) -> Plan:
    """All steps for this configuration; `run` is the fingerprint that records carry."""
    steps: list[AnyStep] = [
        CountPages(),
        ReadPage(config.read),
        SketchPage(),
        ChunkDocuments(_chunking(config, models), store.text),
        _writer(config, models, store),
        CheckDrafts(config.check),
        Deduplicate(),
    ]
    chunk = partial(store.item, kind=Chunk)
    if models.judge is not None:
        asked = JudgeConfig(role="judge", lm=models.judge.name, see=config.judge_sees, minimum=config.min_judge)
        steps.append(SightedJudge(asked, models.judge, chunk, store.blob))
    if models.blind is not None:
        asked = JudgeConfig(role="blind", lm=models.blind.name, minimum=config.min_blind)
        steps.append(BlindJudge(asked, models.blind, chunk, store.blob))
    steps.append(Split(SplitConfig(test_share=config.test_share, seed=config.seed, run=run, version=VERSION)))
    return Plan(tuple(steps))


def _chunking(config: DocumentQAConfig, models: Models) -> ChunkConfig:
    """The layout writer asks page by page: a page in two chunks would be asked the same twice."""
    return config.chunk.model_copy(update={"overlap": 0}) if models.writer is None else config.chunk


def _writer(config: DocumentQAConfig, models: Models, store: Store) -> AnyStep:
    written = WriteConfig(
        writer=models.names["writer"],
        pairs_per_page=config.pairs_per_page,
        seed=config.seed,
        sees="text" if models.writer is None else config.writer_sees,
    )
    return WriteByLayout(written) if models.writer is None else WriteByLM(written, models.writer, store.blob)
