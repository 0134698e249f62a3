"""The story: PDFs in, verified dataset out.

files -> count pages -> read pages -> chunks -> drafts by a writer -> checked pairs -> distinct -> judged -> split
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from sightline.core.record import RunRecord
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.media import choose_ocr, sniff
from sightline.pipeline import ExecutorConfig, Progress, RunResult, Store, find_files, run_local, run_ray
from sightline.recipes.dataset_files import write_dataset
from sightline.recipes.document_qa.config import DocumentQAConfig, ReadConfig
from sightline.recipes.document_qa.models import Models
from sightline.recipes.document_qa.plan import RETRIED, VERSION, document_plan

LIBRARIES = ("sightline", "pypdfium2", "pyarrow", "pillow", "numpy", "pydantic")
"""Whose versions decide a result: kept in run.json."""
FILES = frozenset({"application/pdf"})


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the plan runs."""

    kind: Literal["local", "ray"] = "local"
    executor: ExecutorConfig = field(default_factory=ExecutorConfig)
    progress: Progress = field(default_factory=Progress)


def build_documents(
    paths: Sequence[str | Path],
    out: str | Path,
    config: DocumentQAConfig | None = None,
    *,
    models: Models | None = None,
    engine: Engine | None = None,
) -> RunResult:
    """Build (or go on building) the dataset in `out` from PDF files, folders, globs or fsspec URLs.

    Running it again does only what is missing; a complete second run has `result.work_done == 0`. Replies of language
    models are kept in `out/.sightline/replies.sqlite`, so that none is paid for twice.

    Raises InputError (nothing to read), StorageError (cannot write), MissingExtra (no such OCR engine here). Where
    BudgetReached or ModelError ended the run, it stands in `result.stopped_by`; the dataset then holds what was
    finished before.
    """
    out, config, engine = Path(out), config or DocumentQAConfig(), engine or Engine()
    _look_for_ocr(config.read, engine.progress)
    tallied = (models or Models()).wrapped(lambda lm: Tally(Cached(lm, out / ".sightline" / "replies.sqlite")))
    started = datetime.now(UTC)
    record = RunRecord(
        recipe="document_qa",
        version=VERSION,
        config=config.model_dump(mode="json"),
        models=tallied.names,
        seed=config.seed,
        versions={name: version(name) for name in LIBRARIES},
        started=started,
    )
    plan = document_plan(config, tallied, Store(out), record.fingerprint)
    files = find_files(paths, sniff, FILES, "not-a-pdf", exclude=[out])
    run: Callable[..., RunResult] = run_local if engine.kind == "local" else run_ray
    executor = engine.executor.model_copy(update={"retry": (*engine.executor.retry, *RETRIED)})
    result = run(plan, files, out, executor, engine.progress)
    figures = run_figures(result, tallied) | _paid_in_all(tallied)
    write_dataset(result, out, record.model_copy(update={"finished": datetime.now(UTC), "figures": figures}))
    return result


def _look_for_ocr(config: ReadConfig, progress: Progress) -> None:
    """A named engine must be here before the first page is read; where "auto" finds none, the person is told."""
    if choose_ocr(config.ocr_language, config.ocr) is None and config.ocr == "auto":
        progress.note(f"no OCR engine here reads the language {config.ocr_language!r}: scanned pages will be refused")


def _paid_in_all(models: Models) -> dict[str, float]:
    """What all replies that the folder keeps have cost, in whichever run they were asked for."""
    stores = [lm.lm.store for lm in models.used if isinstance(lm, Tally) and isinstance(lm.lm, Cached)]
    return {"cost_usd": stores[0].paid} if stores else {}


def run_figures(result: RunResult, models: Models) -> dict[str, Any]:
    """Funnel, throughput and cost as measured, for run.json and the report."""
    read = next((step for step in result.funnel if step.step == "read-pages"), None)
    pages = 0 if read is None else read.took
    fresh = 0 if read is None else read.took - read.reused
    totals: dict[str, Any] = {}
    for lm in models.used:
        assert isinstance(lm, Tally)
        for name, value in lm.counts.model_dump().items():
            totals[name] = totals.get(name, 0) + value
    return {
        "funnel": [step._asdict() for step in result.funnel],
        "pages": pages,
        "seconds": result.seconds,
        "pages_per_second": fresh / result.seconds if fresh else None,
        "complete": result.complete,
        "stopped_by": None if result.stopped_by is None else str(result.stopped_by),
        **totals,
    }
