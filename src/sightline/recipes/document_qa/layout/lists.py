"""Facts of lists: the items behind bullets or numbers, and terms that stand above or before their explanation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.sentences import first_sentence, parted
from sightline.recipes.document_qa.layout.view import Run, View
from sightline.recipes.document_qa.layout.words import LOOSE_ENDS

MIN_ITEM, MAX_ITEM = 2, 25
MIN_TERMS = 2
_BULLET = re.compile(r"[•●○◦▪■□◆◇※∙·▶►–\-*]")
_NUMBER = re.compile(r"\((?:\d{1,2}|[a-z]|[ivx]{1,4})\)|[①-⑳]|\d{1,2}\)|[가-하]\.|[a-z]\)")
_TERM = re.compile(r"[A-Za-z][\w‑./+-]*[A-Za-z0-9](?:‑[\w‑]+)*")
_HANGUL = re.compile(r"[가-힣]")
_ORDINALS = ("first", "second", "third", "fourth")
_KOREAN_ORDINALS = ("첫", "두", "세", "네")
_LEADS = re.compile(r"다음.*다\.$")
_VAGUE_LEAD = re.compile(
    r"(?:다음과|아래와|이와) 같(?:습니다|다|은).{0,3}|.*[은는이가] (?:다음과|아래와|이와)? ?같(?:습니다|다)\.?:?|"
    r".*\bas follows:?"
)
_NO_ITEM = re.compile(r"^See |^명령|…|##|[<>]")
_LOOSE = re.compile(r".*[,;:(\[–—-]$|.* (?:and|or)$")


def lists(view: View) -> list[Fact]:
    """Items that their list and place, or their number, or their term, tell from all others of the page."""
    facts = [*_bulleted(view), *_numbered(view), *_terms(view)]
    asked = Counter((fact.form, fact.slots) for fact in facts)
    return [fact for fact in facts if asked[fact.form, fact.slots] == 1]


def _bulleted(view: View) -> Iterator[Fact]:
    items: list[Run] = []
    for run in [*view.runs, None]:
        if run is not None and _opens_item(run) and (not items or abs(run.box.left - items[0].box.left) < 3):
            items.append(run)
        elif items and (run is None or run.box.left < items[0].box.left + 1 or run.index in view.furniture):
            yield from _of_list(view, items)
            items = [run] if run is not None and _opens_item(run) else []


def _opens_item(run: Run) -> bool:
    return len(run.text) > 2 and _BULLET.match(run.text) is not None and run.text[1] == " "


def _of_list(view: View, items: list[Run]) -> Iterator[Fact]:
    """Items two by two and more, under a line that leads to them and stands once."""
    lead = view.runs[items[0].index - 1] if items[0].index else None
    if lead is None or len(items) < 2 or lead.index in view.furniture or _opens_item(lead):
        return
    before = view.runs[lead.index - 1] if lead.index else None
    if (
        before is not None
        and view.carried_on(before) is lead
        and before.text[-1] not in ".:?!"
        and lead.text[-1] in ".:"
    ):
        return
    near = 0 < items[0].base - lead.base < 3 * lead.size
    words = lead.text.split()
    if (
        not near
        or not (lead.text[-1] == ":" or _LEADS.search(lead.text) or lead.size > 1.1 * items[0].size)
        or not view.stands_once(lead.text)
    ):
        return
    if len(words) < 2 or ". " in lead.text or _VAGUE_LEAD.fullmatch(lead.text):
        return
    if (
        lead.text[0].islower()
        or len(words) > 12
        or words[0].startswith(("(", "["))
        or not any(map(str.isalpha, words[0]))
    ):
        return
    for place, item in enumerate(items[: len(_ORDINALS)]):
        stop = _item_end(view, item, items[place + 1] if place + 1 < len(items) else None)
        if stop is not None and MIN_ITEM <= stop - item.start - 1 <= MAX_ITEM and _sound(view, item.start + 1, stop):
            slots = (
                ("lead", lead.text.rstrip(":. ")),
                ("place", _ORDINALS[place]),
                ("number", _KOREAN_ORDINALS[place]),
            )
            yield Fact("list", "list-item", slots, item.start + 1, stop)


def _item_end(view: View, item: Run, following: Run | None) -> int | None:
    """After the last line of the item: lines that follow closely and do not stand further left."""
    run = item
    while (after := view.carried_on(run)) is not None and after is not following:
        if after.box.left < item.box.left + 1 or _opens_item(after):
            break
        if after.text[0].isupper() and after.block != run.block:
            break
        run = after
    return run.stop


def _numbered(view: View) -> Iterator[Fact]:
    """The first sentence of what stands behind "(2)" or "③" at the beginning of a line."""
    for run in view.runs:
        number = view.page.words[run.start].text
        if not _NUMBER.fullmatch(number) or run.index in view.furniture or run.stop - run.start < 3:
            continue
        before = view.runs[run.index - 1] if run.index else None
        if before is not None and (before.line == run.line or _amid(view, before, run)):
            continue
        if view.text.count(f"{number} ") + view.text.count(f"{number}.") != 1:
            continue
        stop = first_sentence(view, run.start + 1, MAX_ITEM)
        if stop is not None and stop - run.start > 4 and _sound(view, run.start + 1, stop):
            yield Fact("list", "list-number", (("number", number),), run.start + 1, stop)


def _amid(view: View, before: Run, run: Run) -> bool:
    """The line above runs on into this one: the number stands within a paragraph."""
    return view.carried_on(before) is run and before.text[-1] not in ".:;" and view.wraps(before, run)


def _terms(view: View) -> Iterator[Fact]:
    """Terms with an explanation: before it on the same line, or on a line of their own with the explanation set in."""
    found = [entry for run in view.runs if run.index not in view.furniture if (entry := _term(view, run)) is not None]
    lefts = Counter(round(run.box.left) for run, _, _ in found)
    for run, term, start in found:
        stop = first_sentence(view, start, MAX_ITEM)
        if (
            lefts[round(run.box.left)] >= MIN_TERMS
            and stop is not None
            and _sound(view, start, stop)
            and stop - start > 2
        ):
            yield Fact("list", "term", (("term", term),), start, stop)


def _term(view: View, run: Run) -> tuple[Run, str, int] | None:
    if run.index and view.runs[run.index - 1].line == run.line:
        return None
    words = view.page.words[run.start : run.stop]
    after = view.carried_on(run)
    if (
        len(words) > 3
        and _TERM.fullmatch(words[0].text)
        and _HANGUL.match(words[1].text)
        and words[0].text[0].islower()
    ):
        before = view.runs[run.index - 1] if run.index else None
        ended = before is None or before.text[-1] in ".:" or before.block != run.block
        hanging = after is None or after.block != run.block or after.box.left > run.box.left + 0.8 * run.size
        return (run, words[0].text, run.start + 1) if ended and hanging else None
    if after is None or len(words) > 4 or not 0.8 * run.size < after.box.left - run.box.left < 6 * run.size:
        return None
    opens = after.text[0].isupper() or _HANGUL.match(after.text)
    alone = run.text[-1] not in ".,;:" and len(run.text) > 3 and run.text[0].isalnum() and len(view.row(run)) == 1
    if not (opens and alone) or after.stop - after.start < 4 or words[-1].text.casefold() in LOOSE_ENDS:
        return None
    return run, run.text, after.start


def _sound(view: View, start: int, stop: int) -> bool:
    text = view.words(start, stop)
    broken = any(parted(view, i) for i in range(start + 1, stop))
    return (
        not broken
        and text[0] != "("
        and not _LOOSE.fullmatch(text)
        and text.count("(") == text.count(")")
        and text[0].isalnum()
        and not _NO_ITEM.search(text)
    )
