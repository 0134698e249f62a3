"""Folding: two writings of the same words become the same string.

Folded away: width and compatibility forms (NFKC), case, the shape of quotes and dashes, invisible characters, line
breaks and runs of blanks, hyphens between letters (so a word broken over two lines equals the unbroken one), and every
blank beside a Hangul, Han or kana letter, because Korean spacing varies between writers. Never folded: digits,
decimal points, signs, letters themselves. Superscript digits do not become plain digits ("5²" is not "52").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate

SOFT_HYPHEN = "\xad"
_QUOTES = dict.fromkeys(map(ord, "‘’‚‛′ʼ´`"), "'") | dict.fromkeys(map(ord, "“”„‟«»″"), '"')
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")
_DOTS = dict.fromkeys(map(ord, "ㆍ・∙⋅•‧"), "·")
_POWERS = {ord(sign): f"^{digit}" for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
_FRACTIONS = {ord("½"): "+1/2", ord("¼"): "+1/4", ord("¾"): "+3/4", ord("⅓"): "+1/3", ord("⅔"): "+2/3", ord("⁄"): "/"}
_INVISIBLE: dict[int, str | None] = dict.fromkeys(
    [*range(9), *range(14, 28), 127, *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0xFFFF], None
)
# Text extraction from PDF marks a hyphen at a line's end as U+0002 or U+FFFE.
_BREAKS = {0x02: SOFT_HYPHEN, 0xFFFE: SOFT_HYPHEN}
_TABLE: dict[int, str | None] = {
    **_INVISIBLE, **_QUOTES, **_DASHES, **_DOTS, **_POWERS, **_FRACTIONS, **_BREAKS,
}  # fmt: skip

_INNER_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_INNER_SOFT_HYPHEN = re.compile(rf"{SOFT_HYPHEN}(?=\S)")
_CJK = re.compile(r"[\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
HANGUL = re.compile(r"[\uac00-\ud7a3]")


def fold(text: str) -> str:
    """`fold(fold(text)) == fold(text)`.

    >>> fold("The “Total”  Auto-\\nMatic ２０２４")
    'the "total" automatic 2024'
    >>> fold("제 3 조 확진자") == fold("제3조확진자")
    True
    """
    words = text.split()
    if text.isascii():
        whole = " ".join(words)
        if whole.isprintable() and "- " not in whole:
            return _fold_letters(whole)
    return join([piece for word in words for piece in pieces(word)])[0]


@lru_cache(maxsize=65536)
def pieces(word: str) -> tuple[str, ...]:
    """The folded parts of one blank-free word: nearly always one, none for invisible text."""
    return tuple(piece for piece in _fold_letters(word).split() if piece.strip(SOFT_HYPHEN))


def _fold_letters(text: str) -> str:
    """Everything that needs no neighbouring word."""
    if text.isascii() and text.isprintable():
        return _INNER_HYPHEN.sub("", text.lower().replace("`", "'"))
    while True:
        bare = _INNER_SOFT_HYPHEN.sub("", text.translate(_TABLE))
        folded = _INNER_HYPHEN.sub("", unicodedata.normalize("NFKC", bare).casefold())
        if folded == text:
            return folded
        text = folded


def join(parts: list[str]) -> tuple[str, list[int]]:
    """The folded text of the parts, and where in it each part begins."""
    whole = " ".join(parts)
    if whole.isascii() and "- " not in whole:
        return whole, [0, *accumulate([len(part) + 1 for part in parts[:-1]])] if parts else []
    out: list[str] = []
    starts: list[int] = []
    length = 0
    for part, following in zip(parts, [*parts[1:], ""], strict=False):
        starts.append(length)
        if following and part[-1].isascii() and part[-1] != "-" and following[0].isascii():
            part += " "
        else:
            part = _with_separator(part, following)
        out.append(part)
        length += len(part)
    return "".join(out), starts


def _with_separator(part: str, following: str) -> str:
    """`part` as it stands before `following`: with a blank, or without, or without its line-end hyphen."""
    if not following:
        return part.removesuffix(SOFT_HYPHEN)
    last, first = part[-1], following[0]
    if last == SOFT_HYPHEN:
        part = part[:-1]
        if not _may_touch(first):
            return part + " "
        return _without_hyphen(part, first) if part.endswith("-") else part
    if last == "-" and _may_touch(first) and len(part) > 1 and part[-2].isalnum() and first.isalnum():
        return _without_hyphen(part, first)
    if (is_cjk(last) or is_cjk(first)) and _may_touch(last) and _may_touch(first):
        return part
    return part + " "


def _without_hyphen(part: str, first: str) -> str:
    """`part` less its last hyphen where it stands between two letters."""
    return part[:-1] if part[-2:-1].isalpha() and first.isalpha() else part


def is_cjk(letter: str) -> bool:
    """Hangul, Han or kana: scripts whose blanks carry no meaning here."""
    return letter > "\u303f" and _CJK.match(letter) is not None


def _may_touch(letter: str) -> bool:
    if letter.isascii():
        return letter != "-"
    return not unicodedata.combining(letter) and not "\u1100" <= letter <= "\u11ff"
