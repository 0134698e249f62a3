"""What the pipeline itself costs: time per trivial item (first and second run), and a worker's memory over many items.

python benchmarks/pipeline.py [--items 50000] [--pictures 1000] [--workers 2] [--engine local|ray]
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.pipeline import ExecutorConfig, Plan, Progress, run_local, run_ray
from trivial_steps import Draw, Nothing, Number

TARGET_MS = 0.3


class PeakMemory:
    """The most that any one child process has held resident while the block ran."""

    def __enter__(self) -> PeakMemory:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                try:
                    self.peak = max(self.peak, child.memory_info().rss)
                except psutil.Error:
                    continue


def bare(count: int) -> float:
    """Seconds for the least there is to do: write the rows to one Parquet file and read nothing."""
    began = time.perf_counter()
    rows = [Number(n=n).model_dump_json() for n in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table({"json": rows}), f"{folder}/x.parquet", compression="zstd")
    return time.perf_counter() - began


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--items", type=int, default=50_000)
    options.add_argument("--pictures", type=int, default=1_000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--engine", choices=["local", "ray"], default="local")
    chosen = options.parse_args()
    run = run_local if chosen.engine == "local" else run_ray
    config = ExecutorConfig(workers=chosen.workers)

    with tempfile.TemporaryDirectory() as folder:
        items = [Number(n=n) for n in range(chosen.items)]
        for name in ("first run", "second run"):
            result = run(Plan((Nothing(),)), items, Path(folder), config, Progress("none"))
            for count in result.funnel:
                per_item = 1000 * count.seconds / chosen.items
                print(f"{name}: {count.step:8} {per_item:.4f} ms/item ({count.seconds:.2f} s, {count.reused:,} known)")
        total = 1000 * result.seconds / chosen.items
        print(f"target {TARGET_MS} ms/item for a step; second run in all {total:.4f} ms/item")
        print(f"bare model_dump_json + one Parquet file: {1000 * bare(chosen.items) / chosen.items:.4f} ms/item")

    peaks = []
    for count in (chosen.pictures // 10, chosen.pictures):
        with tempfile.TemporaryDirectory() as folder, PeakMemory() as memory:
            run(Plan((Draw(),)), [Number(n=n) for n in range(count)], Path(folder), config, Progress("none"))
        peaks.append(memory.peak)
        print(f"peak memory of a worker over {count:,} pictures of 400 kB: {memory.peak / 1e6:.0f} MB")
    print(f"ratio {peaks[1] / peaks[0]:.2f} (target <= 1.2)")


if __name__ == "__main__":
    main()
