"""How fast and how flat `sightline build documents` is, side by side in one run on two worker processes.

    python benchmarks/documents.py [PDF-OR-FOLDER ...] [--pages 300] [--rounds 3]

limit      a plain two-process loop: pypdfium2 render at 150 dpi, the same PNG encoder, text extraction; writes nothing.
           Its pictures are always RGB
same-bytes the same loop with the very pictures that sightline writes, grey where a page has no colour: a stricter limit
pages      sightline's reading steps: the limit's work, words with boxes in reading order, hashes, ledger, Parquet
build      the whole `sightline build documents`: pages, questions, checks, split, dataset, card
datasets   Hugging Face `datasets.map(num_proc=2)` doing the limit's work and writing Parquet

Each runs as a process of its own, in turn, `rounds` times; the medians are printed: pages a second, their ratio to the
limit's, and milliseconds of CPU a page (user and system) of the main process and of the workers, with the limit's as a
share of them: on a machine that is not all ours, that share is the steadier figure. Without paths,
pages are made by reportlab: text and a table per page, no two alike. `--memory` compares the largest worker on 100 and
on 1,000 such pages instead.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

WORKERS = 2
WORDS = [
    "revenue",
    "total",
    "market",
    "report",
    "section",
    "item",
    "figure",
    "annual",
    "change",
    "share",
    "cost",
    "value",
    "region",
    "index",
    "rate",
    "growth",
]


Pixels = Any
"""uint8, (height, width, 3)."""


def make_corpus(folder: Path, pages: int, per_file: int = 25) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    draw = random.Random(0)
    for first in range(0, pages, per_file):
        canvas = Canvas(str(folder / f"made-{first:05}.pdf"), pagesize=A4, invariant=True)
        for number in range(first, min(first + per_file, pages)):
            canvas.setFont("Helvetica-Bold", 16)
            canvas.drawString(60, 780, f"Section {number}: {' '.join(draw.sample(WORDS, 3)).title()}")
            canvas.setFont("Helvetica", 10)
            canvas.drawString(60, 755, f"Report number: R-{draw.randrange(10**6):06}")
            for line in range(30):
                canvas.drawString(60, 730 - 14 * line, " ".join(draw.choices(WORDS, k=12)))
            for row in range(10):
                for column in range(4):
                    text = draw.choice(WORDS) if column == 0 else f"{draw.uniform(0, 9999):,.2f}"
                    canvas.drawString(60 + 120 * column, 290 - 16 * row, text)
            canvas.showPage()
        canvas.save()


def encode_as_written(pixels: Pixels) -> bytes:
    """The bytes that sightline writes: grey where there is no colour."""
    from sightline.media.png import Canvas

    canvas = Canvas(pixels.shape[1], pixels.shape[0])
    canvas.pixels[:] = pixels
    return canvas.png()


def bare_pages(job: tuple[str, int, int, bool]) -> int:
    """Render, encode and extract every second page of one file: the limit."""
    import pypdfium2

    from sightline.media.png import encode_png

    path, start, step, as_written = job
    encode = encode_as_written if as_written else encode_png
    document = pypdfium2.PdfDocument(path)
    done = 0
    for index in range(start, len(document), step):
        page = document[index]
        scale = min(150 / 72, 2940 / max(page.get_size()))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        encode(bitmap.to_numpy())
        text = page.get_textpage()
        text.get_text_range()
        text.close()
        bitmap.close()
        page.close()
        done += 1
    return done


def run_limit(files: list[str], _: Path, as_written: bool = False) -> int:
    jobs = [(path, start, WORKERS, as_written) for path in files for start in range(WORKERS)]
    with get_context("spawn").Pool(WORKERS) as pool:
        return sum(pool.imap_unordered(bare_pages, jobs))


def run_same_bytes(files: list[str], out: Path) -> int:
    return run_limit(files, out, as_written=True)


def run_pages(files: list[str], out: Path) -> int:
    from sightline.media import sniff
    from sightline.pipeline import ExecutorConfig, Plan, Progress, find_files, run_local
    from sightline.recipes.document_qa.config import ReadConfig
    from sightline.recipes.document_qa.reading import CountPages, ReadPage

    plan = Plan((CountPages(), ReadPage(ReadConfig())))
    found = find_files(files, sniff, {"application/pdf"})
    result = run_local(plan, found, out, ExecutorConfig(workers=WORKERS), Progress("none"))
    return result.funnel[-1].took


def run_build(files: list[str], out: Path) -> int:
    from sightline.pipeline import ExecutorConfig, Progress
    from sightline.recipes.document_qa.build import build_documents
    from sightline.recipes.running import Engine

    engine = Engine(executor=ExecutorConfig(workers=WORKERS), progress=Progress("none"))
    result = build_documents(files, out / "dataset", engine=engine)
    return next(step.took for step in result.funnel if step.step == "read-pages")


def map_page(row: dict[str, object]) -> dict[str, object]:
    import pypdfium2

    from sightline.media.png import encode_png

    with pypdfium2.PdfDocument(row["path"]) as document:
        page = document[row["index"]]
        bitmap = page.render(scale=min(150 / 72, 2940 / max(page.get_size())), rev_byteorder=True)
        picture = encode_png(bitmap.to_numpy())
        return {"image": {"bytes": picture, "path": None}, "text": page.get_textpage().get_text_range()}


def run_datasets(files: list[str], out: Path) -> int:
    import pypdfium2
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    rows = [{"path": path, "index": i} for path in files for i in range(len(pypdfium2.PdfDocument(path)))]
    made = Dataset.from_list(rows).map(map_page, num_proc=WORKERS, cache_file_name=str(out / "cache.arrow"))
    made.to_parquet(str(out / "pages.parquet"))
    return len(made)


RUNS = {
    "limit": run_limit,
    "same-bytes": run_same_bytes,
    "pages": run_pages,
    "build": run_build,
    "datasets": run_datasets,
}


def one_run(name: str, files: list[str]) -> None:
    """In a process of its own: prints pages, seconds, CPU seconds and the largest child's memory as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        pages = RUNS[name](files, Path(folder))
        seconds = time.perf_counter() - start
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = {
        "pages": pages,
        "seconds": seconds,
        "cpu_main": own.ru_utime + own.ru_stime,
        "cpu_workers": children.ru_utime + children.ru_stime,
        "worker_mb": children.ru_maxrss / 1024,
    }
    print(json.dumps(figures))


def measured(name: str, files: list[str]) -> dict[str, float]:
    command = [sys.executable, __file__, *files, "--only", name]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{name} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def cpu_of(runs: list[dict[str, float]]) -> tuple[float, float]:
    """Milliseconds a page: main process, workers."""
    main, workers = (
        1000 * statistics.median(run[cpu] / run["pages"] for run in runs) for cpu in ("cpu_main", "cpu_workers")
    )
    return main, workers


def compare(files: list[str], rounds: int) -> None:
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    for _ in range(rounds):
        for name in RUNS:
            taken[name].append(measured(name, files))
    rate = {name: statistics.median(run["pages"] / run["seconds"] for run in runs) for name, runs in taken.items()}
    limit = sum(cpu_of(taken["limit"]))
    for name, runs in taken.items():
        memory = max(run["worker_mb"] for run in runs)
        main, workers = cpu_of(runs)
        print(
            f"{name:10} {runs[0]['pages']:5.0f} pages  {rate[name]:6.1f} pages/s  {rate[name] / rate['limit']:5.2f} of "
            f"the limit, {rate[name] / rate['same-bytes']:5.2f} of same-bytes  CPU {main:5.2f} + {workers:5.2f} ms/page"
            f" ({limit / (main + workers):.2f})  largest worker {memory:4.0f} MB"
        )
    print(f"pages / datasets.map: {rate['pages'] / rate['datasets']:.2f}")


def memory(folder: Path) -> None:
    peak = {}
    for pages in (100, 1000):
        corpus = folder / str(pages)
        corpus.mkdir()
        make_corpus(corpus, pages)
        peak[pages] = measured("build", sorted(map(str, corpus.glob("*.pdf"))))["worker_mb"]
        print(f"{pages:5} pages: largest worker {peak[pages]:.0f} MB")
    print(f"ratio {peak[1000] / peak[100]:.2f} (limit 1.2)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only", choices=list(RUNS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        one_run(given.only, [str(path) for path in given.paths])
        return
    with tempfile.TemporaryDirectory() as made:
        if given.memory:
            memory(Path(made))
            return
        if not given.paths:
            make_corpus(Path(made), given.pages)
        paths = given.paths or [Path(made)]
        files = [str(file) for path in paths for file in (sorted(path.rglob("*.pdf")) if path.is_dir() else [path])]
        compare(files, given.rounds)


if __name__ == "__main__":
    main()
