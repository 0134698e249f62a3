"""Where an answer stands on its page: exact before normalised before value before fuzzy.

`confidence` = match x (0.7 + 0.3 x support), where match is 1.0 exact, 0.98 normalised, 0.95 value (0.8 where the page
writes the answer's unit elsewhere, as tables do, 0.5 where it writes it nowhere) and 0.9 x ratio fuzzy; support is the
share of the question's content words around the place (`support`), 1.0 where no question is given. So an exact match
asked for without a question has confidence 1, and one far from every word of its question 0.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from sightline.core.media import Evidence
from sightline.core.sample import Page
from sightline.verify.boundary import stands_alone
from sightline.verify.dates import Day
from sightline.verify.folding import fold
from sightline.verify.fuzzy import best_window
from sightline.verify.page_index import PageIndex
from sightline.verify.question_words import anchors
from sightline.verify.surroundings import support_at
from sightline.verify.values import Quantity, same_value, unit_agrees, value_of

SUPPORT_SHARE = 0.3
_QUOTES = " \"'()[]{}*"
PUNCTUATION = _QUOTES + ".,;:!?"


class Place(NamedTuple):
    """Where an answer was found: folded[start:end] of its `PageIndex`."""

    start: int
    end: int
    match: Literal["exact", "normalised", "value", "fuzzy"]
    strength: float
    support: float = 1.0

    @property
    def confidence(self) -> float:
        """See the module's text."""
        return round(self.strength * (1 - SUPPORT_SHARE + SUPPORT_SHARE * self.support), 4)

    def evidence(self, index: PageIndex) -> Evidence:
        """With page, boxes and quote."""
        return Evidence(
            page=index.page.index,
            boxes=index.boxes(self.start, self.end),
            match=self.match,
            confidence=self.confidence,
            quote=index.quote(self.start, self.end),
        )


def locate(answer: str, page: Page | PageIndex, *, near: str = "") -> Evidence:
    """The best place of `answer` on the page; `match="none"`, confidence 0 where it does not stand there.

    `near` is the question: of several places the one with most of its words around wins. Keep a `PageIndex` when one
    page is asked several times. A digit, sign, unit or negation that differs is never matched. Boxes: one per printed
    line, whole words even where the answer is a part of one ("529.87" in "529.87EUR,").
    """
    index = page if isinstance(page, PageIndex) else PageIndex(page)
    place = find(answer, index, near=near)
    return Evidence(page=index.page.index) if place is None else place.evidence(index)


def find(answer: str, index: PageIndex, *, near: str = "") -> Place | None:
    """`locate` for those who go on working at the place."""
    pointers = anchors(near)
    best: Place | None = None
    for place in _places(answer, index):
        around = support_at(pointers, index.word_at(place.start), index.word_at(place.end - 1), index)
        place = place._replace(support=around)
        if best is None or place.confidence > best.confidence:
            best = place
    return best


def locate_in(answer: str, pages: Sequence[Page | PageIndex], near: str = "") -> Evidence:
    """The best place over several pages; `image` is the position of that page in `pages`. The first of equals wins."""
    best = Evidence()
    for image, page in enumerate(pages):
        found = locate(answer, page, near=near)
        if found.confidence > best.confidence:
            best = found.model_copy(update={"image": image})
    return best


def _places(answer: str, index: PageIndex) -> Iterator[Place]:
    """All places of the strongest kind of match there is."""
    needle = fold(answer)
    bare = needle.strip(PUNCTUATION)
    places: list[Place] = []
    for spelling in dict.fromkeys((needle, needle.strip(_QUOTES), bare)):
        places = places or list(_textual(answer, spelling, index))
    if not places and bare:
        asked = value_of(needle)
        if asked is not None:
            places = list(_valued(asked, index))
        else:
            window = best_window(answer, bare, index.folded)
            places = [] if window is None else [Place(window.start, window.end, "fuzzy", 0.9 * window.ratio)]
    yield from places


def _textual(answer: str, needle: str, index: PageIndex) -> Iterator[Place]:
    plain = " ".join(answer.split())
    for start in index.occurrences(needle):
        end = start + len(needle)
        if not stands_alone(index.folded, start, end):
            continue
        if index.quote(start, end) == plain:
            yield Place(start, end, "exact", 1.0)
        else:
            yield Place(start, end, "normalised", 0.98)


def _valued(asked: Quantity | Day, index: PageIndex) -> Iterator[Place]:
    for found in index.values:
        if not same_value(asked, found.value):
            continue
        strength = 0.95
        if not unit_agrees(asked, found.value):
            strength = 0.8 if isinstance(asked, Quantity) and asked.unit in index.units else 0.5
        yield Place(found.start, found.end, "value", strength)
