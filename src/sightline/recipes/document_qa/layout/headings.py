"""Heading facts: titles, numbered sections, which section follows, which heading a passage stands under.

Fonts are not known here: a heading is a short line of its own that is larger than the page's ordinary words, or that
carries a section number.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

from sightline.recipes.document_qa.layout.captions import CAPTION
from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import QUOTE, parted
from sightline.recipes.document_qa.layout.values import LETTERS, is_numeric
from sightline.recipes.document_qa.layout.view import FEW_LETTERS, Run, View
from sightline.recipes.document_qa.layout.words import LOOSE_ENDS

LARGER = 1.15
_CONTENTS = re.compile(r"(?:table of )?contents|index|목 ?차|차 ?례", re.IGNORECASE)
"""No title of a document."""
TITLE = 1.4
MAX_WORDS = 18
MAX_LINES = 3
OPENING_WORDS = 8
PASSAGE_WORDS = 15
SLIDE_WORDS = 3
SLIDE_TYPE = 0.024
"""Least size of a slide's ordinary words, in heights of the page: 13 points of 540."""
SLIDE_RUNS = 60
"""A landscape page with more is a table or a map, no slide."""
_NUMBER = re.compile(
    r"(?P<word>(?:SECTION|Section|Chapter|CHAPTER|Part|PART) )?(?P<number>\d{1,2}(?:\.\d{1,2}){0,3})(?P<dot>[.:]?)|"
    r"(?P<korean>제\s?\d{1,2}\s?[장절조])"
)
_NO_HEADING = re.compile(
    r"참고|주의|경고|작은 정보|중요|note|notes|warning|caution|important|tip|continued|contents|목차|.*\(continued\)|"
    r".*@.*|.*://.*|.*=.*|.*[ðÞ¼\ufffd].*|.*(?:다|요)\.?",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^(?:[–•▪■◦●*·□○-]+|\d{1,2}[.)]|\s)+")
_OPENING = re.compile(r"[0-9]|[^\W\d_a-z①-⓿㈀-㋿]")


@dataclass(frozen=True, slots=True)
class Heading:
    """Words `start` to `stop`, without a section number."""

    start: int
    stop: int
    text: str
    number: str
    size: float
    first: Run
    last: Run
    large: bool


def headings(view: View) -> list[Fact]:
    """Facts about the page's headings that stand once on it."""
    found = find_headings(view)
    texts = Counter(heading.text.casefold() for heading in found)
    known = [heading for heading in found if texts[heading.text.casefold()] == 1]
    facts = _titles(view, known)
    titles = {fact.start for fact in facts}
    sections = [heading for heading in known if heading.start not in titles]
    bodies = {heading.start for heading in sections if _has_body(view, heading, found)}
    return facts + _numbers(sections) + _followers(found, sections, bodies) + _passages(view, sections, bodies)


def find_headings(view: View) -> list[Heading]:
    """All headings of the page in reading order."""
    found: list[Heading] = []
    at = 0
    while at < len(view.runs):
        first = view.runs[at]
        last = _with_number(view, first)
        if first.index not in view.furniture and (last is not first or _alone(view, first)):
            lines = 1
            while lines < MAX_LINES + 1 and (after := _second_line(view, last)) is not None:
                last, lines = after, lines + 1
            heading = _heading(view, first, last)
            if heading is not None and lines <= MAX_LINES:
                found.append(heading)
        at = last.index + 1
    return [heading if _counted(view, heading, found) else _unnumbered(view, heading) for heading in found]


def _with_number(view: View, run: Run) -> Run:
    """The last run of the heading's first line: a section number may stand apart from the words."""
    if not _NUMBER.fullmatch(run.text) or run.index + 1 >= len(view.runs):
        return run
    after = view.runs[run.index + 1]
    beside = after.line == run.line and 0 < after.box.left - run.box.right < 4 * run.size
    return after if beside and abs(after.size - run.size) < 0.1 * run.size and len(view.row(run)) == 2 else run


def _counted(view: View, heading: Heading, found: list[Heading]) -> bool:
    """A bare number counts as a section's where the page has the one before or after it, or the number has a full stop
    or stands before Korean."""
    if not heading.number.isdigit() or view.page.words[heading.first.start].text != heading.number:
        return True
    if _hangul(heading.text):
        return True
    numbers = {other.number for other in found}
    return str(int(heading.number) + 1) in numbers or str(int(heading.number) - 1) in numbers


def _unnumbered(view: View, heading: Heading) -> Heading:
    start = heading.first.start
    return replace(heading, start=start, number="", text=view.words(start, heading.stop))


def _heading(view: View, first: Run, last: Run) -> Heading | None:
    large = first.size >= LARGER * view.size
    if large and not _stands_out(view, first, last):
        return None
    if not large and (first.line != last.line or not (first.text[0].isdigit() or first.text[0] in "SCP제")):
        return None
    start, number = _numbered(view, first, last.stop, large)
    text = view.words(start, last.stop)
    if not (large or number) or not 1 <= last.stop - start <= MAX_WORDS or len(text) < 3:
        return None
    if not LETTERS.search(text) or not _OPENING.match(text) or text[-1] in ".,;:-–—":
        return None
    if is_numeric(text) or CAPTION.match(first.text) or _NO_HEADING.fullmatch(text):
        return None
    if text.count("(") != text.count(")") or text.split()[-1].casefold() in LOOSE_ENDS:
        return None
    if not large and (first.size < 0.97 * view.size or last.stop - start > 9 or _runs_on(view, last)):
        return None
    if not large and (len(view.row(first)) > 1) != (first is not last):
        return None
    return Heading(start, last.stop, text, number, first.size, first, last, large)


def _runs_on(view: View, run: Run) -> bool:
    after = view.carried_on(run)
    return after is not None and after.block == run.block and view.wraps(run, after)


def _stands_out(view: View, first: Run, last: Run) -> bool:
    """It opens a block, does not run over the whole width in type that is hardly larger, and nothing carries it on."""
    before = view.runs[first.index - 1] if first.index else None
    if before is not None and before.block == first.block and view.carried_on(before) is first:
        return False
    widest = 0.0 if _is_slide(view) else max(right - left for left, right in view.spans.values())
    if first.size < TITLE * view.size and last.box.width > 0.85 * widest and widest > 0.25 * view.page.width:
        return False
    after = view.carried_on(last)
    return after is None or abs(after.size - last.size) > 0.07 * last.size or after.block != last.block


def _numbered(view: View, run: Run, stop: int, large: bool) -> tuple[int, str]:
    """Where the heading's words begin after its number, and the number; bare numbers count only in large type."""
    for length in (2, 1):
        if run.start + length < stop:
            match = _NUMBER.fullmatch(view.words(run.start, run.start + length))
            if match is None:
                continue
            if match["korean"]:
                return run.start + length, match["korean"].replace(" ", "")
            plain = "." not in match["number"] and not match["word"]
            parts = [int(part) for part in match["number"].split(".")]
            if max(parts) > 30 or parts[0] == 0 or (plain and not large):
                continue
            return run.start + length, match["number"]
    return run.start, ""


def _alone(view: View, run: Run) -> bool:
    """It opens its line, and what stands beside it in its row belongs to another column."""
    if run.index and view.runs[run.index - 1].line == run.line:
        return False
    after = view.runs[run.index + 1] if run.index + 1 < len(view.runs) else None
    return after is None or after.line != run.line or after.box.left - run.box.right > 4 * run.size


def _second_line(view: View, run: Run) -> Run | None:
    """A heading that goes on below: same size, close, and flush left after a full line or on the same middle."""
    after = view.carried_on(run)
    if after is None:
        return None
    like = 0.08 if len(after.text) > FEW_LETTERS else 0.2
    if abs(after.size - run.size) > like * run.size or after.base - run.base > 1.5 * run.size:
        return None
    if run.size < LARGER * view.size or not _alone(view, after):
        return None
    flush = abs(after.box.left - run.box.left) < 0.5 * run.size and run.box.width > 0.75 * after.box.width
    full = run.box.width > 0.6 * max(right - left for left, right in view.spans.values())
    centred = abs(after.box.left + after.box.right - run.box.left - run.box.right) < run.size
    return after if (flush and (full or after.text[0].islower() or run.size > TITLE * view.size)) or centred else None


def _titles(view: View, found: list[Heading]) -> list[Fact]:
    """The title of a slide, or of a document on its first page: the largest words, in the upper half."""
    page = view.page
    if not found:
        return []
    largest = max(found, key=lambda heading: heading.size)
    rivals = [heading for heading in found if heading.size > 0.93 * largest.size]
    high = largest.first.box.top < 0.45 * page.height
    slide = _is_slide(view)
    if len(rivals) > 1 or not high or largest.size < (LARGER if slide else TITLE) * view.size:
        return []
    if slide and page.index > 0:
        return _slide_title(view, largest)
    if _CONTENTS.fullmatch(largest.text.strip()):
        return []
    if page.index == 0 and largest.stop - largest.start >= (2 if _hangul(largest.text) or slide else 3):
        short = largest.stop - largest.start < (3 if _hangul(largest.text) else 4)
        form = "main-heading" if short else "document-title"  # perhaps the name of who wrote it
        return [Fact("heading", form, (), largest.start, largest.stop)]
    return []


def _slide_title(view: View, title: Heading) -> list[Fact]:
    """Told from other slides' titles by another line of the slide."""
    for run in view.runs[title.last.index + 1 :]:
        words = _ITEM.sub("", run.text).split()
        telling = sum(word.strip(".,:;()").isalpha() and len(word) > 2 for word in words)
        if telling < 2 or run.index in view.furniture or run.size >= title.size or not words[-1][-1].isalnum():
            continue
        opening = " ".join(words[:OPENING_WORDS]) + " ..." * (len(words) > OPENING_WORDS)
        return [Fact("heading", "slide-title", (("opening", opening),), title.start, title.stop)]
    return []


def _numbers(sections: list[Heading]) -> list[Fact]:
    numbers = Counter(heading.number for heading in sections)
    return [
        Fact(
            "heading",
            "section-number" if "." in heading.number or not _hangul(heading.text) else "item-number",
            (("number", heading.number),),
            heading.start,
            heading.stop,
            rank=1,
        )
        for heading in sections
        if heading.number and numbers[heading.number] == 1 and heading.number.isascii()
    ]


def _has_body(view: View, heading: Heading, found: list[Heading]) -> bool:
    """Smaller type stands right below it: prose on a page, any words on a slide."""
    if heading.last.index + 1 >= len(view.runs):
        return False
    run = view.runs[heading.last.index + 1]
    below = 0 < run.base - heading.last.base < 5 * view.size and run.box.left < heading.last.box.right
    if not below or run.size > 0.95 * heading.size or run.index in view.furniture:
        return False
    if any(other.first is run for other in found):
        return False
    block = view.runs[run.index : run.index + 12]
    words = [word for other in block if other.block == run.block for word in other.text.split()]
    if _is_slide(view):
        return len(words) >= SLIDE_WORDS
    prose = sum(word.strip(".,;()\"'“”").isalpha() for word in words) >= 0.7 * len(words)
    return prose and len(words) >= PASSAGE_WORDS


def _followers(found: list[Heading], sections: list[Heading], bodies: set[int]) -> list[Fact]:
    """Neighbours of one level, each with text of its own: numbers that count on, or the same size with no number."""
    facts = []
    for before, after in pairwise(found):
        if before not in sections or after not in sections or abs(before.size - after.size) > 0.05 * before.size:
            continue
        if after.first.box.top < before.last.box.bottom:  # in another column: too far to be seen as the next
            continue
        if bool(before.number) != bool(after.number) or not {before.start, after.start} <= bodies:
            continue
        if before.number and not _counts_on(before.number, after.number):
            continue
        facts.append(Fact("heading", "next-heading", (("heading", before.text),), after.start, after.stop, rank=1))
    return facts


def _counts_on(before: str, after: str) -> bool:
    old, new = before.split("."), after.split(".")
    if not (old[-1].isdigit() and new[-1].isdigit()):
        return False
    return old[:-1] == new[:-1] and int(new[-1]) == int(old[-1]) + 1


def _passages(view: View, sections: list[Heading], bodies: set[int]) -> list[Fact]:
    """The heading above the text that starts right below it."""
    facts = []
    for heading in sections:
        if heading.start not in bodies:
            continue
        run = view.runs[heading.last.index + 1]
        if not (_OPENING.match(run.text) or run.text[0] in '"“「『') or run.stop - run.start < 4:
            continue
        stop = min(run.start + OPENING_WORDS, run.stop)
        if stop == run.stop < len(view.page.words) and parted(view, stop):
            stop -= 1
        opening = view.words(run.start, stop)
        if view.stands_once(opening) and not QUOTE.search(opening):
            slots = (("opening", f"{opening} ..."),)
            facts.append(Fact("heading", "heading-of", slots, heading.start, heading.stop, rank=1))
    return facts


def _is_slide(view: View) -> bool:
    """A landscape page of few words in large type; in small type it is a report's."""
    page = view.page
    return page.width > page.height and len(view.runs) < SLIDE_RUNS and view.size > SLIDE_TYPE * page.height


def _hangul(text: str) -> bool:
    return any("가" <= character <= "힣" for character in text)
