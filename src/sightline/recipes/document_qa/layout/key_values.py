"""Key-value facts: "Invoice number: 471102", a form's label beside or above its value, the fields of a notice.

A label that is sure (`labels`) needs no colon; any other does, and must read like a label rather than a sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.labels import HANGUL, INNER_STOP, KOREAN_SENTENCE, fits, is_sure, kind_of
from sightline.recipes.document_qa.layout.sentences import ends_inside, parted
from sightline.recipes.document_qa.layout.values import LETTERS
from sightline.recipes.document_qa.layout.view import Run, View
from sightline.recipes.document_qa.layout.words import LOOSE_ENDS, SENTENCE_WORDS

LABEL_WORDS = 5
PAIRS_OF_FIELDS = 4
"""Cells of a form's row of two labels and their values."""
VALUE_WORDS = 14
PARAGRAPH_WORDS = 40
"""A line with an unknown label is only believed where its block is no longer than this."""
_NO_LABEL = re.compile(
    r"https?|note.*|notice|warning|caution|important|sources?|examples?|hint|tip|remarks?|see|or|and|if|yes|no|cf|"
    r"attn|re|"
    r"abstract|summary|figure.*|fig\..*|table.*|box.*|q|a|conclusions?|results|methods|objective|background|keywords?|"
    r"citation|copyright|funding|returns?|since|parameters?|usage|"
    r"(?:step|part|section|chapter|day|week|unit) \d+|.*\bnote|"
    r"(?:그림|표) ?\d.*|주|참고|자료|출처|주의|예|예시|비고|단|.*예를 들어",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"date|number|code|id|no\.?|#|total|name|address|cost|price|fee|room|due payable|일시|번호|.* by", re.IGNORECASE
)
"""Known labels that say too little to be asked for by name alone."""
_NAME = re.compile(r".*\bname|성명|이름", re.IGNORECASE)
"""Labels of a person that are asked for by "what", not by "who"."""
_SECTION = re.compile(r"\d+\.\d")
_UNREADABLE = re.compile(r"^[:=<>\\|]|=$|=[\"']|[a-z]- [a-z]")
"""A piece of code or grammar; a word that a line end broke in two."""
_NUMBERED = re.compile(r"(?:\(?\d{1,2}[a-z]?[.)]|\(?[a-z가-하][.)]|[•●○◦▪■□◆◇※*·▶►–-])$")
_LABEL_CHARACTERS = re.compile(r"[^\W_](?:[\w /&'’()#.·-]*[\w)#.])?")


def key_values(view: View) -> list[Fact]:
    """Facts whose label stands once on the page."""
    found = [pair for run in view.runs if run.index not in view.furniture for pair in _pairs(view, run)]
    labels = Counter(label.casefold() for label, _, _ in found)
    facts = []
    for label, start, stop in found:
        if labels[label.casefold()] == 1:
            facts.append(field_fact(label, start, stop))
    return facts


def field_fact(label: str, start: int, stop: int) -> Fact:
    """The fact that a label's value is the words `start` to `stop`."""
    kind = kind_of(label) if not _BARE.fullmatch(label) else None
    style = {"date": "date", "amount": "amount"}.get(kind or "", "key-value")
    form = "key-name" if _NAME.fullmatch(label) and kind else f"key-{kind}" if kind else "key-value"
    return Fact(style, form, (("label", label),), start, stop, rank=0 if kind else 1)


def _pairs(view: View, run: Run) -> Iterator[tuple[str, int, int]]:
    """(label, start, stop) of the value whose label stands in this run."""
    words = view.page.words
    first = run.start
    if first + 1 < run.stop and _NUMBERED.match(words[first].text):
        first += 1
    limit = min(run.stop, first + LABEL_WORDS + 1)
    colon = next((i for i in range(first, limit) if words[i].text[-1] in ":："), None)
    if colon is None:
        yield from _without_colon(view, run, first)
        return
    label = view.words(first, colon + 1).rstrip(":： ")
    if not reads_like_label(label) or not _starts_fresh(view, run):
        return
    inside = colon + 1 < run.stop
    start, stop = (colon + 1, _end(view, run)) if inside else _neighbour(view, run)
    value = _trimmed(view, start, stop)
    if not value or stop - start > VALUE_WORDS or not any(map(str.isalnum, value)) or value[-1] in ":：":
        return
    if _UNREADABLE.search(value) or ends_inside(value) or any(parted(view, i) for i in range(start + 1, stop)):
        return
    kind = kind_of(label)
    if kind == "contact" and re.match(r"\S+@\S+|https?:|www\.", value):
        yield label, start, start + 1
    elif fits(kind, value) if kind is not None else inside and _believable(view, run, value):
        yield label, start, stop


def _without_colon(view: View, run: Run, first: int) -> Iterator[tuple[str, int, int]]:
    """A sure label with its value behind it, in the next run of its row, or below it."""
    for length in range(min(4, run.stop - first), 0, -1):
        label = view.words(first, first + length)
        inside = first + length < run.stop
        if not is_sure(label) and (inside or kind_of(label) is None or label[0].islower()):
            continue
        kind = kind_of(label) or "number"
        start, stop = (first + length, run.stop) if inside else _neighbour(view, run)
        if kind == "number" and inside:
            stop = start + 1
        value = _trimmed(view, start, stop)
        if not value or not fits(kind, value) or not _starts_fresh(view, run) or (inside and _phrase(kind, value)):
            return
        above = not inside and not any(other.start == start for other in view.row(run))
        if above and (kind == "other" or not is_sure(label)) and not _is_small(view, run, start):
            return
        sure_beside = inside and kind not in ("other", "person", "place", "contact")
        if sure_beside or _is_field(view, run, start):
            yield label, start, stop
        return


def _phrase(kind: str, value: str) -> bool:
    """A Korean label and the word behind it are rather one phrase ("문서 제목 변경", "주소 및 참조")."""
    return HANGUL.match(value) is not None and (kind == "other" or value.split()[0] in LOOSE_ENDS)


def _is_field(view: View, run: Run, start: int) -> bool:
    """The row holds labels and values in turn, or labels above values: no head of a table, no sentence."""
    row = view.row(run)
    if start < run.stop:
        return len(row) == 1 and run.stop - run.start <= 6
    beside = next((i for i, other in enumerate(row) if other.start == start), None)
    if beside is None:
        return all(is_sure(other.text) for other in row) or _is_small(view, run, start)
    place = row.index(run)
    if len(row) == PAIRS_OF_FIELDS and _is_head(view, row):
        return False
    return len(row) in (2, 4) and place % 2 == 0 and all(is_sure(row[i].text) for i in range(0, len(row), 2))


def _is_head(view: View, row: Sequence[Run]) -> bool:
    """The row below has as many cells and no labels where this one has: they are heads of columns."""
    below = view.rows[min(view.row_of[row[0].index] + 1, len(view.rows) - 1)]
    return below is not row and len(below) == len(row) and not any(is_sure(cell.text) for cell in below)


def _is_small(view: View, label: Run, start: int) -> bool:
    """A label in small type above its value, as forms have it."""
    under = view.row_of[label.index] + 1
    return any(run.start == start and label.size < 0.87 * run.size for run in view.rows[under])


def reads_like_label(label: str) -> bool:
    """A few words, none of a sentence."""
    words = label.split()
    if not 1 <= len(words) <= LABEL_WORDS or len(label) > 40 or _NO_LABEL.fullmatch(label):
        return False
    if not _LABEL_CHARACTERS.fullmatch(label) or not LETTERS.search(label) or label.count("(") != label.count(")"):
        return False
    if any(word.casefold() in SENTENCE_WORDS for word in words) or words[-1].casefold() in LOOSE_ENDS:
        return False
    if INNER_STOP.search(label) or _SECTION.match(label):
        return False
    return not label[0].islower() and not (len(words) > 1 and words[-1].endswith(("다", "요", "은", "는")))


def _believable(view: View, run: Run, value: str) -> bool:
    """Of an unknown label: the value is no clause, has no loose bracket or second label, its block is short."""
    if (
        value.count("(") != value.count(")")
        or value.count('"') % 2
        or not (value[0].isalnum() or value[0] in "$€₩'\"“‘(")
    ):
        return False
    if any(word[-1] in ":：" for word in value.split()) or INNER_STOP.search(value) or value[-1] in "?-–—/":
        return False
    if value.split()[-1].casefold() in SENTENCE_WORDS | LOOSE_ENDS or run.size > 1.15 * view.size:
        return False
    words = value.split()
    if (value[0].islower() and (len(words) > 6 or len(words) == 1)) or KOREAN_SENTENCE.search(value):
        return False
    if len(words) > 1 and view.words(run.start, run.stop).isupper():
        return False  # a heading
    if view.page.words[run.stop - 1].text[-1] == ",":
        return False  # a line of code
    length = sum(other.stop - other.start for other in view.runs if other.block == run.block)
    return length <= PARAGRAPH_WORDS


def _starts_fresh(view: View, run: Run) -> bool:
    """The run opens its line, and the line above it does not run into it."""
    if run.index == 0:
        return True
    before = view.runs[run.index - 1]
    if before.line == run.line:
        return run.box.left - before.box.right > 1.5 * run.size
    if view.carried_on(before) is not run or before.text[-1] in ".:;!?。":
        return True
    return before.block != run.block or not view.wraps(before, run) or _has_label(view, before)


def _end(view: View, run: Run) -> int:
    """Where a value that reaches the end of its line ends: lines that carry it on belong to it."""
    left = run.box.left
    while (after := view.carried_on(run)) is not None:
        opens = view.page.words[after.start].text
        indented = 0.8 * run.size < after.box.left - left < 4 * run.size
        if after.box.left < left - 0.5 * run.size:
            break  # set on the same middle, a line of its own
        goes_on = (after.block == run.block and (view.wraps(run, after) or indented)) or opens[0].islower()
        if not goes_on or _has_label(view, after) or _NUMBERED.match(opens):
            break
        run = after
    return run.stop


def _has_label(view: View, run: Run) -> bool:
    """The line opens with a label: words up to a colon, or a sure one."""
    opening = view.page.words[run.start : min(run.stop, run.start + LABEL_WORDS + 1)]
    if any(word.text[-1] in ":：" for word in opening):
        return True
    return any(is_sure(view.words(run.start, run.start + length)) for length in range(1, min(4, len(opening) + 1)))


def _neighbour(view: View, label: Run) -> tuple[int, int]:
    """The run right of a label on its row, else the one just below it; an empty range where neither is near."""
    row = view.row(label)
    place = row.index(label)
    if place + 1 < len(row):
        right = row[place + 1]
        near = right.box.left - label.box.right < 0.3 * view.page.width
        if near and right.text[-1] not in ":：" and kind_of(right.text) is None and not _is_above(view, label):
            return right.start, right.stop
    under = [
        run
        for row in view.rows[view.row_of[label.index] + 1 : view.row_of[label.index] + 3]
        for run in row
        if abs(run.box.left - label.box.left) < 5 and run.box.top - label.box.bottom < 1.2 * label.size
    ]
    if under and under[0].text[-1] not in ":：" and not _is_column(view, label, under[0]):
        return under[0].start, under[0].stop
    return label.stop, label.stop


def _is_column(view: View, label: Run, value: Run) -> bool:
    """More stands below the value, or beside it than beside the label: a column under its head."""
    if len(view.row(value)) > len(view.row(label)):
        return True
    after = view.row_of[value.index] + 1
    below = view.rows[after] if after < len(view.rows) else ()
    near = [run for run in below if abs(run.box.left - value.box.left) < 5 and run.base - value.base < 2 * value.size]
    return any(run.text[0].isdigit() and value.text[0].isdigit() for run in near)


def _is_above(view: View, label: Run) -> bool:
    """A small label with a larger value below it."""
    under = view.rows[view.row_of[label.index] + 1 : view.row_of[label.index] + 2]
    return any(abs(run.box.left - label.box.left) < 5 and label.size < 0.87 * run.size for row in under for run in row)


def _trimmed(view: View, start: int, stop: int) -> str:
    return view.words(start, stop).strip(" .,;")
