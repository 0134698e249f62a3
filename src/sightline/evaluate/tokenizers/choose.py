"""Which words a caption metric counts: by name, never by silence.

ptb        the Penn-Treebank words of the COCO evaluation (English)
space      lower case, split on blanks
character  every character that is no blank
syllable   Korean: composed (NFC), each Hangul syllable a word, other letters and digits in runs, no punctuation
auto       syllable where any reference holds Hangul, else ptb
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal

from sightline.core.errors import InputError
from sightline.evaluate.tokenizers.ptb import ptb
from sightline.evaluate.totals import checked

TokenizerName = Literal["auto", "ptb", "space", "character", "syllable"]

_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_SYLLABLE = re.compile("[\uac00-\ud7a3]|[^\\W_\uac00-\ud7a3]+")


def space(text: str) -> str:
    """`"A  Red bus."` -> `"a red bus."`"""
    return " ".join(text.lower().split())


def character(text: str) -> str:
    """`"빨간 차"` -> `"빨 간 차"`; composed first."""
    return " ".join("".join(unicodedata.normalize("NFC", text).lower().split()))


def syllable(text: str) -> str:
    """`"빨간 bus 2대."` -> `"빨 간 bus 2 대"`; decomposed and composed Hangul give the same words."""
    return " ".join(_SYLLABLE.findall(unicodedata.normalize("NFC", text).lower()))


TOKENIZERS: dict[str, Callable[[str], str]] = {
    "ptb": ptb,
    "space": space,
    "character": character,
    "syllable": syllable,
}


def tokenizer(
    name: TokenizerName, predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[str, Callable[[str], str]]:
    """The name that is stated in the signature, and the function text -> words joined by single blanks.

    Raises InputError for an unknown name, and for "ptb" where a text holds Hangul: an English tokenizer would split
    Korean at random places without a word.
    """
    checked(predictions, references)
    texts = chain(predictions, chain.from_iterable(references))
    korean = next((text for text in texts if not text.isascii() and _HANGUL.search(text)), None)
    if name == "auto":
        name = "ptb" if korean is None else "syllable"
    if name not in TOKENIZERS:
        raise InputError("unknown tokenizer", subject=name, remedy=f"one of auto, {', '.join(TOKENIZERS)}")
    if name == "ptb" and korean is not None:
        raise InputError(
            "the English tokenizer cannot read Hangul", subject=korean[:40], remedy="syllable, character or space"
        )
    return name, TOKENIZERS[name]
