"""What a worker does with a batch: run one step over its items, write one part, report what came out.

The same function runs in a local worker process and in a Ray task.
"""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightline.core.errors import MediaError, PlanError, Reject, SightlineError, StorageError
from sightline.core.ports import Step
from sightline.core.sample import Item, Rejected, Written
from sightline.pipeline.ledger import Ref, Settled, full_disk
from sightline.pipeline.parts import PartReader, PartWriter, sync
from sightline.pipeline.rows import Encoded, RejectRow, encode, reject_row

FULL = (errno.ENOSPC, errno.EDQUOT)
FRAMES = 6
"""Last frames of a traceback kept with an unexpected error."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch. `settled` is its beginning, all of it unless the worker was stopped or failed."""

    settled: tuple[Settled, ...]
    part: str | None
    """Path below the folder of parts; None where nothing came out."""
    seconds: float
    memory: int = 0
    """Bytes the worker process holds resident after the batch."""
    failure: SightlineError | None = None
    """Why the run cannot go on."""


def run_batch(
    step: Step[Any, Any],
    refs: Sequence[Ref],
    reader: PartReader,
    folder: Path,
    mark: Callable[[int], bool],
) -> Report:
    """Run `step` over `refs`; its part goes to `folder`. `mark(i)` is called before item i (and with len(refs) before
    the part is closed) and returns False where the worker is to stop."""
    began = time.monotonic()
    settled: list[Settled] = []
    failure: SightlineError | None = None
    try:
        with PartWriter(folder) as part:
            for at, ref in enumerate(refs):
                if not mark(at):
                    break
                try:
                    outcomes = outcomes_of(step, ref, reader)
                except SightlineError as error:
                    failure = error
                    break
                settled.append(keep(ref.key, outcomes, part))
            mark(len(refs))
    except OSError as error:
        return Report((), None, time.monotonic() - began, failure=unwritable(error, folder))
    name = None if part.name is None else f"{folder.name}/{part.name}"
    return Report(tuple(settled), name, time.monotonic() - began, failure=failure)


def make_last(parts: Path, part: str | None) -> None:
    """Let a reported part survive a power cut, before the ledger names it. This waits for the disk, as long as a page
    takes to be read; so it is done by who hears of the part, while the worker goes on. Raises StorageError."""
    if part is None:
        return
    try:
        sync(parts / part)
        sync((parts / part).parent)
    except OSError as error:
        raise unwritable(error, parts) from error


def load(step: Any, ref: Ref, reader: PartReader) -> Item:
    """The item as the step takes it."""
    item: Item = step.takes.model_validate_json(reader.json(ref.path, ref.row))
    if getattr(step, "needs_blob", False):
        item = item.model_copy(update={"blob": reader.blob(ref.path, ref.row)})
    return item


def outcomes_of(step: Step[Any, Any], ref: Ref, reader: PartReader) -> list[Encoded | RejectRow]:
    """What the step yields for one item, ready to be stored; a refusal of the whole item is its only outcome.

    Raises SightlineError where the run cannot go on.
    """
    item: Item | None = None
    try:
        item = load(step, ref, reader)
        return list(prepared(step, ref.key, item, step(item)))
    except Reject as error:
        refused = Rejected(reason=error.reason, evidence=error.evidence)
    except MediaError as error:
        refused = Rejected(reason="unreadable-media", evidence={"error": str(error)})
    except SightlineError:
        raise
    except Exception as error:  # the one broad except: an item must not take the run down
        if isinstance(error, OSError) and error.errno in FULL:
            raise full_disk(Path(error.filename or ".")) from error
        refused = Rejected(reason="step-error", evidence=described(error))
    return [reject_row(0, refused, ref.key, item)]


def prepared(
    step: Any, key: str, item: Item | None, outcomes: Iterable[Item | Written | Rejected]
) -> Iterator[Encoded | RejectRow]:
    """Outcomes as rows. Raises PlanError where the step gives something else than it declares."""
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, Rejected):
            yield reject_row(index, outcome, key, item)
            continue
        kind = outcome.kind if isinstance(outcome, Written) else type(outcome)
        if kind is step.gives:
            yield encode(outcome)
        else:
            raise PlanError(
                f"declared to give {step.gives.__name__}, gave {kind.__name__}",
                subject=step.name,
                remedy="a step yields exactly its `gives`, or Rejected",
            )


def keep(key: str, outcomes: Iterable[Encoded | RejectRow], part: PartWriter) -> Settled:
    """Write the outcomes of one input to the part; what the ledger needs to know of them comes back."""
    outputs: list[tuple[int, str, str | None]] = []
    rejects: list[RejectRow] = []
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, RejectRow):
            rejects.append(outcome)
            continue
        part.add(key, index, outcome, outcome.blob_sha256)
        outputs.append((index, outcome.key, outcome.blob_sha256))
    return Settled(key, tuple(outputs), tuple(rejects))


def described(error: BaseException) -> dict[str, object]:
    """An unexpected error as evidence: type, message, and the last frames as text."""
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[-FRAMES:])
    return {"error": type(error).__name__, "message": str(error), "trace": "".join(frames)}


def unwritable(error: OSError, folder: Path) -> StorageError:
    """What to do where a part cannot be written."""
    if error.errno in FULL:
        return full_disk(folder)
    return StorageError(
        f"results cannot be written ({error.strerror or error})", subject=folder, remedy="name another --out"
    )
