"""The refinement loop (CinePile 2.0, arXiv 2405.08813, mended): a weak question is rewritten until a blind judge no
longer finds its answer, `tries` calls of the rewriter at most.

One try: the rewriter sees the context, the question, and how the blind judge found the answer, in its words from an
order in which it was *right*. Its form is checked; its key must be confirmed by a third model that sees the context;
only then is it put to the blind judge, in every rotation. The next try starts from the last candidate whose key held.
A question that is not fixed keeps its original wording.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from sightline.core.fingerprint import seeded
from sightline.core.message import Request
from sightline.core.ports import LM
from sightline.core.sample import Choice, Item, Rejected
from sightline.lm import structured
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, blind_votes
from sightline.recipes.adversarial_qa.drafts import Draft, key_of, one_line, problem, shuffled, text_evidence
from sightline.recipes.adversarial_qa.items import Refined, Sees, Try, Votes
from sightline.recipes.adversarial_qa.keys import KeyConfig, check_keys
from sightline.recipes.adversarial_qa.prompts import Shown, bad_form, no_form, rewrite_prompt
from sightline.verify.folding import fold


class RewriteConfig(BaseModel):
    """What decides a refinement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blind: BlindConfig
    keys: KeyConfig
    writer: str
    tries: int = Field(default=5, ge=1)
    """Calls of the rewriter per question, at most; a reply that cannot be used is one of them."""
    sees: Sees = "text"
    temperature: float = 0.8
    """As published; each try has a seed of its own."""
    max_tokens: int = 1024
    seed: int = 0


@dataclass(slots=True)
class _Work:
    """One weak question under way."""

    item: Refined
    current: Choice
    votes: Votes
    tries: list[Try] = field(default_factory=list)
    refused: str = ""
    done: Refined | Rejected | None = None

    def fail(self, reason: str, error: str) -> None:
        self.done = Rejected(reason=reason, evidence={"error": error, "question": self.item.original.question})

    def note(self, candidate: Choice | None, outcome: str, detail: str = "") -> None:
        said = {} if candidate is None else candidate.model_dump(include={"question", "options", "answer"})
        self.tries.append(Try.model_validate({"outcome": outcome, "detail": detail} | said))
        self.refused = detail if outcome in ("malformed", "key-refused") else ""

    def settle(self, outcome: str, final: Choice, after: Votes | None) -> None:
        update = {"tries": tuple(self.tries), "outcome": outcome, "final": final, "after": after}
        self.done = self.item.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Gives every question back; weak ones fixed, or unfixed and as they were. A failed request refuses the question
    for this run only: the next run goes on from the replies that were already given."""

    config: RewriteConfig
    blind: LM
    writer: LM
    verifier: LM
    picture: Callable[[str], bytes]
    name: ClassVar[str] = "rewrite"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Refined
    gives: ClassVar[type[Item]] = Refined

    def batch(self, items: Sequence[Refined], /) -> Iterator[Sequence[Refined | Rejected]]:
        works = [_Work(item, item.original, item.before) for item in items]
        for work in works:
            if work.item.outcome != "weak":
                work.done = work.item
            elif Shown(work.current, self.config.sees, self.picture).nothing:
                work.settle("unfixed", work.item.original, None)  # nothing to write from, nothing to check a key by
        given = 0
        for number in range(1, self.config.tries + 1):
            given = yield from _finished(works, given)
            open_works = [work for work in works if work.done is None]
            if open_works:
                self._once(open_works, number)
        for work in works:
            if work.done is None:
                work.settle("unfixed", work.item.original, None)
        yield from _finished(works, given)

    def _once(self, works: list[_Work], number: int) -> None:
        """One try for each: write, check the key, test blind."""
        written = self._written(works, number)
        verdicts = check_keys([new for _, new in written], self.verifier, self.config.keys, self.picture)
        sure: list[tuple[_Work, Choice]] = []
        for (work, candidate), verdict in zip(written, verdicts, strict=True):
            if verdict.error is not None:
                work.fail("verifier-failed", verdict.error)
            elif not verdict.confirmed:
                work.note(candidate, "key-refused", verdict.detail)
            else:
                sure.append((work, candidate))
        results = blind_votes((new for _, new in sure), self.blind, self.config.blind)
        for (work, candidate), votes in zip(sure, results, strict=True):
            self._judged(work, candidate, votes)

    def _judged(self, work: _Work, candidate: Choice, votes: Votes | str) -> None:
        if isinstance(votes, str):
            work.fail("blind-failed", votes)
        elif votes.weak is None:
            work.note(candidate, "undecided", "the blind judge's replies could not be read")
        elif votes.weak:
            work.note(candidate, "still-weak")
            work.current, work.votes = candidate, votes
        else:
            work.note(candidate, "fixed")
            work.settle("fixed", candidate, votes)

    def _written(self, works: list[_Work], number: int) -> list[tuple[_Work, Choice]]:
        """Candidates of good form; every other reply is a try spent."""
        requests = (
            rewrite_request(work.current, work.votes, self.config, self.picture, number, work.refused) for work in works
        )
        out = []
        for work, said in zip(works, structured(self.writer, requests, Draft, tries=1), strict=True):
            error = said.replies[-1].error
            if error is not None:
                work.fail("writer-failed", error)
            elif said.value is None:
                work.note(None, "malformed", no_form(said.failures[-1], work.current.language))
            else:
                candidate = rewritten(work.item.original, said.value, self.config.seed, number)
                if isinstance(candidate, str):
                    work.note(None, "malformed", bad_form(candidate, work.current.language))
                else:
                    out.append((work, candidate))
        return out


@dataclass(frozen=True, slots=True)
class Unfixed:
    """Where there is no rewriter: weak questions are found, and stay as they are."""

    config: None = None
    name: ClassVar[str] = "keep-weak"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Refined
    gives: ClassVar[type[Item]] = Refined

    def batch(self, items: Sequence[Refined], /) -> Iterator[Sequence[Refined]]:
        for item in items:
            yield [item.model_copy(update={"outcome": "unfixed"}) if item.outcome == "weak" else item]


def rewrite_request(
    current: Choice, votes: Votes, config: RewriteConfig, picture: Callable[[str], bytes], number: int, refused: str
) -> Request:
    """One try for a question that a judge found weak; `refused` is what was wrong with the last one."""
    prompt = rewrite_prompt(
        Shown(current, config.sees, picture),
        current,
        sum(vote is True for vote in votes.votes),
        len(votes.chosen),
        votes.reason,
        refused,
    )
    return Request(
        messages=(prompt,),
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=seeded(config.seed, "rewrite", current.id, number) % 2**31,
    )


def rewritten(original: Choice, draft: Draft, seed: int, number: int) -> Choice | str:
    """The original with another wording and key, or what is wrong with the draft."""
    question, options = one_line(draft.question), [one_line(option) for option in draft.options]
    key = key_of(draft.answer, len(options))
    wrong = problem(question, options, key, len(original.options))
    if wrong is not None:
        return wrong
    assert key is not None
    if fold(question) == fold(original.question) and set(map(fold, options)) == set(map(fold, original.options)):
        return "unchanged"
    turned, place = shuffled(options, key, seed, original.id, number)
    evidence = original.evidence
    if fold(turned[place]) != fold(original.options[original.answer]):
        evidence = text_evidence(draft, original.context, evidence, evidence.span if evidence else None)
    return original.model_copy(
        update={
            "question": question,
            "options": turned,
            "answer": place,
            "rationale": one_line(draft.rationale),
            "evidence": evidence,
        }
    )


def _finished(works: list[_Work], given: int) -> Generator[list[Refined | Rejected], None, int]:
    """What is settled and whose turn has come; returns how many were given in all."""
    while given < len(works) and (done := works[given].done) is not None:
        yield [done]
        given += 1
    return given
