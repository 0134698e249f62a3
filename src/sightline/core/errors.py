"""Every error sightline raises on purpose.

    SightlineError                 a person can mend it: says what happened, to what, and the remedy
    ├── InputError                 a path, option or file the person gave
    ├── MissingExtra               an optional package is not installed
    ├── PlanError                  a pipeline whose steps do not fit together
    ├── StorageError               disk full, folder not writable, ledger locked
    ├── MediaError                 a PDF, photo or video that cannot be read as a whole
    ├── ModelError                 an endpoint or model that cannot be reached or used
    └── BudgetReached              the spend cap was met; finished work is kept

    Reject                         one *row* is refused, with a reason; the pipeline keeps it as `Rejected`

`Reject` is no `SightlineError`: it never reaches a person as an error, it becomes a row.
"""

from __future__ import annotations


class SightlineError(Exception):
    """What happened, to which object, and what to do about it.

    >>> str(InputError("no PDF in the folder", subject="scans/", remedy="name a folder with PDFs"))
    'no PDF in the folder: scans/ - name a folder with PDFs'
    """

    exit_code = 2

    def __init__(self, what: str, *, subject: object = None, remedy: str = "") -> None:
        self.what = what
        self.subject = subject
        self.remedy = remedy
        text = what if subject is None else f"{what}: {subject}"
        super().__init__(f"{text} - {remedy}" if remedy else text)


class InputError(SightlineError):
    """A path, option or file that the person gave cannot be used."""


class MissingExtra(SightlineError):
    """An optional package is needed and not installed."""


class PlanError(SightlineError):
    """The steps of a plan do not fit together; found before anything ran."""


class StorageError(SightlineError):
    """Results cannot be stored: disk full, folder not writable, ledger in use."""


class MediaError(SightlineError):
    """A whole file cannot be read as the medium it claims to be."""


class ModelError(SightlineError):
    """A language, vision or image model cannot be reached or used."""


class BudgetReached(SightlineError):
    """The spend cap was met. What was finished is kept; run again with a higher cap to go on."""


class Reject(Exception):
    """Raised by a step: this item is refused for `reason`; `evidence` says why in figures.

    `reason` is a kebab-case word that stays the same over items ("no-text-layer"), so that it can be counted;
    everything particular to the item goes to `evidence` (JSON-able values).
    """

    def __init__(self, reason: str, **evidence: object) -> None:
        self.reason = reason
        self.evidence = evidence
        super().__init__(reason)

    def __reduce__(self) -> tuple[object, ...]:
        return (_reject, (self.reason, self.evidence))


def _reject(reason: str, evidence: dict[str, object]) -> Reject:
    return Reject(reason, **evidence)
