"""The form of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.examples import Example
from sightline.evaluate.metrics import METRICS


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of one run."""

    scores: list[Score]
    states: list[str] = field(default_factory=list)
    """How each reply was read, where the metric has states."""


Scoring = Callable[[Sequence[Example], Sequence[str]], Scored]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Data + prompt + metric. Knows no model."""

    name: str
    read: Callable[[Path], Iterator[Example]]
    """Examples from where the person put the data. Raises InputError."""
    prompt: Callable[[Example], str]
    metrics: tuple[str, ...] = ()
    """Names in METRICS, for benchmarks that compare texts."""
    scoring: Scoring | None = None
    """For all others."""
    version: int = 1
    """Raise it when the prompt or the scoring changes."""

    def score(self, examples: Sequence[Example], replies: Sequence[str], metrics: Sequence[str] = ()) -> Scored:
        """`metrics` replaces the benchmark's own text metrics."""
        if self.scoring is not None and not metrics:
            return self.scoring(examples, replies)
        return Scored(texts(metrics or self.metrics, examples, replies))


def texts(names: Sequence[str], examples: Sequence[Example], replies: Sequence[str]) -> list[Score]:
    """Text metrics by name over replies and the examples' references. Raises InputError for an unknown name."""
    groups = None if all(e.group is None for e in examples) else [e.group for e in examples]
    return [metric(name)(replies, [e.references for e in examples], groups=groups) for name in names]


def metric(name: str) -> Callable[..., Score]:
    """The metric of that name, or of `package.module:name`. Raises InputError, when it is called also for a result
    that is no Score."""
    if name not in METRICS and ":" not in name:
        raise InputError("no such metric", subject=name, remedy=f"one of {', '.join(METRICS)} or package.module:name")
    found = load(METRICS.get(name, name))
    if not callable(found):
        raise InputError(
            "is no metric", subject=name, remedy="a function (predictions, references, *, groups) -> Score"
        )

    def scored(*texts: Any, **options: Any) -> Score:
        result = found(*texts, **options)
        if not isinstance(result, Score):
            kind = type(result).__name__
            raise InputError(f"the metric gave a {kind}", subject=name, remedy="return sightline.core.score.Score")
        return result

    return scored


def picture(folder: Path, name: str) -> bytes:
    """A picture file inside `folder`. Raises InputError where it is missing or lies elsewhere."""
    path = (folder / str(name)).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise InputError("no such picture in the folder", subject=name)
    return path.read_bytes()


def short(question: str) -> str:
    """The prompt of short-answer benchmarks."""
    return f"{question}\nAnswer the question using a single word or phrase."
