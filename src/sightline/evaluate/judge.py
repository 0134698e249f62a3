"""LAVE: a language model rates answers against references (Manas et al. 2024, arXiv 2310.02567).

A rating r of 1, 2 or 3 becomes (r - 1) / 2. A reply without a readable rating is `unparsed`: a state of its own,
counted, shown under three treatments, never silently one half. A failed request is no reply at all and is counted
apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import InputError
from sightline.core.fingerprint import fingerprint
from sightline.core.message import Message, Reply, Request
from sightline.core.ports import LM
from sightline.core.score import Score
from sightline.evaluate.judge_prompts import BINARY, WORDINGS, Demonstration, Language, Wording
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, checked, signature

State = Literal["1", "2", "3", "unparsed", "failed"]


class LaveConfig(BaseModel):
    """What decides the judge's question."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: Language = "en"
    """Of the instructions and demonstrations."""
    shots: int = 8
    """Demonstrations shown, the first n; at most as many as there are (8 general, 5 or 4 for yes/no)."""
    rationale: bool = True
    """Reason before rating: the paper's default, and what lets a person check the judge."""
    filter_references: bool = True
    """Drop references whose count is at most 25 % of the most frequent one's."""
    max_tokens: int = 200
    """Reasons are one or two sentences; a reply cut off here has no rating and is unparsed."""

    @property
    def prompt_hash(self) -> str:
        """Of everything that is sent besides the item."""
        return fingerprint([self, WORDINGS[self.language]])[:12]


class Verdict(BaseModel):
    """What the judge said about one answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: State
    text: str = ""
    """The judge's own words; the failure where there are none."""

    @property
    def value(self) -> float | None:
        """(r - 1) / 2, or None."""
        return (int(self.state) - 1) / 2 if self.state in ("1", "2", "3") else None


class LaveResult(BaseModel):
    """Scores under three treatments of unreadable replies, and what they were made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score: Score | None
    """Unreadable replies left out; None where nothing was readable."""
    as_zero: Score | None
    """Unreadable replies count 0."""
    as_half: Score | None
    """Unreadable replies count 0.5, as the authors' code does without saying so."""
    ratings: dict[State, int]
    judge: str
    prompt_hash: str
    verdicts: tuple[Verdict, ...]


def lave(
    lm: LM,
    questions: Sequence[str],
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    config: LaveConfig | None = None,
    captions: Sequence[str | None] | None = None,
    groups: Groups | None = None,
) -> LaveResult:
    """Rate every prediction. Raises InputError on missing or non-text input, and whatever the judge raises."""
    checked(predictions, references)
    config = config or LaveConfig()
    captions = captions or [None] * len(predictions)
    items = zip(questions, predictions, references, captions, strict=True)
    requests = [request(q, p, r, config=config, caption=c) for q, p, r, c in items]
    return summary([verdict(reply) for reply in lm.replies(requests)], lm.name, config, groups)


def request(
    question: str, prediction: str, references: Sequence[str], *, config: LaveConfig, caption: str | None = None
) -> Request:
    """The judge's question about one answer; greedy."""
    wording = WORDINGS[config.language]
    kept = kept_references(references) if config.filter_references else list(references)
    binary = is_binary(references)
    rules = [wording.task, wording.caption_rule if caption else "", wording.reason_rule if config.rationale else ""]
    blocks = [" ".join(rule for rule in [*rules, wording.binary_rule] if rule)]
    shown = (wording.binary if binary else wording.general)[: config.shots]
    blocks += [_demonstration(shot, wording, config.rationale) for shot in shown]
    blocks.append(_item(question, kept, prediction, wording, caption))
    prompt = "\n\n".join(blocks)
    return Request(messages=(Message.of("user", prompt),), max_tokens=config.max_tokens, temperature=0.0)


def kept_references(references: Sequence[str]) -> list[str]:
    """Different references, sorted, without those at most a quarter as frequent as the top one (counted as written).

    >>> kept_references(["cat"] * 8 + ["dog"] * 2 + ["cats"] * 3)
    ['cat', 'cats']
    """
    counts = Counter(references)
    top = max(counts.values())
    return sorted(text for text, count in counts.items() if count > 0.25 * top or top == 1)


def is_binary(references: Sequence[str]) -> bool:
    """Is the most frequent reference yes or no (lower-cased, without a final period)?"""
    return Counter(references).most_common(1)[0][0].strip().lower().removesuffix(".") in BINARY


def _item(
    question: str, references: Sequence[str], candidate: str, wording: Wording, caption: str | None = None
) -> str:
    lines = [f"{wording.caption}: {caption}"] if caption else []
    quoted = ", ".join(f"'{text}'" for text in sorted(references))
    lines += [f"{wording.question}: {question}", f"{wording.references}: {quoted}"]
    return "\n".join([*lines, f"{wording.candidate}: {candidate}", f"{wording.output}:"])


def _demonstration(shot: Demonstration, wording: Wording, rationale: bool) -> str:
    said = f" {shot.reason} {wording.verdict}{shot.rating}" if rationale else f" {shot.rating}"
    return _item(shot.question, shot.references, shot.candidate, wording) + said


_LABEL = r"(?:ratings?|rated?|scores?|scored|평점|점수|등급|별점)"
_FILLER = r"(?:is|of|as|would be|should be|it|this|that|candidate|answer|the|a|at|to)"
_LINK = rf"[\s\"'*_`:=는은이가을를]*(?:{_FILLER}\b[\s\"'*:=]*)*"
_STATED = re.compile(
    rf"(?P<no>(?:not|아닌)\s+(?:a\s+)?)?(?<!\w){_LABEL}{_LINK}(?P<r>-?\d+(?:\.\d+)?|one|two|three)", re.I
)
_GIVEN = re.compile(r"\b(?:give|assign|deserves?|gets?)\b[^.\n\d]{0,40}?(?P<r>-?\d+(?:\.\d+)?)(?!\w)", re.I)
_POINTS = re.compile(r"(?<![\d.])(?P<r>\d+(?:\.\d+)?)\s*(?:점|/\s*3(?![\d.])|out of 3)", re.I)
_BARE = re.compile(r"^\W*(?P<r>\d)\W*$")
_OTHER = re.compile(r"\s*(?:or|and|to|-|~|또는|혹은|에서)\s*\d", re.I)
_WORDS = {"one": "1", "two": "2", "three": "3"}


def read_rating(text: str) -> State:
    """The last rating that is stated: "1", "2", "3", or "unparsed" for none, for two at once ("2 or 3") and for a
    number that is no rating ("2.5", "4"). English and Korean; sentences, JSON, "2/3" and bold type are read.

    >>> read_rating("Both are dogs. So rating=3 (correct).")
    '3'
    >>> read_rating("I would need to see the image.")
    'unparsed'
    """
    for pattern in (_STATED, _GIVEN, _POINTS):
        found = [m for m in pattern.finditer(text) if not m.groupdict().get("no")]
        if found:
            return _as_state(found[-1]["r"], text[found[-1].end("r") :])
    lines = [line for line in text.strip().splitlines() if line.strip()]
    bare = _BARE.match(lines[-1]) or _BARE.match(lines[0]) if lines else None
    return _as_state(bare["r"], "") if bare else "unparsed"


def _as_state(number: str, after: str) -> State:
    digit = _WORDS.get(number.lower(), number)
    if digit.endswith(".0"):
        digit = digit[:-2]
    if _OTHER.match(after):
        return "unparsed"
    match digit:
        case "1":
            return "1"
        case "2":
            return "2"
        case "3":
            return "3"
    return "unparsed"


def verdict(reply: Reply) -> Verdict:
    """A reply as a state."""
    if not reply.ok:
        return Verdict(state="failed", text=str(reply.error))
    return Verdict(state=read_rating(reply.text), text=reply.text)


def summary(verdicts: Sequence[Verdict], judge: str, config: LaveConfig, groups: Groups | None = None) -> LaveResult:
    """Scores, histogram and provenance. Failed requests are left out of every score and stand in `ratings`."""
    if not verdicts:
        raise InputError("nothing was judged")
    facts = signature("lave", judge=judge, prompt=config.prompt_hash, shots=config.shots, lang=config.language, temp=0)
    states: tuple[State, ...] = ("1", "2", "3", "unparsed", "failed")
    counts = Counter(v.state for v in verdicts)

    def treated(instead: float | None, name: str) -> Score | None:
        rows = [(v.value if v.value is not None else instead, i) for i, v in enumerate(verdicts) if v.state != "failed"]
        kept = [(value, i) for value, i in rows if value is not None]
        if not kept:
            return None
        chosen = None if groups is None else [groups[i] for _, i in kept]
        return score("lave", Totals.of_mean([value for value, _ in kept]), f"{facts}|unparsed:{name}", chosen)

    return LaveResult(
        score=treated(None, "dropped"),
        as_zero=treated(0.0, "0"),
        as_half=treated(0.5, "0.5"),
        ratings={state: counts[state] for state in states},
        judge=judge,
        prompt_hash=config.prompt_hash,
        verdicts=tuple(verdicts),
    )
