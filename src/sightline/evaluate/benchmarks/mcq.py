"""Multiple choice: JSON lines with options and the index of the right one (CinePile and general).

{"id": "m1", "question": "Who speaks?", "options": ["A man", "Nobody"], "answer": 0, "category": "CRD", "hard": true,
 "images": ["frame1.png"], "context": "[0.0-2.5 s] said: ..."}

or a folder that `sightline build questions` or `refine` wrote: its test questions, or all where it has no such split;
`MCQ_ALL` asks all in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sightline.core.errors import InputError
from sightline.evaluate.benchmarks import questions
from sightline.evaluate.benchmarks.benchmark import Benchmark, Scored
from sightline.evaluate.benchmarks.mcq_wording import prompt
from sightline.evaluate.choice_accuracy import multiple_choice
from sightline.evaluate.examples import Example


def read(path: Path) -> Iterator[Example]:
    """Raises InputError with the number of the first bad line, or for a folder without DIR/evaluate/SPLIT.jsonl."""
    test = path / "evaluate" / "test.jsonl"
    yield from questions.read(test) if test.is_file() else read_all(path)


def read_all(path: Path) -> Iterator[Example]:
    """The same for all splits of a folder."""
    files = sorted((path / "evaluate").glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise InputError("no evaluate/SPLIT.jsonl in the folder", subject=path, remedy="a JSON-lines file of questions")
    for file in files:
        yield from questions.read(file)


def scoring(examples: Sequence[Example], replies: Sequence[str]) -> Scored:
    """Accuracy, overall, by category and on the hard split; unextracted replies are wrong and shown."""
    answers = []
    for example in examples:
        if example.answer is None or not example.options:
            raise InputError("a multiple-choice question needs options and an answer", subject=example.id)
        answers.append(example.answer)
    groups = None if all(e.group is None for e in examples) else [e.group for e in examples]
    found = multiple_choice(
        replies, [e.options for e in examples], answers, categories=[e.category for e in examples],
        hard=[e.hard is True for e in examples] if any(e.hard is not None for e in examples) else None, groups=groups,
    )  # fmt: skip
    more = [share for name, share in found.by_category.items() if name]
    more += [] if found.hard is None else [found.hard]
    apart = [share.model_copy(update={"per_item": ()}) for share in (*more, found.unextracted)]  # no metrics of an item
    return Scored([found.accuracy, *apart], [choice.state for choice in found.choices])


MCQ = Benchmark("mcq", read, prompt, scoring=scoring, version=2)
MCQ_ALL = Benchmark("mcq-all", read_all, prompt, scoring=scoring, version=2)
