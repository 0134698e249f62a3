"""ANLS: average normalised Levenshtein similarity (Biten et al. 2019, "Scene Text Visual Question Answering").

Per reference s = 1 - distance / longer length, kept when near enough, the best reference counts, mean over questions.
"Near enough" has two readings that differ exactly at one half: the paper keeps s when the distance is *below* tau, the
script in use (RRC) keeps it when s is *at least* 1 - tau. The script also divides by the length of the raw,
upper-cased texts while it measures the distance on the cleaned ones. Both are here under their names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Array, Totals, checked, signature

Rule = Literal["paper", "script"]


def anls(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    rule: Rule = "paper",
    tau: float = 0.5,
    nfc: bool = True,
    groups: Groups | None = None,
) -> Score:
    """ANLS in 0..1.

    `nfc` composes both sides first, so that Hangul typed as letters and as syllables is the same text; the published
    scripts do not (set it to False to reproduce them). Raises InputError on missing or non-text input.

    >>> anls(["paris", "rome"], [["Paris"], ["London", "Rom"]]).value
    0.875
    """
    words = signature("anls", rule=rule, tau=tau, form="nfc" if nfc else "as-is", case="lower", blanks="collapsed")
    return score("anls", totals(predictions, references, rule=rule, tau=tau, nfc=nfc), words, groups)


def totals(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    rule: Rule = "paper",
    tau: float = 0.5,
    nfc: bool = True,
) -> Totals:
    """One similarity per question."""
    checked(predictions, references)
    if rule not in ("paper", "script"):
        raise InputError("unknown ANLS rule", subject=rule, remedy="paper or script")
    counts = np.fromiter(map(len, references), np.int64, len(references))
    flat = [text for texts in references for text in texts]
    right, left = _clean(flat, nfc), _clean(predictions, nfc)
    repeated = (
        left if len(flat) == len(left) else [text for text, n in zip(left, counts, strict=True) for _ in range(n)]
    )
    distance = cpdist(repeated, right, scorer=Levenshtein.distance, dtype=np.int32).astype(np.float64)
    if rule == "script":
        raw = np.fromiter((len(text.upper()) for text in predictions), np.int64, len(predictions))
        longer = np.maximum(np.repeat(raw, counts), np.fromiter((len(t.upper()) for t in flat), np.int64, len(flat)))
    else:
        longer = np.maximum(_lengths(repeated), _lengths(right))
    near = np.divide(distance, longer, out=np.zeros_like(distance), where=longer > 0)
    best = 1.0 - np.minimum.reduceat(near, np.concatenate([[0], np.cumsum(counts)[:-1]]))
    kept = best >= 1 - tau if rule == "script" else (1.0 - best) < tau
    return Totals.of_mean(np.where(kept, best, 0.0))


def _lengths(texts: Sequence[str]) -> Array:
    return np.fromiter(map(len, texts), np.float64, len(texts))


def _clean(texts: Sequence[str], nfc: bool) -> list[str]:
    """Lower case, blanks collapsed; punctuation, articles and accents count."""
    if nfc:
        texts = [t if t.isascii() else unicodedata.normalize("NFC", t) for t in texts]
    return [" ".join(text.lower().split()) for text in texts]
