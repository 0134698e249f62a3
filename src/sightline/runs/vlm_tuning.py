"""A user's run: datasets -> rows, refused ones by name -> training -> the best checkpoint -> test figures -> a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, Reject
from sightline.core.score import Score
from sightline.runs.vlm_data import Item, Refused, held_out, items, told, usable
from sightline.runs.vlm_exam import Answer, asked, examined
from sightline.runs.vlm_run import Exam, Result, VLMRun, run
from sightline.runs.vlm_tasks import Task, as_task
from sightline.train.checkpoint import write_whole
from sightline.train.machine import is_first
from sightline.train.stages import Course, Progress
from sightline.vlm.chat import whole_reader

Said = Callable[[str], None]


@dataclass(slots=True)
class Sets:
    """The rows of a run, by the names that stages draw from."""

    train: dict[str, list[Item]] = field(default_factory=dict)
    held: dict[str, list[Item]] = field(default_factory=dict)
    test: dict[str, list[Item]] = field(default_factory=dict)
    refused: Refused = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of it."""

    result: Result
    sets: Sets
    scores: dict[str, Score]
    """On test rows, by the chosen model; on the rows held out where the data has no test split."""
    answers: list[Answer]
    on: str
    """ "test" or "held"."""


def names_of(config: VLMRun) -> dict[str, Task]:
    """What stages draw from ("a+b" draws from both), with what is learned from it. Raises InputError for a task that no
    stage draws from."""
    names = dict.fromkeys(name for stage in config.stages for name in stage.data.split("+"))
    if idle := set(config.tasks) - set(names):
        raise InputError("a task of data that no stage draws from", subject=", ".join(sorted(idle)))
    return {name: config.tasks.get(name, "answer") for name in names}


def placed(config: VLMRun, given: tuple[str, ...]) -> dict[str, tuple[Path, ...]]:
    """Paths by name: "NAME=PATH" is for that name, "PATH" for each that has none of its own. Raises InputError for an
    unknown name and a name without data."""
    names = names_of(config)
    own: dict[str, list[Path]] = {}
    for one in given:
        name, equals, path = one.partition("=")
        if not equals or Path(one).exists():
            name, path = "", one
        elif name not in names:
            raise InputError("no stage draws from this name", subject=name, remedy=f"one of {', '.join(names)}")
        own.setdefault(name, []).append(Path(path))
    if lacking := [name for name in names if name not in own and "" not in own]:
        remedy = "--data DATASET" if len(lacking) == len(names) else f"--data {lacking[0]}=DATASET"
        raise InputError("a dataset is needed", subject=None if len(names) == 1 else lacking[0], remedy=remedy)
    return {name: tuple(own.get(name) or own[""]) for name in names}


def gathered(config: VLMRun, data: Mapping[str, tuple[Path, ...]], out: Path) -> Sets:
    """Rows that the model can take. OUT/refused.jsonl names the others. Raises InputError where a name has no usable
    row to train on."""
    sets, tasks = Sets(), names_of(config)
    reader = config.build()[1] if config.model is None else whole_reader(config.model)[1]
    alike: dict[tuple[tuple[Path, ...], Task], str] = {}
    for name, paths in data.items():
        same = alike.setdefault((paths, tasks[name]), name)
        if same != name:  # the same rows under another name
            for part in (sets.train, sets.held, sets.test):
                part[name] = part[same]
            continue
        refused: Refused = {}
        found = []
        for item in (item for path in paths for item in items(path, refused, config.frames)):
            try:
                found.append(as_task(item, tasks[name]))
            except Reject as error:
                refused[item.id] = error.reason
        rows = usable(found, lambda row: config.fitted(reader, row), refused)
        sets.refused |= {f"{name}/{id_}" if config.tasks else id_: why for id_, why in refused.items()}
        training = [row for row in rows if row.split == "train"]
        sets.train[name], sets.held[name] = held_out(training, config.hold if config.checks else 0.0, config.seed)
        sets.test[name] = [row for row in rows if row.split == "test"]
    lines = (json.dumps({"id": id_, "reason": why}, ensure_ascii=False) for id_, why in sets.refused.items())
    if is_first():
        write_whole(out / "refused.jsonl", "".join(f"{line}\n" for line in lines).encode())
    for name, rows in sets.train.items():
        if not rows:
            raise InputError("no usable row to train on", subject=data[name][0], remedy=told(sets.refused))
    return sets


def tune(
    config: VLMRun,
    data: Mapping[str, tuple[Path, ...]],
    out: Path,
    *,
    say: Said = lambda _: None,
    tell: Callable[[Progress], None] | None = None,
) -> Tuned:
    """Train on `data` and write OUT/model, OUT/refused.jsonl and OUT/tuned.json; goes on from OUT. `say` hears what was
    refused and how the checkpoint is chosen. Raises what `gathered` and `train` do."""
    sets = gathered(config, data, out)
    say(told(sets.refused) + (f", see {out / 'refused.jsonl'}" if sets.refused else ""))
    return trained(config, sets, out, say=say, tell=tell)


def trained(
    config: VLMRun,
    sets: Sets,
    out: Path,
    *,
    say: Said = lambda _: None,
    tell: Callable[[Progress], None] | None = None,
) -> Tuned:
    """`tune`, from rows that were gathered before."""
    tasks = names_of(config)
    questions = asked(config.checks, tasks, sets.held)
    weights = {one.name: one.weight for one in questions}
    exam = None
    if config.sharded:
        say("a sharded model is not examined while it trains: the last checkpoint is kept")
    elif any(weights.values()):

        def ask(model: Any, reader: Any) -> dict[str, float]:
            return {name: score.value for name, score in examined(model, reader, questions)[0].items()}

        exam = Exam(ask, weights)
        many = len({item.id for one in questions for item in one.items})
        say(f"the checkpoint is chosen by {', '.join(weights)} on {many} held-out rows")
    else:
        say("nothing is held out to choose a checkpoint by: the last one is kept")
    rows = {
        stage.data: [row.messages for name in stage.data.split("+") for row in sets.train[name]]
        for stage in config.stages
    }
    result = run(config, rows, out, exam, tell)
    last = asked(config.checks, tasks, sets.test, last=True)
    scores, answers = examined(result.model, result.reader, last or questions)
    done = Tuned(result, sets, scores, answers, "test" if last else "held")
    if is_first():
        write_whole(out / "tuned.json", json.dumps(table_of(done), indent=1, ensure_ascii=False).encode())
    return done


def table_of(done: Tuned) -> dict[str, Any]:
    """As JSON: figures with intervals, the curve, what was refused, what trained when and what rested."""
    course = done.result.course
    return {
        "figures_on": done.on,
        "scores": {name: score.model_dump(exclude={"per_item"}) for name, score in done.scores.items()},
        "curve": course.curve,
        "losses": [round(loss, 5) for loss in course.losses],
        "seconds": round(course.seconds, 2),
        "stages": course.proofs,
        "rows": {
            name: {"train": len(rows), "held": len(done.sets.held[name]), "test": len(done.sets.test[name])}
            for name, rows in done.sets.train.items()
        },
        "refused": done.sets.refused,
        "lengths": done.result.lengths,
    }


def with_steps(config: VLMRun) -> dict[str, int]:
    """First step of each stage."""
    starts, at = {}, 0
    for stage in config.stages:
        starts[stage.name], at = at, at + stage.steps
    return starts


def chosen(course: Course) -> dict[str, Any] | None:
    """The row of the curve whose checkpoint was kept: the best, of equals the latest."""
    return max(reversed(course.curve), key=lambda row: float(row["score"])) if course.curve else None


def rested(proof: Mapping[str, Any]) -> list[str]:
    """Parts that a stage left as they were, by their hashes."""
    return [part for part, before in proof["before"].items() if proof["after"].get(part) == before]
