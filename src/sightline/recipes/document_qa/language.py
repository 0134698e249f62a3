"""The language of a page, by its script and a handful of function words: offline, no model.

Known by name: en, ko, zh, ja and the commoner languages in Latin letters that are told from English by their function
words; Cyrillic, Arabic and all else is "other". A Latin page with too few function words to tell, such as a table,
counts as English.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

HANGUL_SHARE = 0.15
"""Of the letters: Korean pages hold many Latin names and figures, but others hold no Hangul."""
KANA_SHARE = 0.1
LATIN_SHARE = 0.5
SURE_WORDS = 5
"""Function words another language must have, and twice as many as English has, before a page counts as its."""
_SCRIPTS = (
    ("hangul", re.compile("[가-힣ᄀ-ᇿ㄰-㆏]")),
    ("kana", re.compile("[぀-ヿ]")),
    ("han", re.compile("[㐀-鿿]")),
    ("latin", re.compile("[A-Za-zÀ-ɏ]")),
)
_WORD = re.compile(r"[^\W\d_]+")
_LISTS = {
    "en": "the and of to is for with that this are by from be or at",
    "de": "der und das ist für mit von nicht den dem auf sich eine wird",
    "fr": "les des et dans est une pour que du sur par aux avec pas",
    "es": "los las y el para por con una del se como más al sus",
    "it": "il della che di per gli una del sono con nel alla dei è",
    "pt": "os das dos e uma para com não em da ao pela são mais",
    "nl": "het een van en voor niet zijn met aan ook wordt naar bij dat",
}
_FUNCTION_WORDS = {code: frozenset(words.split()) for code, words in _LISTS.items()}


def page_language(text: str) -> str:
    """ISO 639-1 code, or "other".

    >>> page_language("발행일 2020년 4월 2일, ISSN 2005-744X"), page_language("Amount due: 571.04 EUR")
    ('ko', 'en')
    """
    signs = Counter(text)
    counts: Counter[str | None] = Counter()
    for sign, count in signs.items():
        counts[_script(sign)] += count
    letters = sum([count for sign, count in signs.items() if sign.isalpha()])
    if letters == 0:
        return "other"
    if counts["hangul"] >= HANGUL_SHARE * letters:
        return "ko"
    square = counts["kana"] + counts["han"]
    if square >= LATIN_SHARE * letters:
        return "ja" if counts["kana"] >= KANA_SHARE * square else "zh"
    return _latin_language(text) if counts["latin"] >= LATIN_SHARE * letters else "other"


@lru_cache(maxsize=1 << 14)
def _script(sign: str) -> str | None:
    return next((name for name, script in _SCRIPTS if script.match(sign)), None)


def _latin_language(text: str) -> str:
    words = Counter(_WORD.findall(text.casefold()))
    hits = {code: sum(words[word] for word in known) for code, known in _FUNCTION_WORDS.items()}
    best = max(hits, key=hits.__getitem__)
    return best if hits[best] >= max(SURE_WORDS, 2 * hits["en"]) else "en"
