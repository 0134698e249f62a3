"""The embedded writer: questions and answers from a page's own layout, without any model.

Every answer is a run of the page's words and says so (`kind` extractive, style "layout/..."). It asks little rather
than wrongly: a page on which no rule is sure gets no question.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from random import Random

from sightline.core.fingerprint import seeded
from sightline.recipes.document_qa.items import Chunk, Draft
from sightline.recipes.document_qa.layout.captions import captions
from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.fields import fields
from sightline.recipes.document_qa.layout.headings import headings
from sightline.recipes.document_qa.layout.key_values import key_values
from sightline.recipes.document_qa.layout.phrases import PHRASES, question
from sightline.recipes.document_qa.layout.prose import prose
from sightline.recipes.document_qa.layout.sentences import parted
from sightline.recipes.document_qa.layout.tables import tables
from sightline.recipes.document_qa.layout.view import View, breaks_words, running_heads, view
from sightline.recipes.document_qa.layout.words import ABBREVIATIONS

FINDERS = (key_values, fields, captions, headings, tables)
MAX_WORDS = 25
KS_BYTES = 2
_HANGUL = re.compile("[가-힣]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Hebrew, Arabic and their kin: PDFs hold such words, and some of their letters, in the order they are drawn."""


class LayoutWriter:
    """Writes up to `pairs_per_page` questions about each page of a chunk; the same chunk and seed give the same."""

    name = "layout"

    def __init__(self, pairs_per_page: int = 4, seed: int = 0) -> None:
        self.pairs_per_page = pairs_per_page
        self.seed = seed

    def drafts(self, chunk: Chunk) -> list[Draft]:
        """Questions in the chunk's language, none twice in the chunk; empty where nothing is worth asking."""
        heads = running_heads(chunk.pages)
        language = chunk.language if chunk.language in PHRASES else "en"
        views = [view(page, heads) for page in chunk.pages]
        torn = breaks_words(views)
        drafts = [draft for seen in views for draft in self._page(replace(seen, torn=torn), language)]
        asked = Counter(draft.question for draft in drafts)
        return [draft for draft in drafts if asked[draft.question] == 1]

    def _page(self, seen: View, language: str) -> list[Draft]:
        page = seen.page
        draw = Random(seeded(self.seed, "layout", page.source.sha256, page.index))
        asked: dict[str, tuple[Fact, Draft]] = {}
        facts = [fact for find in FINDERS for fact in find(seen)] + prose(seen, language)
        facts = [fact for fact in facts if not any(parted(seen, i) for i in range(fact.start + 1, fact.stop))]
        facts = [fact for fact in facts if not (language == "en" and fact.style == "caption" and _is_korean(fact))]
        for fact in facts:
            words = question(fact, language, draw.randrange(1 << 30))
            answer = tidy(fact.part or seen.words(fact.start, fact.stop))
            if _sound(words, answer):
                draft = Draft(question=words, answer=answer, page=page.index, style=f"layout/{fact.style}")
                asked.setdefault(words, (fact, draft))
        chosen: list[Draft] = []
        told: set[int] = set()
        for fact, draft in _in_turn(list(asked.values()), draw):
            if told.isdisjoint(range(fact.start, fact.stop)):
                told.update(range(fact.start, fact.stop))
                chosen.append(draft)
        return chosen[: self.pairs_per_page]


def _in_turn(asked: list[tuple[Fact, Draft]], draw: Random) -> list[tuple[Fact, Draft]]:
    """One of each style, then the next of each; within a style the sure ones first, else in the drawn order."""
    styles = sorted({fact.style for fact, _ in asked})
    draw.shuffle(styles)
    draw.shuffle(asked)
    asked.sort(key=lambda pair: pair[0].rank)
    turns: Counter[str] = Counter()
    keyed = []
    for pair in asked:
        style = pair[0].style
        keyed.append(((turns[style], pair[0].rank, styles.index(style)), pair))
        turns[style] += 1
    keyed.sort(key=lambda entry: entry[0])
    return [pair for _, pair in keyed]


def tidy(answer: str) -> str:
    """Without the punctuation that belongs to the sentence around it.

    >>> tidy("2020-12-12."), tidy("Sample Trading Co."), tidy("571.04 €,")
    ('2020-12-12', 'Sample Trading Co.', '571.04 €')
    """
    answer = answer.strip(" ,;:")
    if answer.endswith(")") and answer.count(")") > answer.count("("):
        answer = answer[:-1].rstrip()
    last = answer.rsplit(" ", 1)[-1].casefold()
    if (
        answer.endswith(".")
        and last not in ABBREVIATIONS
        and not (len(last) > 2 and "." in last[:-1] and last[0].isalpha())
    ):
        answer = answer[:-1]
    return answer.strip()


def _sound(words: str, answer: str) -> bool:
    """Something to say, not too long, and not given away by the question."""
    if not answer or len(answer.split()) > MAX_WORDS or "\ufffd" in answer or "\ufffd" in words:
        return False
    if _is_broken(words) or _is_broken(answer) or _RIGHT_TO_LEFT.search(words + answer):
        return False
    return f" {_bare(answer)} " not in f" {_bare(words)} "


def _is_korean(fact: Fact) -> bool:
    return any(_HANGUL.search(value) for _, value in fact.slots)


def _is_broken(text: str) -> bool:
    """Two Hangul syllables or more that Korean hardly uses (none of the 2,350 of KS X 1001, which EUC-KR writes in two
    bytes): the font's letters are not what they seem."""
    return sum(len(letter.encode("euc_kr")) > KS_BYTES for letter in text if "가" <= letter <= "힣") > 1


def _bare(text: str) -> str:
    return " ".join([bare for word in text.casefold().split() if (bare := word.strip("\"'.,?()[]:;"))])
