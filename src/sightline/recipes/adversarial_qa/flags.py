"""Hard and visually reliant questions, told from answers that models gave and somebody recorded.

"full": the model was given everything, "text": only the words of the context. A question is *hard* where more than half
of the full answers are wrong, and has *visual reliance* where more than half of the text answers are wrong; a reply
that names no option, or two, is wrong. Nothing is said where nothing was recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from sightline.core.errors import InputError
from sightline.core.sample import Choice
from sightline.evaluate.choice import extract
from sightline.recipes.adversarial_qa.rows import lines

Setting = Literal["full", "text"]
FLAGS: dict[Setting, str] = {"full": "hard", "text": "visual_reliance"}


class Recorded(NamedTuple):
    """One reply to one question, whose options stood in the question's own order."""

    id: str
    setting: Setting
    reply: str


def read_answers(spec: str) -> Iterator[Recorded]:
    """`full=PATH` or `text=PATH`: the folder of a `sightline evaluate` run, or JSON lines {"id", "prediction"}.

    Raises InputError for anything else; a failed request of a run is no answer.
    """
    setting, equals, name = spec.partition("=")
    path = Path(name)
    if setting not in FLAGS or not equals or not path.exists():
        raise InputError("not full=PATH or text=PATH", subject=spec, remedy="a run's folder, or a JSON-lines file")
    if path.is_dir():
        records = path / "records.parquet"
        if not records.is_file():
            raise InputError("no evaluation run in the folder", subject=path)
        rows: Iterable[tuple[object, object]] = (
            (row["id"], row["prediction"]) for row in pq.read_table(records, columns=["id", "prediction"]).to_pylist()
        )
    else:
        rows = (_pair(path, number, row) for number, row, _ in lines(path))
    for id, reply in rows:
        if reply is not None:
            yield Recorded(str(id), setting, str(reply))


def _pair(path: Path, number: int, row: object) -> tuple[object, object]:
    if not isinstance(row, dict) or "id" not in row or not isinstance(row.get("prediction"), str | None):
        raise InputError(f"line {number} is no recorded answer", subject=path, remedy='{"id": ..., "prediction": ...}')
    return row["id"], row.get("prediction")


class Answers:
    """Recorded answers, ready to flag questions."""

    def __init__(self, recorded: Iterable[Recorded] = ()) -> None:
        self._replies: dict[tuple[str, Setting], list[str]] = defaultdict(list)
        for one in recorded:
            self._replies[one.id, one.setting].append(one.reply)

    def flagged(self, choice: Choice) -> Choice:
        """The question with `hard` and `visual_reliance`, as far as answers to it were recorded."""
        found = {
            flag: mostly_wrong(choice, replies)
            for setting, flag in FLAGS.items()
            if (replies := self._replies.get((choice.id, setting)))
        }
        return choice.model_copy(update={"flags": choice.flags | found}) if found else choice


def mostly_wrong(choice: Choice, replies: Sequence[str]) -> bool:
    """More than half of the replies do not name the key."""
    wrong = sum(extract(reply, choice.options).index != choice.answer for reply in replies)
    return 2 * wrong > len(replies)
