"""Two judges, both optional, both independent of the writer.

The *sighted* judge answers the question from the page alone, never seeing the writer's answer; score = how well the two
answers agree. The *blind* judge gets the question without the page; score = 1 - agreement, so that 1 says "cannot be
answered without looking". A reply that says the page does not answer counts as disagreement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sightline import verify
from sightline.core.message import Message, Picture, Reply, Request
from sightline.core.ports import LM
from sightline.core.sample import Item, Rejected
from sightline.recipes.document_qa.items import Chunk, Pair
from sightline.recipes.document_qa.prompts import framed

_SIGHTED = {
    "en": "Answer the question from this page alone, in as few words as the page allows. "
    "Reply UNKNOWN if the page does not answer it.",
    "ko": "이 페이지의 내용만으로 질문에 되도록 짧게 답하십시오. 페이지에서 답할 수 없으면 UNKNOWN이라고만 쓰십시오.",
}
_BLIND = {
    "en": "Answer the question in as few words as you can. You cannot see the document it was asked about. "
    "Reply UNKNOWN if you cannot know the answer.",
    "ko": "질문에 되도록 짧게 답하십시오. 질문의 바탕이 된 문서는 볼 수 없습니다. "
    "알 수 없으면 UNKNOWN이라고만 쓰십시오.",
}


class JudgeConfig(BaseModel):
    """How a judge is asked and what its score means for a pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["judge", "blind"]
    """"judge" sees the page, "blind" does not."""
    lm: str
    """Name of the model: part of the ledger key, stated in the record of the run."""
    see: Literal["text", "picture", "both"] = "text"
    """What a sighted judge is shown of the page."""
    minimum: float | None = None
    """Pairs that score below are rejected; None keeps all and only writes the score."""
    max_tokens: int = 128


@dataclass(frozen=True, slots=True)
class JudgePairs:
    """Scores each pair by one judge; a failed request rejects the pair for this run only (the next run asks again)."""

    config: JudgeConfig
    lm: LM
    chunk: Callable[[str], Chunk]
    """Chunk by key: where the page's words stand."""
    picture: Callable[[str], bytes]
    """Encoded picture by hash."""
    name: ClassVar[str]
    version: ClassVar[int] = 3
    takes: ClassVar[type[Item]] = Pair
    gives: ClassVar[type[Item]] = Pair

    def batch(self, items: Sequence[Pair], /) -> Iterator[Sequence[Pair | Rejected]]:
        for pair, reply in zip(items, self.lm.replies(self._request(pair) for pair in items), strict=True):
            yield [self._scored(pair, reply)]

    def _request(self, pair: Pair) -> Request:
        config = self.config
        if config.role == "blind":
            text = f"{_BLIND[pair.language]}\n\n{pair.question}"
            return Request(messages=(Message.of("user", text),), max_tokens=config.max_tokens)
        words = None if config.see == "picture" else self._words(pair)
        picture = None
        if config.see != "text":
            ref = pair.images[pair.evidence.image]
            picture = Picture(ref=ref, data=self.picture(ref.sha256))
        return sighted_request(pair.question, words, pair.language, picture, config.max_tokens)

    def _words(self, pair: Pair) -> str:
        pages = self.chunk(pair.parents[0]).pages
        return "\n\n".join(page.text for page in pages if page.index == pair.evidence.page)

    def _scored(self, pair: Pair, reply: Reply) -> Pair | Rejected:
        config = self.config
        if not reply.ok:
            evidence = {"error": reply.error, "question": pair.question}
            return Rejected(reason=f"{config.role}-failed", origin=pair.origin, evidence=evidence)
        said = reply.text.strip()
        same = sighted_score(pair.answer, said)
        score = round(same if config.role == "judge" else 1.0 - same, 4)
        if config.minimum is not None and score < config.minimum:
            return Rejected(
                reason="judge-disagrees" if config.role == "judge" else "answerable-blind",
                origin=pair.origin,
                evidence={
                    "question": pair.question,
                    "answer": pair.answer,
                    "reply": said[:500],
                    "score": score,
                    "minimum": config.minimum,
                },
            )
        return pair.model_copy(update={"scores": pair.scores | {config.role: score}})


def sighted_request(
    question: str, words: str | None, language: str, picture: Picture | None = None, max_tokens: int = 128
) -> Request:
    """Ask a question about a page given as its words, its picture or both; never shows the answer to be judged."""
    told = f"{_SIGHTED[language]}\n\n{question}"
    if words is not None:
        told = framed(words, told, language)
    shown = [] if picture is None else [picture]
    return Request(messages=(Message.of("user", *shown, told),), max_tokens=max_tokens)


def sighted_score(answer: str, reply: str) -> float:
    """0..1: agreement of the judge's reply with the answer; 0 where it says that the page does not answer."""
    unknown = reply.strip().upper().rstrip(".") == "UNKNOWN" or verify.is_refusal(reply)
    return 0.0 if unknown else verify.agreement(answer, reply)


class SightedJudge(JudgePairs):
    """Sees the page."""

    name: ClassVar[str] = "judge"


class BlindJudge(JudgePairs):
    """Does not see the page."""

    name: ClassVar[str] = "blind"
