"""The story: PDFs in, verified dataset out.

files -> count pages -> read pages -> chunks -> drafts by a writer -> checked pairs -> distinct -> judged -> split
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sightline.core.record import RunRecord, claim
from sightline.lm import Cached
from sightline.lm.tally import Tally
from sightline.media import choose_ocr, sniff
from sightline.pipeline import Progress, RunResult, Store, find_files
from sightline.recipes.card import write_card
from sightline.recipes.dataset_files import write_dataset
from sightline.recipes.document_qa.config import DocumentQAConfig, ReadConfig
from sightline.recipes.document_qa.models import Models
from sightline.recipes.document_qa.plan import RETRIED, VERSION, document_plan
from sightline.recipes.running import Engine, begun, ended, run_figures

FILES = frozenset({"application/pdf"})


def build_documents(
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    config: DocumentQAConfig | None = None,
    *,
    models: Models | None = None,
    engine: Engine | None = None,
) -> RunResult:
    """Build (or go on building) the dataset in `out` from PDF files, folders, globs or fsspec URLs.

    Running it again does only what is missing; a complete second run has `result.work_done == 0`. Replies of language
    models are kept in `out/.sightline/replies.sqlite`, so that none is paid for twice.

    Raises InputError (nothing to read, `out` holds results of another recipe), StorageError (cannot write),
    MissingExtra (no such OCR engine here). Where BudgetReached or ModelError ended the run, it stands in
    `result.stopped_by`; the dataset then holds what was finished before.
    """
    out, config, engine = Path(out), config or DocumentQAConfig(), engine or Engine()
    claim(out, "document_qa")
    _look_for_ocr(config.read, engine.progress)
    tallied = (models or Models()).wrapped(lambda lm: Tally(Cached(lm, out / ".sightline" / "replies.sqlite")))
    record = begun(
        RunRecord(
            recipe="document_qa",
            version=VERSION,
            config=config.model_dump(mode="json"),
            models=tallied.names,
            seed=config.seed,
        ),
        "pypdfium2",
        "pillow",
    )
    plan = document_plan(config, tallied, Store(out), record.fingerprint)
    given = [paths] if isinstance(paths, (str, Path)) else paths
    files = find_files(given, sniff, FILES, "not-a-pdf", exclude=[out])
    result = engine.run(plan, files, out, RETRIED)
    roles = {"writer": tallied.writer, "judge": tallied.judge, "blind": tallied.blind}
    write_dataset(result, out, ended(record, run_figures(result, roles) | _throughput(result)))
    write_card(out)
    return result


def _look_for_ocr(config: ReadConfig, progress: Progress) -> None:
    """A named engine must be here before the first page is read; where "auto" finds none, the person is told."""
    if choose_ocr(config.ocr_language, config.ocr) is None and config.ocr == "auto":
        progress.note(f"no OCR engine here reads the language {config.ocr_language!r}: scanned pages will be refused")


def _throughput(result: RunResult) -> dict[str, Any]:
    """Pages, and how many of them this run read in a second."""
    read = next((step for step in result.funnel if step.step == "read-pages"), None)
    pages = 0 if read is None else read.took
    fresh = 0 if read is None else read.took - read.reused
    return {"pages": pages, "pages_per_second": fresh / result.seconds if fresh else None}
