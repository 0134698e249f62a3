"""How far a run is, for a person: a bar per step on a terminal, a line every ten seconds in a log, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

LOG_EVERY = 10.0
"""Seconds between two lines of a log."""


class Progress:
    """Told by the executor what happens; shows it on stderr.

    `show`: "auto" is a bar on a terminal and a log elsewhere. `cost` gives the USD spent so far, where money is spent.
    """

    def __init__(
        self,
        show: Literal["auto", "bar", "log", "none"] = "auto",
        cost: Callable[[], float] | None = None,
    ) -> None:
        self._show = ("bar" if sys.stderr.isatty() else "log") if show == "auto" else show
        self._cost = cost
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._stage = _Stage("", 0, 0)

    def stage(self, name: str, total: int, reused: int) -> None:
        """A step begins: `total` items, of which `reused` are known from earlier runs."""
        self._end_stage()
        self._stage = _Stage(name, total, reused)
        if self._show == "bar":
            if self._bars is None:
                self._bars = _bars()
                self._bars.start()
            self._task = self._bars.add_task(name, total=total, completed=reused, figures="")
            self._draw()

    def advance(self, done: int, refused: int) -> None:
        """So many items more are done, with so many reject rows among what came out."""
        self._stage.done += done
        self._stage.refused += refused
        if self._show == "bar":
            self._draw()
        elif self._show == "log" and time.monotonic() - self._stage.logged >= LOG_EVERY:
            self._log()

    def note(self, text: str) -> None:
        """One line that the person should see."""
        if self._bars is not None:
            self._bars.console.print(Text(text))
        elif self._show != "none":
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """The run has ended, well or not."""
        self._end_stage()
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _end_stage(self) -> None:
        if self._show == "log" and self._stage.name:
            self._log()
        elif self._bars is not None:
            self._draw()
        self._stage = _Stage("", 0, 0)
        self._task = None

    def _draw(self) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=self._stage.reused + self._stage.done, figures=self._figures())

    def _log(self) -> None:
        stage = self._stage
        stage.logged = time.monotonic()
        text = f"{stage.name} {stage.reused + stage.done:,}/{stage.total:,} {self._figures()}"
        print(text.rstrip(), file=sys.stderr, flush=True)

    def _figures(self) -> str:
        """Rate, time left, rejects, known, cost: those there are."""
        stage = self._stage
        seconds = time.monotonic() - stage.began
        parts: list[str] = []
        if stage.done:
            rate = stage.done / max(seconds, 1e-3)
            parts.append(f"{rate:,.1f}/s")
            left = stage.total - stage.reused - stage.done
            if left > 0:
                parts.append(f"{_clock(left / rate)} left")
        if stage.refused:
            parts.append(f"{stage.refused:,} rejected")
        if stage.reused:
            parts.append(f"{stage.reused:,} known")
        if self._cost is not None and (cost := self._cost()):
            parts.append(f"${cost:,.2f}")
        return ", ".join(parts)


class _Stage:
    def __init__(self, name: str, total: int, reused: int) -> None:
        self.name = name
        self.total = total
        self.reused = reused
        self.done = 0
        self.refused = 0
        self.began = self.logged = time.monotonic()


class _Name(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.description)


def _bars() -> Bars:
    figures = TextColumn("{task.fields[figures]}", markup=False)
    columns = (SpinnerColumn(finished_text=" "), _Name(), BarColumn(bar_width=30), MofNCompleteColumn(), figures)
    return Bars(*columns, console=Console(stderr=True), refresh_per_second=4)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
