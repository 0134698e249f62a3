"""What a short form stands for, where the page writes both side by side: "World Health Organization (WHO)",
"LVM(Logical Volume Manager)". Only where the letters are the words' initials, so that nothing is guessed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import Sentence

_SHORT_BEHIND = re.compile(r" \([“\"‘']{0,2}(?P<short>[A-Z][A-Za-z]{0,6}[A-Z])s?[”\"’']{0,2}[,;)]")
_WORD = re.compile(r"[A-Za-z][\w'’/–-]*")
_REACH = 80
"""Letters looked back for the words: nine long ones."""
_SHORT_BEFORE = re.compile(
    r"(?<![\w-])(?P<short>[A-Z]{2,7})s? ?\( ?[“\"‘']?(?P<long>[A-Za-z][\w'’-]*(?: [A-Za-z][\w'’-]*){1,7})[”\"’']? ?\)"
)
_SMALL = frozenset(["of", "and", "the", "for", "in", "on", "to", "a", "an", "de", "&"])


def acronyms(page: Sentence) -> list[Fact]:
    """Facts of the whole page's text; a short form that is explained twice in different words is left out."""
    found = [*_behind(page), *_before(page)]
    shorts = Counter(short for short, _, _ in found)
    facts = []
    for short, begin, end in found:
        if shorts[short] == 1 and page.whole(begin, end):
            first, stop = page.place(begin, end)
            facts.append(Fact("acronym", "acronym", (("short", short),), first, stop, part=page.text[begin:end]))
    return facts


def _behind(page: Sentence) -> Iterator[tuple[str, int, int]]:
    for match in _SHORT_BEHIND.finditer(page.text):
        end = match.start()
        words = page.text[max(0, end - _REACH) : end].split(" ")
        for count in range(2, min(len(words), 9) + 1):
            if not _WORD.fullmatch(words[-count]) or not _WORD.fullmatch(words[-1]):
                break
            if _initials_fit(words[-count:], match["short"]):
                yield match["short"], end - len(" ".join(words[-count:])), end
                break


def _before(page: Sentence) -> Iterator[tuple[str, int, int]]:
    for match in _SHORT_BEFORE.finditer(page.text):
        if _initials_fit(match["long"].split(), match["short"]):
            yield match["short"], *match.span("long")


def _initials_fit(words: list[str], short: str) -> bool:
    """Each letter opens a word or a hyphened part, in order; only small words are passed over, none at the ends."""
    if words[0].lower() in _SMALL:
        return False
    parts = [part for word in words for part in re.split(r"[-–/]", word) if part]
    letters = short.lower()
    full = "".join([part[0].lower() for part in parts])
    return letters in (full, "".join([part[0].lower() for part in parts if part.lower() not in _SMALL]))
