"""Runs a plan over items: item by item resumable, in worker processes or on a Ray cluster, nothing lost, nothing twice.

    plan = Plan((CountPages(), RenderPage(config), Chunks(config), Write(lm)))     # Step, Step, Barrier, BatchStep
    plan.check()                                                                    # PlanError, before anything runs
    files = find_files(["scans/"], sniff, {"application/pdf"}, "not-a-pdf")         # Iterator[File | Rejected]
    result = run_local(plan, files, "my-dataset", ExecutorConfig(workers=2), Progress())
    result = run_ray(plan, files, "my-dataset", ExecutorConfig(workers=8), Progress())   # the very same plan

    result.funnel          tuple[StepCount(step, took, gave, rejected, reused, seconds), ...]
    result.items("render") Iterator[Item], deterministic order (source items, then output index), `blob` is None
    result.rejected()      Iterator[Rejected]: of the sources first, then step by step
    result.blob(sha256)    bytes            result.item(key)  Item
    result.complete        False where a SightlineError of a step stopped it: `result.stopped_by` is that error
                           (but StorageError: disk full, and PlanError: contract broken, are raised)
    result.work_done       items computed by this run; 0 where the ledger knew them all

What a step may rely on:
- Items come with `blob=None`; a Step or BatchStep with the class attribute `needs_blob = True` gets the blob that the
  step right before it gave.
- `Reject`, a yielded `Rejected`, and a `MediaError` (one file is broken) refuse a row. Any other `SightlineError` stops
  the run: finished work is kept. After `BudgetReached` the following steps still run over what is finished, so that a
  partial dataset can be written; after others they do not. Any other exception becomes `Rejected("step-error", ...)`.
  This holds for a Step; a BatchStep and a Barrier yield `Rejected`, and what they raise besides a `SightlineError` ends
  the run with what was yielded kept.
- `Rejected.step` is the step's name; `.item` and `.origin` are filled in where the step left them empty.
- A barrier may go through its items more than once: they are read anew from disk each time.
- Equal items (same key) that come up twice in one stage are processed once and appear once.
- Results of the current plan and items are visible; older ones stay cached in `<out>/.sightline` and never leak in.
- `Store(out)` may be made before the run and handed to a BatchStep or Barrier (main process, any thread):
  `store.blob(sha256) -> bytes`, `store.item(key, Page) -> Page`, `store.text(key) -> str` (its JSON) for anything an
  earlier step gave. What is put together from such JSON may be yielded as `Written(kind, json)`.
- Ctrl-C: finished work is committed, then KeyboardInterrupt goes on to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightline.core.door import lazy_door

if TYPE_CHECKING:
    from sightline.pipeline.distributed import run_ray
    from sightline.pipeline.execution import ExecutorConfig
    from sightline.pipeline.local import run_local
    from sightline.pipeline.plan import Plan
    from sightline.pipeline.progress import Progress
    from sightline.pipeline.result import RunResult, StepCount
    from sightline.pipeline.sinks import write_parquet
    from sightline.pipeline.sources import find_files
    from sightline.pipeline.store import Store

__all__ = [
    "ExecutorConfig",
    "Plan",
    "Progress",
    "RunResult",
    "StepCount",
    "Store",
    "find_files",
    "run_local",
    "run_ray",
    "write_parquet",
]

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "ExecutorConfig": "sightline.pipeline.execution:ExecutorConfig",
        "Plan": "sightline.pipeline.plan:Plan",
        "Progress": "sightline.pipeline.progress:Progress",
        "RunResult": "sightline.pipeline.result:RunResult",
        "StepCount": "sightline.pipeline.result:StepCount",
        "Store": "sightline.pipeline.store:Store",
        "find_files": "sightline.pipeline.sources:find_files",
        "run_local": "sightline.pipeline.local:run_local",
        "run_ray": "sightline.pipeline.distributed:run_ray",
        "write_parquet": "sightline.pipeline.sinks:write_parquet",
    },
)
