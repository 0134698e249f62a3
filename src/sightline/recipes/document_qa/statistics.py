"""The six figures per prompt style that Docmatix chose its prompts by (huggingface/docmatix, analysis; its blog post:
more than about 4 pairs per page overlap, fewer lack detail)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Asked(NamedTuple):
    """One pair, as far as the statistics look at it."""

    style: str
    document: str
    """Anything that tells documents apart, e.g. the file's hash."""
    page: int | None
    """None where the pair is tied to no page; it then counts as a page of its own per document."""
    question: str
    answer: str


class PromptStatistics(NamedTuple):
    """One style's figures. Questions count as the same when they differ in case and blanks only."""

    style: str
    pairs: int
    answer_length: float
    """Mean, in characters."""
    diversity: float
    """Different questions per question within a document, mean over documents: 1 means nothing is asked twice."""
    empty_questions: int
    pairs_per_page: float
    """Over the pages that have a pair of this style."""
    unique_questions: int
    """Over the whole dataset."""


def prompt_statistics(rows: Iterable[Asked]) -> list[PromptStatistics]:
    """One row per style, most pairs first. Reads `rows` once; holds hashes, never texts.

    >>> prompt_statistics([Asked("lm/broad", "a.pdf", 0, "Who?", "Anna"), Asked("lm/broad", "a.pdf", 0, "who?", "An")])
    [PromptStatistics(style='lm/broad', pairs=2, answer_length=3.0, diversity=0.5, empty_questions=0, \
pairs_per_page=2.0, unique_questions=1)]
    """
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for row in rows:
        tallies[row.style].add(row)
    statistics = [tally.statistics(style) for style, tally in tallies.items()]
    return sorted(statistics, key=lambda figures: (-figures.pairs, figures.style))


@dataclass(slots=True)
class _Tally:
    pairs: int = 0
    letters: int = 0
    empty: int = 0
    questions: set[int] = field(default_factory=set)
    pages: set[tuple[str, int | None]] = field(default_factory=set)
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    distinct: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def add(self, row: Asked) -> None:
        self.pairs += 1
        self.letters += len(row.answer)
        self.pages.add((row.document, row.page))
        self.asked[row.document] += 1
        folded = " ".join(row.question.casefold().split())
        if folded:
            self.questions.add(hash(folded))
            self.distinct[row.document].add(hash(folded))
        else:
            self.empty += 1

    def statistics(self, style: str) -> PromptStatistics:
        shares = [len(self.distinct[document]) / asked for document, asked in self.asked.items()]
        return PromptStatistics(
            style=style,
            pairs=self.pairs,
            answer_length=self.letters / self.pairs,
            diversity=sum(shares) / len(shares),
            empty_questions=self.empty,
            pairs_per_page=self.pairs / len(self.pages),
            unique_questions=len(self.questions),
        )
