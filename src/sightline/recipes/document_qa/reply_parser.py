"""Questions and answers out of whatever a language model replies; what cannot be used is counted, never dropped.

Read: numbered pairs with labels of many kinds (Q1/A1, "1. Question:", **Q:**, 질문/답변), numbered questions without
labels, JSON lists (also inside other words or broken off), Markdown tables. An answer's label may carry its page and
whether it is quoted: "A1 (page 2, quoted):".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from sightline.core.sample import Rejected
from sightline.lm.cleaning import cleaned
from sightline.recipes.document_qa.prompts import REFUSAL

MAX_EXCERPT = 300
"""Characters of a bad piece that its row shows."""


class Said(NamedTuple):
    """One pair as the model gave it."""

    question: str
    answer: str
    page: int | None
    """As printed in the prompt: from 1."""
    quoted: bool | None
    """None where it does not say."""


class _Piece(NamedTuple):
    """A labelled question or answer."""

    is_question: bool
    number: str
    note: str
    """What stands in brackets behind the label."""
    text: str


_MARKUP = r"[\s>#*_`•-]*"
_QUESTION_LABEL = r"(?:questions?|질문|문제|물음|q|문)"
_ANSWER_LABEL = r"(?:answers?|답변|정답|대답|a|답)"
_NOTE = r"(?P<note>\s*[(\[][^()\[\]\n]{0,60}[)\]])?"
_LABEL = re.compile(
    rf"^{_MARKUP}(?:\(?(?P<before>\d{{1,3}})\s?[.):][\s*_]*)?"
    rf"(?:(?P<question>{_QUESTION_LABEL})|(?P<answer>{_ANSWER_LABEL}))[\s*_]{{0,3}}"
    rf"(?:#|no\.?)?\s?(?P<number>\d{{1,3}})?[\s*_]{{0,3}}{_NOTE}[\s*_]{{0,3}}(?P<colon>[:：.)–-])[\s*_]*(?P<text>.*)$",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"(?<=[^\s>#*_`•-])\s+(?=(?:\*\*|__)?"
    r"(?:answers?|답변|정답|[aq]\s?\d{1,3}|답\s?\d{1,3}|question \d{1,3}|질문\s?\d{1,3})\s?\d{0,3}"
    r"(?:\*\*|__)?(?:\s*[(\[][^()\[\]\n]{0,60}[)\]])?(?:\*\*|__)?\s?[:：])",
    re.IGNORECASE,
)
_NUMBERED = re.compile(rf"^{_MARKUP}\(?(?P<number>\d{{1,3}})\s?[.)][\s*_]+(?P<text>\S.*)$")
_FENCE = re.compile(r"^\s*(?:```|~~~)\w*\s*$", re.MULTILINE)
_PAGE_NUMBER = re.compile(r"(?:page|pg|p\.?|페이지|쪽)\s*(\d{1,5})|(\d{1,5})\s*(?:쪽|페이지|면)", re.IGNORECASE)
_TRAILING_NOTE = re.compile(r"\s*[(\[]((?:page|p\.|pg\.?)\s*\d{1,5}|\d{1,5}\s?(?:쪽|페이지))[)\]]\.?$", re.IGNORECASE)
_OWN_WORDS = re.compile(r"own|summar|abstract|요약|정리", re.IGNORECASE)
_QUOTED = re.compile(r"quot|verbatim|extract|인용|원문|그대로", re.IGNORECASE)
_RULE = re.compile(r"\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*")
_CHATTER = re.compile(
    r"\n\s*\n+(?:let me know|i hope|feel free|these (?:questions|pairs)|please (?:let|note)|note:|would you like|"
    r"도움이 되|이상입니다|추가로 필요)[^\n]*(?:\n.*)*$",
    re.IGNORECASE,
)
_LONE_LABEL = re.compile(rf"\n{_MARKUP}(?:{_QUESTION_LABEL}|{_ANSWER_LABEL})\s?\d{{0,3}}\W*$", re.IGNORECASE)
_KEYS = {
    "question": ("question", "q", "질문", "user", "prompt", "문제"),
    "answer": ("answer", "a", "답변", "assistant", "response", "답", "정답"),
    "page": ("page", "페이지", "쪽"),
    "kind": ("kind", "type", "종류"),
}


def parse_reply(reply: str, truncated: bool = False) -> tuple[list[Said], list[Rejected]]:
    """Pairs in the order of their questions, and a row per problem.

    Reasons: "empty-reply", "refused-chunk" (the agreed word and nothing else), "unparsable-reply",
    "question-without-answer", "answer-without-question", "second-answer", "repeated-question", "refused-answer",
    "truncated-reply" (broken off: the last piece is not used).

    >>> parse_reply("Q1: Who paid?\\nA1 (page 2, quoted): Sample Trading Co.")[0]
    [Said(question='Who paid?', answer='Sample Trading Co.', page=2, quoted=True)]
    """
    text = _FENCE.sub("", reply).strip()
    if not text:
        return [], [_row("truncated-reply" if truncated else "empty-reply", reply)]
    said, rejected = _from_json(text)
    if not said and not rejected:
        said, rejected = _from_table(text)
    if not said and not rejected:
        said, rejected = _from_labels(_CHATTER.sub("", text), truncated)
    if not said and not rejected:
        return [], [_row("refused-chunk" if REFUSAL.casefold() in text.casefold() else "unparsable-reply", text)]
    kept, more = _sorted_out(said)
    return kept, rejected + more


def _from_labels(text: str, truncated: bool) -> tuple[list[Said], list[Rejected]]:
    pieces = list(_pieces(text)) or list(_unlabelled(text))
    rejected = []
    last = len(pieces) - 1
    if truncated and pieces and not pieces[last].is_question:
        rejected.append(_row("truncated-reply", pieces[last].text))
        if last and pieces[last - 1].is_question:
            last -= 1
        pieces, last = pieces[:last], -1
    pairs, lonely = _paired(pieces)
    for at in lonely:
        piece = pieces[at]
        if piece.is_question:
            cut = at == last and (truncated or not piece.text.endswith(("?", "？", ".", "다", "요", "까")))
            rejected.append(_row("truncated-reply" if cut else "question-without-answer", piece.text))
        else:
            rejected.append(_row("answer-without-question", piece.text))
    return [_said(pieces[q], pieces[a]) for q, a in sorted(pairs)], rejected


def _pieces(text: str) -> Iterator[_Piece]:
    """Labelled pieces; lines without a label belong to the piece above, words before the first label to none. A label
    on which the text breaks off is nothing."""
    current: _Piece | None = None
    for line in _LONE_LABEL.sub("", _INLINE.sub("\n", text)).split("\n"):
        match = _LABEL.match(line)
        if match is not None and _is_label(match):
            if current is not None:
                yield _tidied(current)
            number = match["number"] or match["before"] or ""
            current = _Piece(match["question"] is not None, number, match["note"] or "", match["text"])
        elif current is not None and not _RULE.fullmatch(line):
            current = current._replace(text=f"{current.text}\n{line}")
    if current is not None:
        yield _tidied(current)


def _is_label(match: re.Match[str]) -> bool:
    """A lone letter or a word that opens a sentence is a label only with a number or a real colon behind it."""
    label = match["question"] or match["answer"]
    if match["colon"] in ":：":
        return True
    return match["number"] is not None or (len(label) > 1 and match["colon"] == ")")


def _unlabelled(text: str) -> Iterator[_Piece]:
    """Numbered questions, each followed by lines that answer it; nothing else is taken for a pair."""
    parts: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        match = _NUMBERED.match(line)
        if match is not None:
            parts.append((match["number"], [match["text"]]))
        elif parts:
            parts[-1][1].append(line)
    for number, lines in parts:
        question, mark, rest = "\n".join(lines).strip().partition("?")
        if mark:
            yield _tidied(_Piece(True, number, "", question + mark))
            if rest.strip(" \n*_-–:"):
                yield _tidied(_Piece(False, number, "", rest.lstrip(" \n*_-–:")))


def _paired(pieces: list[_Piece]) -> tuple[list[tuple[int, int]], list[int]]:
    """(question, answer) positions, and the positions of words left over.

    A number that stands on one question and one answer joins them wherever they are; all else must follow directly,
    with the same number or without one.
    """
    pieces_by = Counter((piece.is_question, piece.number) for piece in pieces if piece.number and piece.text)
    where = {(piece.is_question, piece.number): at for at, piece in enumerate(pieces) if piece.text}
    pairs = [
        (where[True, number], where[False, number])
        for is_question, number in pieces_by
        if is_question and pieces_by[True, number] == pieces_by[False, number] == 1
    ]
    used = {at for pair in pairs for at in pair}
    for at in range(len(pieces) - 1):
        one, after = pieces[at], pieces[at + 1]
        if at in used or at + 1 in used or not one.is_question or after.is_question or not (one.text and after.text):
            continue
        if one.number == after.number or not (one.number and after.number):
            pairs.append((at, at + 1))
            used |= {at, at + 1}
    return pairs, [at for at, piece in enumerate(pieces) if at not in used and piece.text]


def _from_json(text: str) -> tuple[list[Said], list[Rejected]]:
    """Objects of a JSON list, read one by one so that a list broken off gives what it has."""
    start = text.find("{")
    if start < 0 or '"' not in text:
        return [], []
    decoder = json.JSONDecoder(strict=False)
    said: list[Said] = []
    rejected: list[Rejected] = []
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            if said or re.match(r'\{\s*"(?:question|q|질문|answer)"', text[start:]):
                rejected.append(_row("truncated-reply", text[start:]))
            break
        for entry in _entries(cleaned(value)):
            one = _from_object(entry)
            if one is not None and one.question and one.answer:
                said.append(one)
            elif one is not None:
                rejected.append(_half(one))
        start = text.find("{", end)
    return said, rejected


def _entries(value: Any) -> list[dict[str, Any]]:
    """The object itself, or the objects in a list it holds ({"pairs": [...]})."""
    if not isinstance(value, dict):
        return []
    inner = [entry for part in value.values() if isinstance(part, list) for entry in part if isinstance(entry, dict)]
    return inner or [value]


def _from_object(entry: dict[str, Any]) -> Said | None:
    folded = {str(key).casefold(): value for key, value in entry.items()}
    found = {name: next((folded[key] for key in keys if key in folded), None) for name, keys in _KEYS.items()}
    if found["question"] is None and found["answer"] is None:
        return None
    page = re.search(r"\d{1,5}", str(found["page"])) if found["page"] is not None else None
    words = {name: _written(found[name]) for name in ("question", "answer")}
    return Said(words["question"], words["answer"], int(page[0]) if page else None, _quoted(str(found["kind"] or "")))


def _written(value: Any) -> str:
    """What a person would write for a JSON value; an object is no text."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_written, value)))
    return "" if value is None or isinstance(value, dict) else str(value).strip()


def _from_table(text: str) -> tuple[list[Said], list[Rejected]]:
    """Rows of a Markdown table that has a column of questions and one of answers."""
    rows = [_cells(line) for line in text.split("\n") if line.count("|") >= 2]
    if len(rows) < 2:
        return [], []
    heads = [cell.strip(" *_").casefold() for cell in rows[0]]
    place = {name: next((i for i, head in enumerate(heads) if head in keys), None) for name, keys in _KEYS.items()}
    if place["question"] is None or place["answer"] is None:
        return [], []
    said: list[Said] = []
    rejected: list[Rejected] = []
    for row in rows[1:]:
        if all(not cell.strip(" :-") for cell in row):
            continue
        cells = {name: row[at].strip(" *_") if at is not None and at < len(row) else "" for name, at in place.items()}
        page = re.search(r"\d{1,5}", cells["page"])
        one = Said(cells["question"], cells["answer"], int(page[0]) if page else None, _quoted(cells["kind"]))
        if one.question and one.answer:
            said.append(one)
        else:
            rejected.append(_half(one))
    return said, rejected


def _cells(line: str) -> list[str]:
    r"""Of a table's line; a sign \| is text."""
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", re.sub(r"^\||(?<!\\)\|$", "", line.strip()))]


def _sorted_out(said: list[Said]) -> tuple[list[Said], list[Rejected]]:
    """Without questions asked before and answers that refuse by the agreed word."""
    kept: list[Said] = []
    rejected: list[Rejected] = []
    seen: dict[str, str] = {}
    for one in said:
        asked = " ".join(one.question.casefold().split())
        if REFUSAL.casefold() in one.answer.casefold():
            rejected.append(_row("refused-answer", one.question))
        elif asked in seen:
            rejected.append(_row("repeated-question" if seen[asked] == one.answer else "second-answer", one.question))
        else:
            seen[asked] = one.answer
            kept.append(one)
    return kept, rejected


def _said(question: _Piece, answer: _Piece) -> Said:
    note, text = answer.note, answer.text
    trailing = _TRAILING_NOTE.search(text)
    if trailing is not None and trailing.start():
        note, text = note or trailing[1], text[: trailing.start()].rstrip()
    page = _PAGE_NUMBER.search(note)
    return Said(question.text, text, int(page[1] or page[2]) if page else None, _quoted(note))


def _quoted(note: str) -> bool | None:
    if _OWN_WORDS.search(note):
        return False
    return True if _QUOTED.search(note) else None


def _tidied(piece: _Piece) -> _Piece:
    """Lines of a piece as one text: without bold marks around it and without empty lines at its ends."""
    text = "\n".join(line.strip() for line in piece.text.strip().split("\n")).strip()
    text = re.sub(r"\n{2,}", "\n", text)
    if text.startswith(("**", "__")) and text.endswith(text[:2]) and len(text) > 4:
        text = text[2:-2].strip()
    return piece._replace(text=text.strip("*_ ") if text.count("**") == 1 else text)


def _half(one: Said) -> Rejected:
    if one.question:
        return _row("question-without-answer", one.question)
    return _row("answer-without-question", one.answer)


def _row(reason: str, text: str) -> Rejected:
    return Rejected(reason=reason, evidence={"reply": text[:MAX_EXCERPT]})
