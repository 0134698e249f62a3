"""What a sentence mentions once: a date, a year, an amount, a count, an address, another place of the document.

The sentence's opening words identify it, so that the question is true whatever the sentence says about the thing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import Sentence
from sightline.recipes.document_qa.layout.values import AMOUNT, DATE, MEASURE

_RANGES = re.compile(
    r"(?:^|[\s(])(?:through|between|from|부터|-|–|~|±|×|x|\bor|또는|혹은|내지)\s*$|\d\S*\s(?:to|and|or|및)\s*$|"
    r"^\s*(?:to|or|and|through|-|–|~|±|부터|및|내지)(?=\s\S*\d|\s[A-Z][a-z]+ \d)"
)
"""Beside a date or amount that is only one end of a range."""
_SHARE = re.compile(r"%|per ?cent|퍼센트")
_YEAR = re.compile(
    r"(?<=\b[Ii]n )(?:1[5-9]|20)\d\d(?=[ ,.;])|(?<=\b[Ss]ince )(?:1[5-9]|20)\d\d(?=[ ,.;])|"
    r"(?<![\w.,/-])(?:1[89]|20)\d\d년(?! ?\d)"
)
_ANY_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)")
_SPELLED = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_COUNT = re.compile(
    rf"(?<![\w.,$€£/–-])(?P<answer>\d{{1,3}}(?:,\d{{3}})+|[1-9]\d{{0,3}}|{_SPELLED}) "
    r"(?P<noun>(?:[a-z]{4,} )?[a-z]{3,}(?<![sui])s)\b(?![-–/])"
)
_NO_NOUN = re.compile(
    r"(?:percent|from|with|that|were|than|which|more|less|among|after|before|under|other|million|billion|thousand|"
    r"hundred|"
    r"between|across|does|plus|minus|degrees)\b|.*\b(?:has|was|does|always|others|ones|perhaps|times|versus|thus|"
    r"towards|"
    r"besides|hers|ours|theirs|lies|requires|needs|comes|goes|makes|takes|gives|shows|means|includes|contains|uses|"
    r"becomes|appears|exists|works|runs|stands|follows|allows|provides|remains|seems|fails|starts|ends)$"
)
_KOREAN_COUNT = re.compile(
    r"(?<![\w.,])(?P<answer>(?:\d{1,3}(?:,\d{3})+|\d{1,4}|(?:두|세|네|다섯|여섯|일곱|여덟|아홉|열) ?)"
    r"(?P<noun>개국|개월|개|명|건|곳|회|차례|종류|종|가지|단계|시간|주일))(?! ?\d)"
    r"(?![가-힣]*(?:째|차|여|분의|식|짜리|용))"
)
_ADDRESS = re.compile(
    r"(?<![\w/.\u2010\u2011-])(?P<answer>https?://[\w./%~#?&=+-]*[\w/]|www\.[\w./-]*[\w/]|"
    r"[\w.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z]+)+|"
    r"/[a-z][A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_.~+-]*[A-Za-z0-9_])+)(?=[\s,;)\]\u201d\u2019\"']|[.](?:\s|$)|"
    r"[\uac00-\ud7a3])",
    re.ASCII,
)
_REFERENCE = re.compile(
    r"\b(?P<kind>Fig(?:ure|\.)?|Table|Section|Chapter|Appendix) (?P<number>\d+(?:\.\d+)*|[A-Z](?:\.\d+)*)\b"
)
_KOREAN_REFERENCE = re.compile(
    r"(?<![\w.])(?P<answer>(?:[A-Z]\.)?\d+(?:\.\d+)*(?P<after>절|장(?=[에을의 ]))|(?P<before>그림|표|부록) ?"
    r"(?:\d+|[A-Z])(?:\.\d+)*|"
    r"제\d+(?P<law>조)(?:제\d+항)?)"
)
_NAMING = frozenset(
    [
        "section",
        "Section",
        "chapter",
        "Chapter",
        "figure",
        "Figure",
        "table",
        "Table",
        "model",
        "version",
        "release",
        "no.",
        "No.",
        "number",
        "revision",
        "page",
        "pages",
        "item",
        "step",
    ]
)
"""A number behind one of these is a name."""
_KINDS = {"fig": "figure", "figure": "figure", "table": "table", "section": "section", "chapter": "chapter"}


def mentions(sentences: Iterable[Sentence]) -> list[Fact]:
    """Facts of sentences that hold exactly one date, amount, count, ... behind their opening words."""
    facts = [fact for sentence in sentences if _is_prose(sentence.text) for fact in _mentions(sentence)]
    asked = Counter((fact.form, fact.slots) for fact in facts)
    return [fact for fact in facts if asked[fact.form, fact.slots] == 1]


def _is_prose(text: str) -> bool:
    """At least a third of it are words in small letters or Hangul: no row of a table."""
    words = text.split()
    return sum(word[0].islower() or "가" <= word[0] <= "힣" for word in words) >= len(words) / 3


def _mentions(sentence: Sentence) -> Iterator[Fact]:
    text = sentence.text
    if any(map(str.isdigit, text)):
        yield from _single(sentence, "date", "date-in-sentence", DATE)
        yield from _amounts(sentence)
        yield from _single(sentence, "amount", "measure-in-sentence", MEASURE)
        if len(_ANY_YEAR.findall(text)) == 1 and not DATE.search(text):
            yield from _single(sentence, "date", "year-in-sentence", _YEAR)
        yield from _references(sentence)
    if "/" in text or "@" in text or "www." in text:
        yield from _single(sentence, "address", "address-in-sentence", _ADDRESS)
    for match in _COUNT.finditer(text):
        if (
            not _NO_NOUN.fullmatch(match["noun"])
            and not _NO_NOUN.match(match["noun"])
            and text.count(match["noun"]) == 1
        ):
            yield from _fact(sentence, "count", "count-in-sentence", match, noun=match["noun"])
    yield from _single(sentence, "count", "count-in-sentence", _KOREAN_COUNT)


def _single(sentence: Sentence, style: str, form: str, pattern: re.Pattern[str]) -> Iterator[Fact]:
    found = list(pattern.finditer(sentence.text))
    if len(found) == 1:
        groups = found[0].groupdict()
        noun = groups.get("noun")
        yield from _fact(sentence, style, form, found[0], **({"noun": noun} if noun else {}))


def _amounts(sentence: Sentence) -> Iterator[Fact]:
    """The one percentage of a sentence, and its one sum of money."""
    found = list(AMOUNT.finditer(sentence.text))
    shares = [match for match in found if _SHARE.search(match[0])]
    sums = [match for match in found if not _SHARE.search(match[0])]
    for matches, form in ((shares, "share-in-sentence"), (sums, "amount-in-sentence")):
        if len(matches) == 1:
            yield from _fact(sentence, "amount", form, matches[0])


def _references(sentence: Sentence) -> Iterator[Fact]:
    """The one figure, table or section that a sentence points to."""
    english = list(_REFERENCE.finditer(sentence.text))
    if len(english) == 1:
        kind = _KINDS.get(english[0]["kind"].rstrip(".").casefold(), "appendix")
        yield from _fact(sentence, "reference", "reference-in-sentence", english[0], noun=kind)
    korean = list(_KOREAN_REFERENCE.finditer(sentence.text))
    if len(korean) == 1:
        kind = korean[0]["after"] or korean[0]["before"] or korean[0]["law"]
        yield from _fact(sentence, "reference", "reference-in-sentence", korean[0], noun={"조": "조항"}.get(kind, kind))


def _fact(sentence: Sentence, style: str, form: str, match: re.Match[str], **slots: str) -> Iterator[Fact]:
    group = "answer" if "answer" in match.re.groupindex else 0
    begin, end = match.span(group)
    before, after = sentence.text[:begin], sentence.text[end:]
    if style in ("date", "amount", "count") and (_RANGES.search(before) or _RANGES.search(after)):
        return
    opening = sentence.opening(begin) if sentence.whole(begin, end) else None
    if opening is None or (before[-1:].isalnum()) or before.count("(") + after.count("(") > 3:
        return
    named = style == "count" and before.split()[-1][0].isupper() and len(before.split()) > 1
    if (
        named
        or "XX" in match[group]
        or before.rstrip()[-1] in "-\u2010\u2011"
        or before.split()[-1] in _NAMING
        or opening[1:2] == "."
    ):
        return
    if after[:1].isalnum() and not "가" <= after[0] <= "힣":
        return
    first, stop = sentence.place(begin, end)
    words = sentence.view.page.words
    if style == "address" and stop < sentence.stop and words[stop].line != words[stop - 1].line:
        return  # it may go on in the next line
    told = (("opening", opening), *slots.items())
    yield Fact(style, form, told, first, stop, rank=1, part=match[group])
