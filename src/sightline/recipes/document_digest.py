"""A documents dataset read once for people: counts of everything, and a few pages with their pairs. Only the pictures
of the chosen pages are ever read; texts are counted, not kept."""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq  # type: ignore[import-untyped]
from pydantic import ValidationError

from sightline.core.errors import InputError
from sightline.core.fingerprint import seeded
from sightline.core.media import Box, Evidence, Source
from sightline.core.record import RunRecord
from sightline.recipes.audit_record import Audit, saved_audit
from sightline.recipes.document_qa.statistics import Asked, PromptStatistics, prompt_statistics

CANDIDATES = 200
"""Pages held while reading, among which the sample is chosen so that many documents are seen."""
EXAMPLES = 3
"""Refused rows kept per reason."""
BATCH = 256
"""Rows decoded at once: light columns only."""

_LIGHT = ["id", "texts", "evidence", "scores", "style", "writer", "language", "split", "source", "licence"]

PageKey = tuple[str, int]
"""Hash of the document, page from 0."""


class Shown(NamedTuple):
    """One pair as the report shows it."""

    record: str
    question: str
    answer: str
    evidence: Evidence | None
    scores: dict[str, float | None]
    style: str
    language: str
    split: str


class Row(NamedTuple):
    """One record without its pictures, and where it lies."""

    file: Path
    at: int
    """Row within the file."""
    source: Source
    writer: str
    pairs: tuple[Shown, ...]


@dataclass(slots=True)
class SamplePage:
    """A page chosen for looking at."""

    source: Source
    page: int
    file: Path
    at: int
    image: int
    """Which image of that row shows the page."""
    pairs: list[Shown] = field(default_factory=list)
    picture: bytes = b""
    scale: float = 1.0
    """Pixels per point."""


@dataclass(slots=True)
class SourceCount:
    """A file and what came of it."""

    source: Source
    pairs: int = 0
    pages: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Rejects:
    """Refused rows by reason, with a few of each."""

    reasons: Counter[str] = field(default_factory=Counter)
    steps: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Reason -> step -> rows."""
    examples: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    """Reason -> (origin, evidence)."""


@dataclass(slots=True)
class Digest:
    """What a report needs to know of a dataset."""

    run: RunRecord
    audit: Audit | None
    records: int = 0
    pairs: int = 0
    sources: dict[str, SourceCount] = field(default_factory=dict)
    """By hash."""
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """"language", "style", "writer", "split", "match" -> value -> pairs."""
    pages: Counter[PageKey] = field(default_factory=Counter)
    """Pairs per page that has one."""
    answer_lengths: list[int] = field(default_factory=list)
    """Characters."""
    scores: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    prompts: list[PromptStatistics] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    samples: list[SamplePage] = field(default_factory=list)


def digest(folder: Path, *, pages: int = 12, seed: int = 0) -> Digest:
    """Read the dataset in `folder`; `pages` are chosen by `seed`, from as many documents as there are.

    Raises InputError where `folder` holds no dataset or one of its files is not what it should be.
    """
    files = sorted((folder / "data").glob("*.parquet"))
    if not files and not (folder / "run.json").is_file():
        raise InputError(
            "no dataset in this folder", subject=folder, remedy="name a folder that `sightline build` made"
        )
    made = Digest(run=_run(folder / "run.json"), audit=saved_audit(folder))
    candidates = _Candidates(seed)
    for row in rows(files):
        _count(made, row)
        candidates.see(row)
    made.prompts = prompt_statistics(
        Asked(pair.style, row.source.sha256, pair.evidence.page if pair.evidence else None, pair.question, pair.answer)
        for row in rows(files)
        for pair in row.pairs
    )
    made.rejects = _rejects(folder / "rejects.parquet")
    made.samples = candidates.chosen(pages)
    for sample in made.samples:
        _fetch(sample)
    return made


def rows(files: list[Path]) -> Iterator[Row]:
    """All records without pictures, in stored order."""
    for file in files:
        index = 0
        with _parquet(file, {*_LIGHT, "images", "image_scales"}) as parquet:
            for batch in parquet.iter_batches(BATCH, columns=_LIGHT):
                for record in batch.to_pylist():
                    yield _row(file, index, record)
                    index += 1


def _row(file: Path, index: int, record: dict[str, Any]) -> Row:
    evidence = [Evidence.model_validate(found) for found in record["evidence"] or ()]
    texts = record["texts"] or ()
    pairs = tuple(
        Shown(
            record=record["id"],
            question=text["user"] or "",
            answer=text["assistant"] or "",
            evidence=evidence[n] if n < len(evidence) else None,
            scores=record["scores"] or {},
            style=record["style"],
            language=record["language"],
            split=record["split"],
        )
        for n, text in enumerate(texts)
    )
    source = record["source"]
    return Row(file, index, Source(**{name: source[name] for name in Source.model_fields}), record["writer"], pairs)


def _count(made: Digest, row: Row) -> None:
    made.records += 1
    source = made.sources.setdefault(row.source.sha256, SourceCount(row.source))
    for pair in row.pairs:
        made.pairs += 1
        source.pairs += 1
        made.answer_lengths.append(len(pair.answer))
        named = {"language": pair.language, "style": pair.style, "writer": row.writer, "split": pair.split}
        for name, value in named.items():
            made.counts[name][value] += 1
        made.counts["match"][pair.evidence.match if pair.evidence else "none"] += 1
        for name, score in pair.scores.items():
            if score is not None:
                made.scores[name].append(score)
        if pair.evidence is not None and pair.evidence.page is not None:
            source.pages.add(pair.evidence.page)
            made.pages[row.source.sha256, pair.evidence.page] += 1


class _Candidates:
    """The pages with the smallest seeded numbers seen so far: whatever the order of rows, a page that stays to the end
    was held from its first pair on."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.held: dict[PageKey, SamplePage] = {}
        self.worst: list[tuple[int, PageKey]] = []

    def see(self, row: Row) -> None:
        for pair in row.pairs:
            if pair.evidence is not None and pair.evidence.page is not None:
                self._see(row, pair, pair.evidence, (row.source.sha256, pair.evidence.page))

    def _see(self, row: Row, pair: Shown, evidence: Evidence, key: PageKey) -> None:
        if key not in self.held:
            number = self._number(key)
            if len(self.held) >= CANDIDATES:
                if number >= -self.worst[0][0]:
                    return
                del self.held[heapq.heappop(self.worst)[1]]
            heapq.heappush(self.worst, (-number, key))
            self.held[key] = SamplePage(row.source, key[1], row.file, row.at, evidence.image)
        self.held[key].pairs.append(pair)

    def chosen(self, count: int) -> list[SamplePage]:
        """One page of each document, then a second of each ..., by name within a turn."""
        turns: Counter[str] = Counter()
        order = []
        for key in sorted(self.held, key=self._number):
            turns[key[0]] += 1
            order.append((turns[key[0]], self._number(key), key))
        taken = sorted(order)[:count]
        named = sorted(taken, key=lambda one: (one[0], self.held[one[2]].source.name, one[1]))
        return [self.held[key] for _, _, key in named]

    def _number(self, key: PageKey) -> int:
        return seeded(self.seed, "report", *key)


def _fetch(sample: SamplePage) -> None:
    """Read the one picture: row group by row group, so that no other group's pictures are touched."""
    with pq.ParquetFile(sample.file) as parquet:
        first = 0
        for group in range(parquet.num_row_groups):
            rows_here = parquet.metadata.row_group(group).num_rows
            if sample.at < first + rows_here:
                break
            first += rows_here
        for batch in parquet.iter_batches(8, row_groups=[group], columns=["images", "image_scales"]):
            if sample.at < first + len(batch):
                record = batch.slice(sample.at - first, 1).to_pylist()[0]
                sample.picture = record["images"][sample.image]["bytes"]
                sample.scale = record["image_scales"][sample.image]
                return
            first += len(batch)


def _rejects(file: Path) -> Rejects:
    found = Rejects()
    with _parquet(file, {"reason", "step", "origin", "evidence"}) as parquet:
        for batch in parquet.iter_batches(BATCH, columns=["reason", "step", "origin", "evidence"]):
            for row in batch.to_pylist():
                reason = row["reason"]
                found.reasons[reason] += 1
                found.steps[reason][row["step"]] += 1
                if len(found.examples[reason]) < EXAMPLES:
                    found.examples[reason].append((row["origin"], json.loads(row["evidence"] or "{}")))
    return found


def _parquet(file: Path, needed: set[str]) -> pq.ParquetFile:
    try:
        parquet = pq.ParquetFile(file)
    except (OSError, ValueError) as error:
        raise InputError(
            "a file of the dataset cannot be read", subject=file, remedy="build the dataset again"
        ) from error
    missing = needed - set(parquet.schema_arrow.names)
    if missing:
        raise InputError(f"a file of the dataset lacks the columns {sorted(missing)}", subject=file)
    return parquet


def _run(file: Path) -> RunRecord:
    try:
        return RunRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(
            "the record of the run cannot be read", subject=file, remedy="build the dataset again"
        ) from error


def box_pixels(evidence: Evidence, scale: float) -> tuple[Box, ...]:
    """The boxes in pixels of the stored picture."""
    return tuple(box.scaled(scale) if evidence.unit == "pt" else box for box in evidence.boxes)
