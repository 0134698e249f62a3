"""An evaluation from data to scores: read examples, ask the model, ask the judge, score, write, report.

Kill it anywhere and run it again: what was answered is not asked again. A failed request is a state, shown and
counted, never a score; while the budget does not suffice nothing is written as a result.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError, StorageError
from sightline.core.media import MediaRef
from sightline.core.ports import LM
from sightline.core.record import RunRecord, claim
from sightline.core.sample import Rejected
from sightline.core.score import Score
from sightline.evaluate.benchmarks.benchmark import Benchmark, metric
from sightline.evaluate.benchmarks.mcq_wording import lettered
from sightline.evaluate.examples import Example
from sightline.evaluate.judge import LaveConfig, Verdict, summary
from sightline.lm import Forecast, Price, forecast
from sightline.pipeline import ExecutorConfig, Plan, Progress, RunResult, run_local
from sightline.runs.evaluation_records import Record, Summary, write_run, write_whole
from sightline.runs.evaluation_steps import Answered, AskConfig, Asked, AskJudge, AskModel, JudgeConfig, Judged

RETRIED = ("lm-error", "judge-error")
_KINDS = {b"\x89PNG": ("image/png", "png"), b"\xff\xd8\xff": ("image/jpeg", "jpg"), b"RIFF": ("image/webp", "webp")}


class EvaluationConfig(BaseModel):
    """What decides an evaluation's result besides data and models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    benchmark: str
    data: str
    """Where it was read."""
    metrics: tuple[str, ...] = ()
    """In place of the benchmark's own; names or `package.module:name`."""
    limit: int | None = None
    """The first n examples; None for all."""
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    lave: LaveConfig = LaveConfig()


def evaluate(
    benchmark: Benchmark,
    config: EvaluationConfig,
    model: LM,
    out: str | Path,
    *,
    judge: LM | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Run and score; writes records.parquet, scores.json and run.json into `out`.

    Raises InputError where the data cannot be read or no example was answered, StorageError, BudgetReached or
    ModelError from the models (finished answers are kept), and nothing is written as a result then.
    """
    began = datetime.now(UTC)
    out = Path(out)
    claim(out, "evaluate")
    pictures = _Pictures(out / "pictures")
    ask = AskModel(
        AskConfig(model=model.name, max_tokens=config.max_tokens, temperature=config.temperature, seed=config.seed),
        model, pictures.read,
    )  # fmt: skip
    steps: list[AskModel | AskJudge] = [ask]
    if judge is not None:
        prompt = JudgeConfig(judge=judge.name, prompt_hash=config.lave.prompt_hash, lave=config.lave)
        steps.append(AskJudge(prompt, judge))
    items = asked(benchmark, config, pictures)
    result = run_local(Plan(tuple(steps)), items, out, ExecutorConfig(workers=1, retry=RETRIED), progress)
    if result.stopped_by is not None:
        raise result.stopped_by
    records, scores, ratings, cost = _scored(benchmark, config, result, judge)
    found = Summary(
        benchmark=benchmark.name, model=model.name, scores=tuple(scores), examples=len(records),
        failed=dict(Counter(record.error.partition(": ")[0] for record in records if record.error is not None)),
        judge=None if judge is None else judge.name, ratings=ratings, cost=cost,
    )  # fmt: skip
    write_run(out, records, found)
    models = {"model": model.name} | ({} if judge is None else {"judge": judge.name})
    record = RunRecord(
        recipe=f"evaluate/{benchmark.name}", version=benchmark.version, config=config.model_dump(mode="json"),
        models=models, seed=config.seed or 0, started=began, finished=datetime.now(UTC), figures={"cost": cost},
        versions={"sightline": version("sightline"), "python": sys.version.split()[0], "numpy": np.__version__},
    )  # fmt: skip
    write_whole(out / "run.json", record.model_dump_json(indent=1))
    return found


def asked(benchmark: Benchmark, config: EvaluationConfig, pictures: _Pictures) -> Iterator[Asked]:
    """Examples with their prompt, pictures put aside. Raises InputError for an unknown metric, a double id, an example
    without a reference where texts are compared, and for no example."""
    for name in config.metrics:
        metric(name)  # before anything is paid for
    seen: set[str] = set()
    for example in islice(benchmark.read(Path(config.data)), config.limit):
        if example.id in seen:
            raise InputError(f"example {example.id!r} is there twice", subject=config.data)
        seen.add(example.id)
        if (config.metrics or benchmark.scoring is None) and not example.references:
            raise InputError(f"example {example.id!r} has no reference, so no score", subject=config.data)
        refs = tuple(pictures.keep(data) for data in example.pictures)
        yield Asked(
            example=example.model_copy(update={"pictures": ()}), prompt=benchmark.prompt(example), pictures=refs
        )
    if not seen:
        raise InputError("the data holds no example", subject=config.data)


def expected(
    benchmark: Benchmark,
    config: EvaluationConfig,
    model: LM,
    out: str | Path,
    *,
    judge: LM | None = None,
    price: Price | None = None,
) -> Forecast:
    """Requests, tokens, money and time that model and judge will take at most, before anything is sent; the judge is
    taken to read answers of full length."""
    claim(Path(out), "evaluate")
    pictures = _Pictures(Path(out) / "pictures")
    ask = AskModel(AskConfig(model=model.name, max_tokens=config.max_tokens), model, pictures.read)
    items = list(asked(benchmark, config, pictures))
    first = forecast(map(ask.request, items), price)
    if judge is None:
        return first
    lave = JudgeConfig(judge=judge.name, prompt_hash=config.lave.prompt_hash, lave=config.lave)
    blank = (Answered(asked=item, prediction="", model=model.name, cut=False, cost=0.0) for item in items)
    second = forecast(map(AskJudge(lave, judge).request, blank), price)
    read = len(items) * config.max_tokens
    return Forecast(
        requests=first.requests + second.requests,
        input_tokens=first.input_tokens + second.input_tokens + read,
        output_tokens=first.output_tokens + second.output_tokens,
        cost=first.cost + second.cost + (0.0 if price is None else price.cost(read, 0)),
        seconds=first.seconds + second.seconds,
    )


def _scored(
    benchmark: Benchmark, config: EvaluationConfig, result: RunResult, judge: LM | None
) -> tuple[list[Record], list[Score], dict[str, int], float]:
    everyone = [item for item in result.items("source") if isinstance(item, Asked)]
    answers = {a.asked.example.id: a for a in result.items("ask") if isinstance(a, Answered)}
    verdicts = _verdicts(result) if judge is not None else {}
    rejected = {r.origin: r for r in result.rejected()}
    there = [item.example for item in everyone if item.example.id in answers]
    if not there:
        raise InputError("no example was answered", subject=_why(rejected.values()), remedy="is the model reachable?")
    found = benchmark.score(there, [answers[e.id].prediction for e in there], config.metrics)
    figures: dict[str, dict[str, float]] = {e.id: {} for e in there}
    for score in found.scores:
        if len(score.per_item) == len(there):
            for example, value in zip(there, score.per_item, strict=True):
                figures[example.id][score.name] = value
    scores, ratings = list(found.scores), dict[str, int]()
    if judge is not None:
        said = [verdicts.get(e.id, Verdict(state="failed")) for e in there]
        rated = summary(said, judge.name, config.lave, None if _ungrouped(there) else [e.group for e in there])
        ratings = {str(state): n for state, n in rated.ratings.items()}
        named = {"lave": rated.score, "lave/unparsed=0": rated.as_zero, "lave/unparsed=.5": rated.as_half}
        scores += [s.model_copy(update={"name": name}) for name, s in named.items() if s is not None]
        for example, verdict in zip(there, said, strict=True):
            if verdict.value is not None:
                figures[example.id]["lave"] = verdict.value
    reading = dict(zip([e.id for e in there], found.states, strict=True)) if found.states else {}
    records = [
        Record(
            id=e.id, question=_asked(e), references=e.references or _right(e), group=e.group, category=e.category,
            language=e.language, pictures=tuple(_Pictures.name(ref) for ref in item.pictures),
            prediction=answers[e.id].prediction if e.id in answers else None,
            error=None if e.id in answers else _reason(rejected.get(e.id)), reading=reading.get(e.id, ""),
            judge_state=verdicts[e.id].state if e.id in verdicts else None,
            judge_text=verdicts[e.id].text if e.id in verdicts else None, figures=figures.get(e.id, {}),
        )
        for item in everyone for e in [item.example]
    ]  # fmt: skip
    cost = sum(a.cost for a in answers.values()) + sum(j.cost for j in _judged(result))
    return records, scores, ratings, cost


def _asked(example: Example) -> str:
    return "\n".join([example.question, lettered(example.options)]) if example.options else example.question


def _right(example: Example) -> tuple[str, ...]:
    """Of a multiple-choice question, for people."""
    return () if example.answer is None else (lettered(example.options).split("\n")[example.answer],)


def _judged(result: RunResult) -> Iterator[Judged]:
    if any(step.name == "judge" for step in result.plan):
        yield from (item for item in result.items("judge") if isinstance(item, Judged))


def _verdicts(result: RunResult) -> dict[str, Verdict]:
    return {item.id: Verdict(state=item.state, text=item.text) for item in _judged(result)}


def _ungrouped(examples: list[Example]) -> bool:
    return all(e.group is None for e in examples)


def _reason(rejected: Rejected | None) -> str:
    return "not asked" if rejected is None else str(rejected.evidence.get("error") or rejected.reason)


def _why(rejected: Iterable[Rejected]) -> str:
    return ", ".join(f"{n} x {why}" for why, n in Counter(map(_reason, rejected)).most_common(3))


class _Pictures:
    """Pictures of a run in a folder, by hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> MediaRef:
        """Put one aside. Raises InputError for a format that models do not take."""
        kind = next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
        if kind is None:
            raise InputError("a picture must be PNG, JPEG or WebP", subject=data[:8])
        ref = MediaRef(sha256=hashlib.sha256(data).hexdigest(), media_type=kind[0])
        path = self._folder / self.name(ref)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.stat().st_size != len(data):
                path.write_bytes(data)
        except OSError as error:
            raise StorageError(f"a picture cannot be kept ({error})", subject=path) from error
        return ref

    def read(self, ref: MediaRef) -> bytes:
        return (self._folder / self.name(ref)).read_bytes()

    @staticmethod
    def name(ref: MediaRef) -> str:
        return f"{ref.sha256[:32]}.{dict(_KINDS.values())[ref.media_type]}"
