"""Is the answer all of what stands at its place, or was it cut off? And does the page deny it there?"""

from __future__ import annotations

import re

from sightline.core.media import Word
from sightline.verify.dates import Day
from sightline.verify.folding import HANGUL, fold, is_cjk
from sightline.verify.page_index import PageIndex
from sightline.verify.question_words import asked_kind, content_words, is_particle
from sightline.verify.values import Found

_DANGLING = re.compile(
    r"\b(?:of|the|a|an|and|or|to|for|with|in|on|at|by|from|as|than|that|which|per|between|its|their|is|are|was|were|"
    r"be|been|being|can|could|should|would|must|shall|into|onto|during|because|if|when|while|every|such)$"
    r"|[-,(\[/:&]$|(?:및|또는|그리고|(?<![가-힣])의|(?<![회정주강논합동결문협건심임편질예호])의)$|^(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉|열)$"
)
_NUMBERED = re.compile(
    r"\b(?:section|figure|fig[.]?|table|chapter|appendix|step|part|version|page|no[.])$|(?<![가-힣])(?:그림|표|부록)$"
)
"""A word that the number behind it completes."""
_LETTER = re.compile(r"[ &/-]A$")
"""The letter of "Appendix A" and "Q&A", no article."""
_NUMBER_BEHIND = re.compile(r" ?(?:[0-9]|[a-z](?![a-z]))")
_TAIL = re.compile(r"(?:뿐|이?면|이?라면|참조|정도|마다).*")
"""What may follow a Korean noun or number without a blank and is no particle."""
_INNER_SIGNS = re.compile(r"[-‐‑'’]")
_QUOTED = re.compile(r"[\"“][^\"”]*[\"”]|'[^']*'")
_SHORT_FORM = re.compile(r"[\"“']([A-Z]{2,8})[\"”']")
_PARTS = re.compile(r"\byear|\bmonth|\bday\b|연도|년도|몇년|몇월|며칠|월은|year")
_DENIED_BEFORE = re.compile(r"(?:\b(?:not|no|never|without|neither|nor|cannot)|n't)\s(?:\w+\s)?$")
_DENIED_BEHIND = re.compile(r"^[가-힣]{0,2}지(?:는|도)?(?:않|못)|^(?:이|가|은|는)?(?:아니|아닌|없)")
_ADDRESS = re.compile(r"(?:://|^/|www[.]|\w/\w)\S*$")
_ADDRESS_BEHIND = re.compile(r"@|[.](?=[a-z])")
_ADDRESS_BEFORE = re.compile(r"@$|[a-z][.]$")
_SCALED = re.compile(r"[0-9]|[십백천만억조]|thousand|million|billion|trillion")
_NUMBERING = re.compile(r"[(\[]?[0-9]+(?:[.-][0-9]+)*[.)\]]?")
_ENTRY = re.compile(r"[(]?(?:[0-9]{1,2}|[가-하]|[a-z])[.)]|[①-⑳]|[•●○◦▪■□◆◇※*·▶►–-]")
_COUNTED = re.compile(r"제?[0-9]+[가-힣]{1,2}")
_LABEL_WORDS = 4
_COLONS = (":", "：")
_STOPS = (*_COLONS, ".", ",", ";", "?", "!", "|")
_MAY_FOLLOW = """
which who whom whose that where when while whereas although though but and or so because since if unless as than
then in on at by for from with to into through during until after before under over between among within without per
against about including is are was were be has have had do does did can could will would shall should may might must
not also only a an the this these it they we you he she there
및 또는 그리고 등 등의 등을 등이 이상 이하 미만 입니다 이다 이며
"""
_CLAUSE_ENDS = frozenset(_MAY_FOLLOW.split())
"""A clause may end before one of these words."""
_RELATIVE_ENDINGS = ("ed", "ing", "ly")
"""A clause may end before a participle too: "the file used by ..."."""
_ANSWERED_BY_A_VALUE = ("how much", "when")
_SENTENCE_WORDS = 60
_BLOCK_WORDS = 80
"""Words looked at on both sides for the right edge of a block."""
_SHORT_BLOCK_LINES = 2
_LINE_WORDS = 7
"""A line of more words is prose, and what begins it no cell of its own."""
_GAP = 0.9
"""A gap wider than this share of the line's height parts two cells; a blank is about 0.3."""
_CELL_GAPS = 1.5
"""And wider than this many times the gap behind the answer: the blanks of a justified line are wide as well."""
_WORDS_BEFORE = 24
"""Words looked back for the beginning of a block: as many as 24 letters can be."""


def cut_off(question: str, answer: str, start: int, end: int, index: PageIndex) -> bool:
    """folded[start:end], where `answer` was found, goes on: inside a number, date or word, behind a dangling
    preposition, to the end of a name or of a short line's cell, or of a clause that the question's words open."""
    said = fold(answer)
    behind = index.folded[end:]
    if _DANGLING.search(said) and behind and not _ADDRESS.search(said) and not _LETTER.search(answer.rstrip()):
        return True
    mine, there = said.split(), index.folded[start:end].split()
    if mine and there and there[-1] != mine[-1] and there[-1].startswith(mine[-1]):
        return True
    if (said.endswith(".") and behind[:1].isalnum() and not is_cjk(behind[0])) or _misses_letters(
        question, said, behind
    ):
        return True
    if _NUMBERED.search(said) and _NUMBER_BEHIND.match(behind):
        return True
    if said.count("(") > said.count(")") or said.count("[") > said.count("]"):
        return True
    if any(_cuts(found, start, end, question, index.folded) for found in index.values):
        return True
    return _cuts_word(start, end, index) or _cuts_phrase(question, start, end, index)


def denied(question: str, start: int, end: int, index: PageIndex) -> bool:
    """A negation of the same block outside the match, and not in the question, turns it: "not [approved]",
    "[승인]되지 않았다"."""
    words = index.page.words
    first = opening = index.word_at(start)
    while opening > 0 and first - opening < _WORDS_BEFORE and words[opening - 1].block == words[first].block:
        opening -= 1
    before = index.folded[max(index.span_of(opening, opening)[0], start - 24) : start]
    said = _DENIED_BEFORE.search(before)
    if said is not None and said[0].split()[0] not in fold(question).split():
        return True
    return _DENIED_BEHIND.search(index.folded[end : end + 8]) is not None


def _cuts(found: Found, start: int, end: int, question: str, text: str) -> bool:
    if not (found.start < end and start < found.end) or (start <= found.start and found.end <= end):
        return False
    if isinstance(found.value, Day):
        return _PARTS.search(fold(question)) is None
    before = text[found.start : start] if _SCALED.match(text, start) else ""
    return _SCALED.search(before + " " + text[min(found.end, end) : found.end]) is not None


def _misses_letters(question: str, said: str, behind: str) -> bool:
    """The initials of the answer begin the short form that the question quotes, and the next word goes on with them."""
    short = _SHORT_FORM.search(question)
    if short is None:
        return False
    initials = "".join(word[0] for word in said.split())
    rest = short[1].casefold().removeprefix(initials)
    return 0 < len(rest) < len(short[1]) and behind.lstrip().startswith(rest[0])


def _cuts_word(start: int, end: int, index: PageIndex) -> bool:
    """Hangul goes on behind the answer with more than a particle, or an address or file name goes on."""
    if _ADDRESS_BEHIND.match(index.folded, end):
        return True
    if not is_cjk(index.folded[start]) and _ADDRESS_BEFORE.search(index.folded[max(0, start - 2) : start]):
        return True  # before Hangul the blank behind a full stop is folded away
    if end >= len(index.folded) or not is_cjk(index.folded[end - 1]):
        return False
    stop = index.span_of(index.word_at(end - 1), index.word_at(end - 1))[1]
    rest = "".join(re.findall(r"^[가-힣]+", index.folded[end:stop]))
    return bool(rest) and not is_particle(rest) and _TAIL.fullmatch(rest) is None


def _cuts_phrase(question: str, start: int, end: int, index: PageIndex) -> bool:
    """The answer begins where a cell of a short line begins and stops before that cell does, parts a name, or stops
    inside a clause."""
    words = index.page.words
    first, last = index.word_at(start), index.word_at(end - 1)
    following = words[last + 1] if last + 1 < len(words) else None
    if following is None or end < index.span_of(last, last)[1] or _ADDRESS.search(index.folded[start:end]):
        return False  # an address ends itself
    return (_runs_on(words[last], following) and _cuts_cell(first, last, index)) or _cuts_clause(
        question, start, end, index
    )


def _cuts_cell(first: int, last: int, index: PageIndex) -> bool:
    words = index.page.words
    if _is_name(words[last].text) and _is_name(words[last + 1].text) and not HANGUL.search(words[last].text):
        return True
    if first and words[first - 1].line == words[first].line:
        behind = words[last + 1].box.left - words[last].box.right
        wide = max(_GAP * words[first].box.height, _CELL_GAPS * behind)
        return _is_label(words[first - 1].text) or words[first].box.left - words[first - 1].box.right > wide
    if index.lines_in(words[last].block) > _SHORT_BLOCK_LINES:
        return False
    if first and words[first - 1].block == words[first].block and not _line_ends(first - 1, index):
        return False  # the line goes on from the one above
    beyond = words[first + _LINE_WORDS] if first + _LINE_WORDS < len(words) else None
    return beyond is None or beyond.line != words[first].line


def _cuts_clause(question: str, start: int, end: int, index: PageIndex) -> bool:
    """The question's words open the sentence, the answer follows them, and the next word goes on with the same clause.
    Where the answer stands before them it is the subject, and may end anywhere; values and addresses end themselves."""
    words = index.page.words
    first, last = index.word_at(start), index.word_at(end - 1)
    final, following = words[last], words[last + 1]
    if final.block != following.block or _line_ends(last, index) or any(found.end == end for found in index.values):
        return False
    if not _is_plain(final.text) or len(final.text) == 1 or _COUNTED.fullmatch(final.text):
        return False
    if following.line != final.line and _opens_entry(last + 1, index):
        return False
    if not (following.text[0].islower() or is_cjk(following.text[0])):
        return False
    far = _CELL_GAPS * final.box.height
    if following.line == final.line and following.box.left - final.box.right > far:
        return False
    before = words[first - 1] if first else final
    if (
        following.line != final.line
        and before.line == final.line
        and words[first].box.left - before.box.right > _GAP * final.box.height
    ):
        return False  # a cell at the end of its row
    bare = fold(following.text).strip(".,;?!)\"'")
    stems = content_words(question)
    if not _is_plain(bare) or bare in _CLAUSE_ENDS or is_particle(bare) or bare.endswith(_RELATIVE_ENDINGS):
        return False
    if bare.startswith(stems) or asked_kind(_QUOTED.sub("", question)) in _ANSWERED_BY_A_VALUE:
        return False
    opening = first
    while opening and first - opening < _SENTENCE_WORDS and words[opening - 1].block == words[first].block:
        if words[opening - 1].text.endswith((".", "?", "!")):
            break
        opening -= 1
    return any(opening <= place < first for stem in stems for place in index.words_with(stem))


def _opens_entry(first: int, index: PageIndex) -> bool:
    """The line opens with the number of an entry ("2.", "나.", "(3)"), a sign, or a label with its colon."""
    words = index.page.words
    if _ENTRY.fullmatch(words[first].text):
        return True
    opening = [word.text for word in words[first : first + _LABEL_WORDS] if word.line == words[first].line]
    return any(text.endswith(_COLONS) for text in opening)


def _is_plain(text: str) -> bool:
    """A word of running text: no figure, address, label or punctuation in it."""
    if text == "" or text[0].isdigit() or ("." in text and any(map(str.isdigit, text))):
        return False
    return is_cjk(text[-1]) or _INNER_SIGNS.sub("", text).isalnum()


def _line_ends(last: int, index: PageIndex) -> bool:
    """The line ends with this word although the next had room in it: a heading, a label, a cell."""
    words = index.page.words
    word, following = words[last], words[last + 1]
    if word.line == following.line:
        return False
    low, high = max(0, last - _BLOCK_WORDS), last + _BLOCK_WORDS
    edge = max(other.box.right for other in words[low:high] if other.block == word.block)
    return word.box.right + following.box.width + 1.5 * word.box.height < edge


def _runs_on(word: Word, following: Word) -> bool:
    """Both stand in one cell of one line, no punctuation between."""
    if word.line != following.line or word.text.endswith(_STOPS) or following.text.endswith(_COLONS):
        return False
    if following.text[0] in "([":  # an aside, such as the short form of the name
        return False
    gap = following.box.left - word.box.right
    return gap <= _GAP * max(word.box.height, 1.0) and any(map(str.isalnum, following.text))


def _is_label(text: str) -> bool:
    """The word before ends a label: "Total:", "3.2.1", "(4)", a bullet."""
    return (
        text.endswith((*_COLONS, ".", ")")) or not any(map(str.isalnum, text)) or _NUMBERING.fullmatch(text) is not None
    )


def _is_name(text: str) -> bool:
    return text[:1].isupper() and text[1:2].islower()
