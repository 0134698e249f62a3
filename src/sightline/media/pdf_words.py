"""The words of a PDF page as PDFium's text layer has them, with tight boxes; no order is decided here (see layout).

Cost: PDFium is asked once for the text of the page and then per word, not per character. Only words in several pieces
are looked at character by character.
"""

from __future__ import annotations

import re
from ctypes import c_void_p
from dataclasses import dataclass
from itertools import repeat
from math import pi

import numpy as np
import numpy.typing as npt

from sightline.media import pdfium
from sightline.media.pdf_file import Geometry

Floats = npt.NDArray[np.float64]
Turns = npt.NDArray[np.int64]

REPLACEMENT = "\ufffd"
WORD_GAP = 0.45
"""Of the line's height: a wider gap between two characters divides words although no space stands there."""
WIDEST = 0.6
"""Of the line's height, per character: a Latin word that is wider on average is looked at for gaps."""
WIDEST_CJK = 1.0
"""The same for square scripts."""

_LINE_END_HYPHEN = "\x02\ufffe"
_TOKEN = re.compile(rf"[^\s{_LINE_END_HYPHEN}]+[{_LINE_END_HYPHEN}]?|[{_LINE_END_HYPHEN}]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\ud800-\udfff\ufffe\uffff]")
_PRINTED = dict.fromkeys((*range(1, 32), *range(0x7F, 0xA0), 0xFFFF), REPLACEMENT)
_PRINTED |= {0: "", 2: "-", 0xAD: "-", 0xFFFE: "-"}
_UNPRINTABLE_IN_WORD = re.compile("(?!\\s)" + _UNPRINTABLE.pattern)
_STRANGE = re.compile("[\x00\x01\x03-\x1f\ue000-\uf8ff\ufffd\uffff\U000f0000-\U0010ffff]")
"""Characters that mean nothing: control characters but for the hyphen at a line's end, private use, U+FFFD."""
_SURE_EVERY = 8
"""Every how many characters PDFium is asked whether it knows what the character means."""


def _addresses(rows: npt.NDArray[np.generic], column: int) -> list[c_void_p]:
    """Where PDFium is to write one column of each row."""
    first = rows.ctypes.data + column * rows.itemsize
    return list(map(c_void_p, range(first, first + rows.nbytes, rows.strides[0])))


_SLOTS = 512
"""Words asked about before their answers are copied away: the addresses below are made only once."""
_RECTS = np.zeros((_SLOTS, 4))
_LEFT, _BOTTOM, _RIGHT, _TOP = (_addresses(_RECTS, column) for column in range(4))
_LOOSE = np.zeros((_SLOTS, 4), np.float32)
_LOOSE_ROWS = _addresses(_LOOSE, 0)


@dataclass(frozen=True, slots=True)
class TextLayer:
    """What PDFium knows as the text of a page: n words in PDFium's order."""

    texts: list[str]
    boxes: Floats
    """(n, 4): left, top, right, bottom in displayed points, tight around the ink, rounded outward to 0.01."""
    heights: Floats
    """(n,): height of each word's line by its font (ascent to descent), points."""
    turns: Turns
    """(n,): degrees, clockwise, by which the words are turned on the displayed page: 0 is upright, 90 runs down."""
    chars: int = 0
    """Printable characters, also those without a meaning."""
    garbled: float = 0.0
    """Share of characters without a meaning (unmapped, private use, U+FFFD), 0..1."""


def no_text() -> TextLayer:
    """The text layer of a page that has none."""
    return TextLayer([], np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))


def clean(text: str) -> str:
    """`text` as UTF-8 and JSON can carry it: no NUL, no lone surrogate (U+FFFD stands for it), hyphens as printed.

    >>> clean("co\\x02op\\x00")
    'co-op'
    """
    if _UNPRINTABLE.search(text) is None:
        return text
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return paired.translate(_PRINTED)


def read_text_layer(page: int, geometry: Geometry) -> TextLayer:
    """Words of a page, in the order of PDFium's text; those that lie outside the visible page are left out."""
    handle = c_void_p(pdfium.load_text(page))
    if not handle:
        return no_text()
    try:
        count = pdfium.count_chars(handle)
        if count < 1:
            return no_text()
        text = _characters(handle, count)
        chars, garbled = _garbled(handle, text)
        return _words(handle, text, geometry, chars, garbled)
    finally:
        pdfium.close_text(handle)


def _characters(handle: c_void_p, count: int) -> str:
    """Text of exactly `count` code points, so that positions in it are PDFium's character indices."""
    units = np.zeros(2 * count + 2, np.uint16)
    written = pdfium.text_utf16(handle, 0, count, units.ctypes.data) - 1
    if written == count and not ((units & 0xF800) == 0xD800).any():
        return units[:count].tobytes().decode("utf-16-le")
    codes = map(pdfium.char_code, repeat(handle), range(count))
    return "".join([chr(code) if code < 0x110000 else REPLACEMENT for code in codes])


def _garbled(handle: c_void_p, text: str) -> tuple[int, float]:
    """Printable characters, and the share of them that means nothing."""
    printable = "".join(text.split())
    if not printable.strip("\x00"):
        return 0, 0.0
    strange = len(_STRANGE.findall(printable))
    asked = range(0, len(text), _SURE_EVERY)
    unmapped = list(map(pdfium.char_unmapped, repeat(handle), asked)).count(1)
    return len(printable), max(strange / len(printable), unmapped / len(asked))


def _words(handle: c_void_p, text: str, geometry: Geometry, chars: int, garbled: float) -> TextLayer:
    spans = [match.span() for match in _TOKEN.finditer(text)]
    if not spans:
        return no_text()
    rects, several = _rects(handle, spans)
    heights, turns, lengths = _measures(handle, spans, rects)
    several.update(np.flatnonzero(lengths > heights * _widest(text, spans)).tolist())
    if several:
        spans, rects, places = _divided(handle, spans, rects, heights, several)
        heights, turns = heights[places], turns[places]
    texts = [text[start:end] for start, end in spans]
    if _UNPRINTABLE_IN_WORD.search(text):
        texts = list(map(clean, texts))
    boxes = geometry.displayed(rects)
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    shown = (middle_x > 0) & (middle_x < geometry.width) & (middle_y > 0) & (middle_y < geometry.height)
    shown &= (boxes[:, 2] > boxes[:, 0]) | (boxes[:, 3] > boxes[:, 1])
    shown &= np.fromiter(map(bool, texts), np.bool_, len(texts))
    boxes[:, :2] = np.floor(boxes[:, :2] * 100) / 100
    boxes[:, 2:] = np.ceil(boxes[:, 2:] * 100) / 100
    if not shown.all():
        texts = [word for word, seen in zip(texts, shown.tolist(), strict=True) if seen]
        boxes, heights, turns = boxes[shown], heights[shown], turns[shown]
    return TextLayer(texts, boxes, heights, (turns + geometry.rotation) % 360, chars, garbled)


def _widest(text: str, spans: list[tuple[int, int]]) -> Floats:
    """(n,): width in line heights above which a word is looked at for gaps."""
    bounds = np.array(spans)
    widest: Floats = np.full(len(spans), WIDEST)
    if not text.isascii():
        widest[[not text[start].isascii() for start, _ in spans]] = WIDEST_CJK
    widest *= bounds[:, 1] - bounds[:, 0]
    return widest


def _measures(handle: c_void_p, spans: list[tuple[int, int]], rects: Floats) -> tuple[Floats, Turns, Floats]:
    """Line heights, turns in user space (clockwise) and lengths along the line of words with these rectangles."""
    loose = np.zeros((len(spans), 4), np.float32)
    starts = [start for start, _ in spans]
    for first in range(0, len(starts), _SLOTS):
        part = starts[first : first + _SLOTS]
        _LOOSE[: len(part)] = 0
        list(map(pdfium.char_loose_box, repeat(handle), part, _LOOSE_ROWS))
        loose[first : first + len(part)] = _LOOSE[: len(part)]
    angles = np.fromiter(map(pdfium.char_angle, repeat(handle), starts), np.float64, len(spans))
    turns = np.rint(angles * (2 / pi)).astype(np.int64) * 90
    lying = turns % 180 == 0
    wide, high = rects[:, 2] - rects[:, 0], rects[:, 3] - rects[:, 1]
    loose_wide, loose_high = np.abs(loose[:, 2] - loose[:, 0]), np.abs(loose[:, 3] - loose[:, 1])
    heights = np.where(lying, np.maximum(loose_high, high), np.maximum(loose_wide, wide))
    return heights.astype(np.float64), turns, np.where(lying, wide, high)


def _divided(
    handle: c_void_p, spans: list[tuple[int, int]], rects: Floats, heights: Floats, several: set[int]
) -> tuple[list[tuple[int, int]], Floats, list[int]]:
    """Spans and rectangles with the words in `several` divided into their pieces, and the place each one comes from."""
    added: list[tuple[int, tuple[int, int], list[float]]] = []
    spans = list(spans)
    for place in several:
        pieces = _pieces(handle, spans[place], float(heights[place]))
        if pieces:
            spans[place], rects[place] = pieces[0]
            added += [(place, span, rect) for span, rect in pieces[1:]]
    if not added:
        return spans, rects, list(range(len(spans)))
    places = [*range(len(spans)), *(place for place, _, _ in added)]
    spans += [span for _, span, _ in added]
    rects = np.concatenate((rects, [rect for _, _, rect in added]))
    order = sorted(range(len(spans)), key=lambda at: spans[at])
    return [spans[at] for at in order], rects[order], [places[at] for at in order]


def _rects(handle: c_void_p, spans: list[tuple[int, int]]) -> tuple[Floats, set[int]]:
    """(left, bottom, right, top) of each word, shape (words, 4), and the words that PDFium sees in several places."""
    rects = np.zeros((len(spans), 4))
    several: set[int] = set()
    count_rects, rect_at = pdfium.count_rects, pdfium.rect_at
    for first in range(0, len(spans), _SLOTS):
        part = spans[first : first + _SLOTS]
        _RECTS[: len(part)] = 0
        slots = zip(part, _LEFT, _TOP, _RIGHT, _BOTTOM, strict=False)
        for place, ((start, end), left, top, right, bottom) in enumerate(slots, first):
            if count_rects(handle, start, end - start) == 1:
                rect_at(handle, 0, left, top, right, bottom)
            else:
                several.add(place)
        rects[first : first + len(part)] = _RECTS[: len(part)]
    return rects, several


def _pieces(handle: c_void_p, span: tuple[int, int], height: float) -> list[tuple[tuple[int, int], list[float]]]:
    """A word that PDFium sees in several places, or that is too wide: divided where a gap shows it to be several.

    PDFium sets no space between cells of a table that were drawn as one text with equal gaps ("0      0" reads "00").
    """
    start, end = span
    boxes = np.zeros((end - start, 4))
    row, step = boxes.ctypes.data, boxes.strides[0]
    for index in range(start, end):
        pdfium.char_box(handle, index, row, row + 16, row + 8, row + 24)
        row += step
    pieces: list[tuple[tuple[int, int], list[float]]] = []
    last: list[float] | None = None
    for index, box in enumerate(boxes.tolist(), start):
        if box[2] <= box[0] and box[3] <= box[1]:
            continue
        if last is None or _gap(last, box) > WORD_GAP * height:
            pieces.append(((index if pieces else start, end), box))
            if len(pieces) > 1:
                (first, _), rect = pieces[-2]
                pieces[-2] = ((first, index), rect)
        else:
            begun, rect = pieces[-1]
            pieces[-1] = (
                begun,
                [min(rect[0], box[0]), min(rect[1], box[1]), max(rect[2], box[2]), max(rect[3], box[3])],
            )
        last = box
    return pieces


def _gap(one: list[float], other: list[float]) -> float:
    """Distance between two rectangles along the axis on which they lie further apart; negative where they overlap."""
    return max(other[0] - one[2], one[0] - other[2], other[1] - one[3], one[1] - other[3])
