"""Caption facts: what "Figure 2" shows, what "표 1" is called, by the caption's own first sentence."""

from __future__ import annotations

import re
from collections import Counter

from sightline.recipes.document_qa.layout.fact import Fact
from sightline.recipes.document_qa.layout.view import Run, View
from sightline.recipes.document_qa.layout.words import ABBREVIATIONS

MAX_WORDS = 25
CAPTION = re.compile(
    r"(?P<open>[\[<(〈【]?)\s?(?P<kind>Figure|FIGURE|Fig|FIG|Table|TABLE|Chart|Exhibit|그림|표|도표|사진|No)\.? ?"
    r"(?P<number>\d+(?:[.-]\d+)*[A-Za-z]?|[IVX]{1,5})"
    r"(?P<close>\s?[\]>)〉】]|\s?[.:|](?!\d)| ?[-–—](?!\d)|(?=\s))\s*(?P<title>.*)"
)
_SENTENCE_END = re.compile(r"[.?!][\"”’)]?$")
_GARBLED = re.compile(r"[ðÞþ¼½¾\ufffd]|[—(] ?[Cc]on(?:t|tinued)?\.?\)?$")
"""Signs of a formula font, and the word that says that a table goes on from the page before."""
FIGURES = frozenset({"Figure", "Chart", "그림", "사진"})
_NAMES = {"FIGURE": "Figure", "Fig": "Figure", "FIG": "Figure", "TABLE": "Table", "No": "table No."}


def captions(view: View) -> list[Fact]:
    """One fact per captioned figure or table whose number stands once as a caption on the page."""
    found = []
    for run in view.runs:
        if run.text[0] in "[<(〈【FTCENf그표도사" and run.index not in view.furniture and _opens_line(view, run):
            caption = _caption(view, run)
            if caption is not None:
                found.append(caption)
    labels = Counter(label for _, label, _, _ in found)
    return [
        Fact("caption", form, (("label", label),), start, stop)
        for form, label, start, stop in found
        if labels[label] == 1
    ]


def _caption(view: View, run: Run) -> tuple[str, str, int, int] | None:
    match = CAPTION.match(run.text)
    if match is None or (match["open"] and not match["close"].strip()):
        return None
    kind = _NAMES.get(match["kind"], match["kind"])
    if kind == "table No." and not (match["close"].strip() == "." and len(match["number"]) >= 3):
        return None
    start = run.start + len(run.text[: match.start("title")].split())
    last = _last(view, run)
    stop = _sentence_end(view, start, last)
    if stop is None or not 2 <= stop - start <= MAX_WORDS or _GARBLED.search(view.words(start, stop)):
        return None
    opens = view.page.words[start].text.lstrip("\"“‘'([")
    if not opens or opens[0].islower() or view.words(start, stop)[-1] in ",-–—(":
        return None
    return ("figure" if kind in FIGURES else "table-title", f"{kind} {match['number']}", start, stop)


def _last(view: View, run: Run) -> Run:
    """The last line of the caption: lines of the same size that follow closely and stand alone in their row."""
    while (after := view.carried_on(run)) is not None:
        new_block = after.block != run.block and not after.text[0].islower()
        if new_block or CAPTION.match(after.text) or after.text[0] in "[※*":
            break
        if len(view.row(after)) > 1:
            break
        run = after
    return run


def _sentence_end(view: View, start: int, last: Run) -> int | None:
    """Word after the first sentence, or after the caption where it has no full stop; None where it seems cut off."""
    for i in range(start, min(last.stop, start + MAX_WORDS + 1)):
        text = view.page.words[i].text
        if _SENTENCE_END.search(text) and text.casefold() not in ABBREVIATIONS and len(text) > 2 and i > start:
            return i + 1
    after = view.carried_on(last)
    if after is not None and after.block == last.block and after.text[0].islower():
        return None
    return last.stop


def _opens_line(view: View, run: Run) -> bool:
    if run.index == 0:
        return True
    before = view.runs[run.index - 1]
    return before.line != run.line or run.box.left - before.box.right > 2 * run.size
