"""What a build will take, before it is started: pages counted, a few of them read, the rest reckoned from these."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import ceil
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import RenderableType

from sightline.core.errors import Reject
from sightline.core.fingerprint import seeded
from sightline.core.sample import File, Page, Rejected
from sightline.lm import Price, estimate_tokens
from sightline.media import page_count, sniff
from sightline.pipeline import ExecutorConfig, find_files
from sightline.pipeline.sources import local_path
from sightline.recipes.document_qa.build import FILES
from sightline.recipes.document_qa.config import DocumentQAConfig
from sightline.recipes.document_qa.items import PageRef
from sightline.recipes.document_qa.models import Models
from sightline.recipes.document_qa.reading import ReadPage
from sightline.recipes.forecasting import (
    RoleForecast,
    clock,
    cost_of,
    forecast_tables,
    model_seconds,
    role_forecast,
)

SAMPLE = 16
"""Pages read to reckon from."""
FRAME_TOKENS = 350
"""Instructions and examples around the text of a writer's request (measured on the English prompts)."""
JUDGE_TOKENS = 80
"""Instruction and question of a judge's request."""
PAIR_TOKENS = 45
"""A question and answer as a model writes them."""
ANSWER_TOKENS = 12
"""A judge's answer."""


class BuildForecast(BaseModel):
    """All figures of a dry run. Pages are counted; what follows from them is reckoned from `sampled` of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int
    refused_files: int
    pages: int
    sampled: int
    """Pages read for this forecast."""
    unreadable: int
    """Of these, refused."""
    seconds_reading: float
    """For all pages on the given workers."""
    seconds_models: float
    """Assumes 4 s a reply and 32 at once."""
    roles: tuple[RoleForecast, ...]

    @property
    def cost_usd(self) -> float | None:
        return cost_of(self.roles)


def forecast_documents(
    paths: Sequence[str | Path],
    config: DocumentQAConfig,
    models: Models,
    executor: ExecutorConfig,
    price: Price | None = None,
) -> BuildForecast:
    """Count all pages, read up to 16 drawn by seed, and reckon requests, tokens, money and time. Asks no model.

    Raises InputError where there is nothing to read.
    """
    files: list[tuple[File, int]] = []
    refused = 0
    for found in find_files(paths, sniff, FILES, "not-a-pdf"):
        pages = 0 if isinstance(found, Rejected) else _pages(found)
        refused += pages == 0
        if pages and isinstance(found, File):
            files.append((found, pages))
    drawn = [(file, index) for file, pages in files for index in range(pages)]
    drawn.sort(key=lambda one: seeded(config.seed, "forecast", one[0].source.sha256, one[1]))
    started = time.perf_counter()
    read = [page for file, index in drawn[:SAMPLE] if (page := _page(file, index, config))]
    seconds = time.perf_counter() - started
    sampled = min(SAMPLE, len(drawn))
    readable = len(read) / sampled if sampled else 0.0
    tokens = sum(estimate_tokens(page.text) for page in read) / max(1, len(read))
    roles = _roles(round(len(drawn) * readable), tokens, config, models, price)
    return BuildForecast(
        files=len(files),
        refused_files=refused,
        pages=len(drawn),
        sampled=sampled,
        unreadable=sampled - len(read),
        seconds_reading=seconds / max(1, sampled) * len(drawn) / executor.workers,
        seconds_models=model_seconds(roles),
        roles=roles,
    )


def _pages(file: File) -> int:
    try:
        return page_count(local_path(file.source))
    except Reject:
        return 0


def _page(file: File, index: int, config: DocumentQAConfig) -> Page | None:
    try:
        return next(ReadPage(config.read)(PageRef(source=file.source, index=index, pages=index + 1)))
    except Reject:
        return None


def _roles(
    pages: int, tokens: float, config: DocumentQAConfig, models: Models, price: Price | None
) -> tuple[RoleForecast, ...]:
    pairs = pages * config.pairs_per_page
    chunk = config.chunk
    per_chunk = max(1.0, min(chunk.pages_per_chunk, chunk.tokens_per_chunk / max(1.0, tokens)))
    step = max(1.0, per_chunk - min(chunk.overlap, per_chunk - 1))
    chunks = ceil(pages / step)
    asked = {
        "writer": (models.writer, chunks, chunks * (FRAME_TOKENS + per_chunk * tokens), pairs * PAIR_TOKENS),
        "judge": (models.judge, pairs, pairs * (JUDGE_TOKENS + tokens), pairs * ANSWER_TOKENS),
        "blind": (models.blind, pairs, pairs * JUDGE_TOKENS, pairs * ANSWER_TOKENS),
    }
    return tuple(
        role_forecast(role, lm, requests, used, said, price)
        for role, (lm, requests, used, said) in asked.items()
        if lm is not None
    )


def build_tables(forecast: BuildForecast) -> list[RenderableType]:
    """For the terminal."""
    counted = [
        ("PDF files", f"{forecast.files:,} ({forecast.refused_files:,} refused)"),
        ("pages", f"{forecast.pages:,}"),
        ("pages read for this forecast", f"{forecast.sampled:,} ({forecast.unreadable:,} of them refused)"),
        ("time for reading", clock(forecast.seconds_reading)),
    ]
    return forecast_tables(counted, forecast.roles)
