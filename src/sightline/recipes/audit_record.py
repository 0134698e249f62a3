"""audit.json, the same for every kind of dataset: errors planted and caught, untouched rows refused; and how it is said
on the terminal, in the card and in the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import RenderableType

from sightline import show
from sightline.core.errors import InputError
from sightline.core.score import Proportion
from sightline.recipes.dataset import Dataset
from sightline.show.table import catch_rates
from sightline.show.values import CatchRate

if TYPE_CHECKING:
    from sightline.show.blocks import Tone

FILE = "audit.json"
REPLIES = Path(".sightline") / "replies.sqlite"
"""Where a dataset keeps what models answered."""


class Audit(BaseModel):
    """audit.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    """Fingerprint of the dataset as it was: catch rates of other rows or thresholds say nothing of it."""
    checks: dict[str, str]
    """Check -> what it is: which thresholds, which model."""
    pairs: int
    """Accepted rows that errors were planted into."""
    drafts: int
    """Untouched rows that false alarms were counted on."""
    seed: int
    rows: list[dict[str, Any]]
    """kind, check, caught, planted, low, high."""
    false_alarms: dict[str, dict[str, Any]]
    """Check -> refused, checked, low, high."""
    skipped: dict[str, int]
    """Kind -> rows it could not be planted into."""

    @property
    def caught(self) -> Iterator[CatchRate]:
        """Planted errors, in their order."""
        for row in self.rows:
            yield CatchRate(row["kind"], row["check"], Proportion(row["caught"], row["planted"]))

    @property
    def alarms(self) -> Iterator[tuple[str, Proportion]]:
        """Check -> untouched rows that it refuses."""
        for check, row in self.false_alarms.items():
            yield check, Proportion(row["refused"], row["checked"])


def caught_row(kind: str, check: str, caught: Proportion, **more: Any) -> dict[str, Any]:
    """A row of `Audit.rows`."""
    low, high = caught.interval
    return {"kind": kind, "check": check, "caught": caught.hits, "planted": caught.n, "low": low, "high": high, **more}


def alarm_row(refused: Proportion) -> dict[str, Any]:
    """A value of `Audit.false_alarms`."""
    low, high = refused.interval
    return {"refused": refused.hits, "checked": refused.n, "low": low, "high": high}


def saved_audit(folder: Path) -> Audit | None:
    """The audit of DIR, None where none was made since its rows or settings changed. Raises InputError where the file
    is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        audit = Audit.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError("the audit cannot be read", subject=path, remedy="run `sightline audit` again") from error
    return audit if audit.dataset == Dataset(folder).fingerprint else None


def audit_tables(audit: Audit) -> list[RenderableType]:
    """For the terminal: planted errors first, untouched rows last."""
    untouched = [CatchRate("none: untouched rows", check, rate) for check, rate in audit.alarms]
    return [catch_rates([*audit.caught, *untouched])]


def audit_card(folder: Path) -> str:
    """For the card, in Markdown."""
    audit = saved_audit(folder)
    if audit is None:
        return "Not audited yet: `sightline audit DIR` plants known errors and measures how many the checks catch.\n"
    lines = ["## What the checks catch\n"]
    lines += ["Known errors planted into copies of the accepted rows; 95 % Wilson intervals.\n"]
    lines += ["| planted error | check | caught |", "|---|---|---|"]
    lines += [f"| {_cell(row.kind)} | {_cell(row.check)} | {row.rate} |" for row in audit.caught]
    lines += ["", "Refused among untouched rows (false alarms):", ""]
    lines += [f"- {_cell(check)}: {rate}" for check, rate in audit.alarms]
    lines += ["", *(f"{_cell(check)}: {_cell(words)}  " for check, words in audit.checks.items())]
    return "\n".join([*lines, ""])


def caught_table(audit: Audit) -> Markup:
    """For the report: what was planted, and the share caught."""
    rows = [
        (row.kind, row.check, f"{row.rate.hits:,} of {row.rate.n:,}", _share(row.rate, "good")) for row in audit.caught
    ]
    return show.data_table(("planted error", "check", "caught", "share caught, with 95 % interval"), rows)


def alarms_table(audit: Audit) -> Markup:
    """For the report: untouched rows that were refused."""
    rows = [(check, f"{rate.hits:,} of {rate.n:,}", _share(rate, "warning")) for check, rate in audit.alarms]
    header = ("check", "refused", "share of untouched rows, with 95 % interval")
    return show.data_table(header, rows) if rows else Markup("")


def audit_section(folder: Path) -> Markup:
    """The report's section "How good are the checks?", with a warning where nobody measured it."""
    audit = saved_audit(folder)
    title = "How good are the checks?"
    if audit is None:
        words = "Run `sightline audit` on this folder: it plants known errors and measures what the checks catch."
        return show.section(title, show.callout("Not audited yet", words, tone="warning"), id="checks")
    lead = "Known errors were planted into copies of accepted rows, and the checks were run on them again. A kind with "
    lead += "a low share is one that these checks cannot see: count on such errors in the data."
    facts = show.facts(audit.checks)
    return show.section(title, caught_table(audit) + alarms_table(audit) + facts, id="checks", lead=lead)


def _share(rate: Proportion, tone: Tone) -> Markup | str:
    if not rate.n:
        return "none tried"
    low, high = rate.interval
    return show.interval_bar(rate.value, rate.interval, text=f"{rate.value:.1%} ({low:.1%} – {high:.1%})", tone=tone)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
