"""Words of a fixed vocabulary in a text, the same on every machine: no tagger, no vectors, no download."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_IRREGULAR = {"men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth", "geese": "goose",
              "mice": "mouse", "people": "person", "leaves": "leaf", "knives": "knife", "shelves": "shelf",
              "loaves": "loaf", "wolves": "wolf", "halves": "half", "calves": "calf"}  # fmt: skip

Nouns = Callable[[str], list[str]]
"""Text -> its object words in order, duplicates kept."""


def singulars(word: str) -> list[str]:
    """The word and what it may be the plural of, most literal first.

    >>> singulars("benches")
    ['benches', 'benche', 'bench']
    """
    out = [word]
    if word in _IRREGULAR:
        out.append(_IRREGULAR[word])
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        out.append(word[:-1])
        if word.endswith("es"):
            out.append(word[:-2])
        if word.endswith("ies"):
            out.append(word[:-3] + "y")
    return out


def vocabulary_words(vocabulary: Iterable[str]) -> Nouns:
    """Finds the vocabulary's words, as they are or in the plural; of several words ("hot dog") the longest match."""
    entries = {tuple(entry.lower().split()) for entry in vocabulary}
    longest = max(map(len, entries), default=1)

    def nouns(text: str) -> list[str]:
        words = _WORD.findall(text.lower())
        found, at = [], 0
        while at < len(words):
            for size in range(min(longest, len(words) - at), 0, -1):
                head = tuple(words[at : at + size - 1])
                hit = next((s for s in singulars(words[at + size - 1]) if (*head, s) in entries), None)
                if hit is not None:
                    found.append(" ".join((*head, hit)))
                    at += size - 1
                    break
            at += 1
        return found

    return nouns
