"""Tables for the terminal (rich). Text from documents is shown as it is: no markup of it is obeyed, no escape
sequence of it reaches the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from sightline.core.score import Score
from sightline.show.values import CatchRate, StepFlow

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def funnel(steps: Sequence[StepFlow]) -> Table:
    """What each step of a run took, gave, refused and reused."""
    table = _table("What each step did", "step", ">took", ">gave", ">refused", ">reused", ">seconds")
    for flow in steps:
        refused = Text(f"{flow.rejected:,}", style="yellow" if flow.rejected else "dim")
        table.add_row(
            _text(flow.step), f"{flow.took:,}", f"{flow.gave:,}", refused, f"{flow.reused:,}", f"{flow.seconds:.1f}"
        )
    return table


def rejects(counts: Mapping[str, int], sentences: Mapping[str, str] | None = None) -> Table:
    """Reasons by frequency; `sentences` says them in words."""
    table = _table("Refused", "reason", ">rows", "which means")
    for reason, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(_text(reason), f"{count:,}", _text((sentences or {}).get(reason, "")))
    return table


def scores(results: Sequence[Score]) -> Table:
    """Metrics with their intervals and exact variants."""
    table = _table("Scores", "metric", ">value", ">95 %", ">n", "variant")
    for score in results:
        bounds = "" if score.interval is None else f"{score.interval.low:.4f} – {score.interval.high:.4f}"
        variant = _text(score.signature)
        variant.overflow = "fold"  # all of it, however narrow the terminal
        table.add_row(_text(score.name), f"{score.value:.4f}", bounds, f"{score.n:,}", variant)
    return table


def catch_rates(rates: Sequence[CatchRate]) -> Table:
    """How many planted errors of each kind each check caught."""
    table = _table("Planted errors caught", "planted error", "check", ">caught", ">planted", ">rate", ">95 %")
    for row in rates:
        share = f"{row.rate.value:.1%}" if row.rate.n else "–"
        low, high = row.rate.interval
        bounds = f"{low:.1%} – {high:.1%}" if row.rate.n else "–"
        table.add_row(_text(row.kind), _text(row.check), f"{row.rate.hits:,}", f"{row.rate.n:,}", share, bounds)
    return table


def listing(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Any short list; a column is set to the right where its name begins with ">"."""
    table = _table(title, *header)
    for row in rows:
        table.add_row(*map(_text, row))
    return table


def print_tables(tables: Iterable[RenderableType]) -> None:
    """To standard output: in colour on a terminal, plain into a file or pipe, NO_COLOR respected."""
    console = Console()
    for table in tables:
        console.print(table)


def plain(renderable: RenderableType, width: int = 100) -> str:
    """The same as text without colour, for logs and files."""
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False).print(renderable)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _table(title: str, *columns: str) -> Table:
    """A column is set to the right where its name begins with ">"."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table


def printable(words: str) -> str:
    """Without escape sequences and signs that turn the direction of writing: what a file's name or a row may hold."""
    return _UNPRINTABLE.sub("\ufffd", words)


def _text(words: str) -> Text:
    return Text(printable(words))
