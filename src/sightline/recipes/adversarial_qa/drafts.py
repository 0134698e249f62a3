"""A multiple-choice question as a model wrote it, and what is wrong with its form."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from sightline.core.fingerprint import seeded
from sightline.core.media import Evidence, Span
from sightline.evaluate.choice import LETTERS
from sightline.lm.cleaning import clean
from sightline.verify.folding import fold

LONGEST = 1000
"""Letters of a question or an option."""
LEAST_LEAK, LEAST_SYLLABLES = 4, 3
"""Letters, or Korean syllables, from which on a key that stands in its own question gives itself away; "no" or "7" may
stand anywhere."""
_POSITIONAL = re.compile(
    r"\b(?:(?:all|none|both|any|neither) of (?:the )?(?:above|below|these|options|answers)|"
    r"(?:both|either|neither) \(?[a-j]\)? (?:and|or|nor) \(?[a-j]\)?|options? \(?[a-j]\)?(?: and|,| or))(?!\w)"
    r"|(?:위|아래|보기)의?\s*(?:모두|전부)|모두 (?:맞|정답)|해당\s*없음|정답\s*없음",
    re.I,
)


class Draft(BaseModel):
    """The form in which a model gives a question."""

    question: str
    options: list[str]
    answer: str = Field(description="letter of the right option")
    rationale: str = ""
    quote: str = Field(default="", description="letter by letter, proves the answer")
    start: float | None = Field(default=None, description="seconds")
    end: float | None = Field(default=None, description="seconds")


class TemplatedDraft(Draft):
    """A draft that says which template it follows."""

    template: str = ""


def one_line(text: str) -> str:
    """Without what no file of ours can hold, and without line breaks, which would make two options of one."""
    return " ".join(clean(text).split())


def key_of(answer: str, count: int) -> int | None:
    """Index of a letter such as "C", "(c)" or "C)"; None for anything else."""
    letter = answer.strip().strip("()[].*: ").upper()
    place = LETTERS.find(letter) if len(letter) == 1 else -1
    return place if 0 <= place < count else None


def problem(question: str, options: list[str], key: int | None, count: int) -> str | None:
    """What is wrong with the form, as a countable word; None where nothing is."""
    folded = [fold(option) for option in options]
    if not question.strip() or not all(folded):
        return "empty-text"
    if len(options) != count:
        return "option-count"
    if key is None:
        return "no-key"
    if len(set(folded)) < len(folded):
        return "same-options"
    if max(map(len, [question, *options])) > LONGEST:
        return "too-long"
    if any(_POSITIONAL.search(option) for option in options):
        return "positional-option"
    right = folded[key]
    end = r"(?!\w)" if right[-1].isascii() else r"(?![a-z0-9])"  # Korean goes on with a particle
    if len(right) >= _least_leak(right) and re.search(rf"(?<!\w){re.escape(right)}{end}", fold(question)):
        return "answer-in-question"
    return None


def _least_leak(right: str) -> int:
    return LEAST_LEAK if right.isascii() else LEAST_SYLLABLES


def shuffled(options: list[str], key: int, seed: int, *parts: object) -> tuple[tuple[str, ...], int]:
    """The options turned so that the key's place is drawn evenly by seed: writers love some letters."""
    turn = seeded(seed, "place", *parts) % len(options)
    turned = options[turn:] + options[:turn]
    return tuple(turned), (key - turn) % len(options)


def text_evidence(draft: Draft, text: str, base: Evidence | None, span: Span | None) -> Evidence | None:
    """Where the writer says the answer is seen, as far as it holds: the quote counts only where it stands in `text`,
    times only inside the scene. None where nothing holds and no page is known."""
    quote = one_line(draft.quote)
    match = "none"
    if quote and quote in one_line(text):
        match = "exact"
    elif quote and fold(quote) in fold(text):
        match = "normalised"
    seconds = span
    if draft.start is not None and draft.end is not None and span is not None:
        inside = span.start <= draft.start < draft.end <= span.end
        seconds = Span(draft.start, draft.end) if inside else span
    if base is None and seconds is None and match == "none":
        return None
    return Evidence.model_validate(
        {
            "page": None if base is None else base.page,
            "image": 0 if base is None else base.image,
            "span": seconds,
            "match": match,
            "confidence": 1.0 if match == "exact" else 0.98 if match == "normalised" else 0.0,
            "quote": quote if match != "none" else "",
        }
    )
