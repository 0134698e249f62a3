"""A conversation made to fit a number of tokens: smaller pictures first, then several rows; a picture is never cut.

whole     it fits
shrunk    the larger pictures get one common cap (fewer pixels or tiles); small ones stay as they are
split     between question and next question; what was shown before is shown again, every answer is trained once
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sightline.core.errors import Reject
from sightline.core.message import Message, Picture
from sightline.vlm.rows import Reader


@dataclass(frozen=True, slots=True)
class Fit:
    """What was done to one conversation."""

    kind: Literal["whole", "shrunk", "split"]
    rows: tuple[Any, ...]
    """As the reader made them."""
    before: int
    """Tokens as it came."""

    @property
    def after(self) -> int:
        """Tokens of all its rows."""
        return sum(len(row.ids) for row in self.rows)


def fitted_rows(
    reader: Reader,
    messages: Sequence[Message],
    longest: int,
    *,
    least: int = 64,
    picture_budget: int | None = None,
) -> Fit:
    """Rows of at most `longest` tokens. No picture is shrunk below `least` tokens to make room; before that the
    conversation is split. Raises Reject as `encode`, "row-too-long" where one question with its pictures and
    answer does not fit."""
    whole = reader.encode(messages, picture_budget=picture_budget)
    before = len(whole.ids)
    if before <= longest:
        return Fit("whole", (whole,), before)
    wanted = [reader.taken(one, picture_budget) for one in _pictures(messages)]
    cap = common_cap(wanted, longest - (before - sum(wanted)))
    if cap >= least:
        try:
            return Fit("shrunk", (reader.encode(messages, picture_budget=cap, longest=longest),), before)
        except Reject as refused:
            if refused.reason != "over-budget":  # a square of fixed size cannot shrink
                raise
    opening, turns = _turns(messages)
    if len(turns) < 2:
        raise Reject("row-too-long", tokens=before, limit=longest)
    middle = len(turns) // 2
    shown = [part for turn in turns[:middle] for part in _pictures(turn)]
    first, second = (*opening, *_flat(turns[:middle])), (*opening, *_again(shown, _flat(turns[middle:])))
    halves = [
        fitted_rows(reader, half, longest, least=least, picture_budget=picture_budget) for half in (first, second)
    ]
    return Fit("split", tuple(row for half in halves for row in half.rows), before)


def common_cap(wanted: Sequence[int], room: int) -> int:
    """The largest c with sum(min(w, c)) <= room; 0 where there is none.

    >>> common_cap([10, 100, 100], 110)
    50
    """
    left, much = room, len(wanted)
    for one in sorted(wanted):
        if one * much > left:
            return max(0, left // much)
        left, much = left - one, much - 1
    return max(wanted, default=0)


def told(fits: Sequence[Fit]) -> str:
    """ "812 whole, 30 shrunk, 4 split into 9 rows; 512,000 tokens became 498,211"."""
    kinds = Counter(fit.kind for fit in fits)
    pieces = sum(len(fit.rows) for fit in fits if fit.kind == "split")
    before, after = sum(fit.before for fit in fits), sum(fit.after for fit in fits)
    counts = f"{kinds['whole']} whole, {kinds['shrunk']} shrunk, {kinds['split']} split into {pieces} rows"
    return f"{counts}; {before:,} tokens became {after:,}"


def _pictures(messages: Sequence[Message]) -> list[Picture]:
    return [part for message in messages for part in message.parts if isinstance(part, Picture)]


def _turns(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """What stands before the first question, and every question with what follows it."""
    opening: list[Message] = []
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "user":
            turns.append([message])
        elif turns:
            turns[-1].append(message)
        else:
            opening.append(message)
    return opening, turns


def _flat(turns: Sequence[Sequence[Message]]) -> list[Message]:
    return [message for turn in turns for message in turn]


def _again(shown: Sequence[Picture], messages: Sequence[Message]) -> list[Message]:
    """The pictures before the first question's own parts."""
    first, *rest = messages
    return [Message.of("user", *shown, *first.parts), *rest]
