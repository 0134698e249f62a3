"""Corpus BLEU-1..4 as the COCO evaluation computes it (Papineni et al. 2002; pycocoevalcap 1.2).

Clipped n-gram matches and lengths are summed over the corpus; the reference length is the closest one, the shorter
on a tie; 1e-15 and 1e-9 guard the fractions. "BLEU" without tokenizer, smoothing and level says nothing: read the
signature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.metrics.ngrams import Ids, grams, words
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.tokenizers.choose import TokenizerName
from sightline.evaluate.tokenizers.choose import tokenizer as chosen
from sightline.evaluate.totals import Array, Totals, signature

_TINY, _SMALL = 1e-15, 1e-9


def bleu(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    n: int = 4,
    tokenizer: TokenizerName = "auto",
    groups: Groups | None = None,
) -> Score:
    """Corpus BLEU-`n` in 0..1; `per_item` holds each text's own BLEU with the same constants (never averaged here).

    Raises InputError on missing or non-text input, n outside 1..4, and for an English tokenizer on Hangul.
    """
    stated = chosen(tokenizer, predictions, references)[0]
    words = signature(f"bleu-{n}", level="corpus", tok=stated, case="lower", smooth="coco-1e-15/1e-9", length="closest")
    return score(f"bleu-{n}", totals(predictions, references, n=n, tokenizer=tokenizer), words, groups)


def totals(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, n: int = 4, tokenizer: TokenizerName = "auto"
) -> Totals:
    """Per item: matches of order 1..n, predicted n-grams of order 1..n, its length, the closest reference length."""
    if not 1 <= n <= 4:
        raise InputError("BLEU has orders 1 to 4", subject=n)
    tokenize = chosen(tokenizer, predictions, references)[1]
    count = len(predictions)
    number: Ids = np.fromiter(map(len, references), np.int64, count)
    image: Ids = np.repeat(np.arange(count), number)
    flat = words([tokenize(text) for text in predictions] + [tokenize(text) for texts in references for text in texts])
    lengths = flat.lengths.astype(np.float64)
    matches = []
    for order in grams(flat, n):
        size = max(1, order.size)
        last = int(np.searchsorted(order.text, count))
        mine = order.text[:last] * size + order.gram[:last]
        pair = image[order.text[last:] - count] * size + order.gram[last:]
        by_pair = np.argsort(pair, kind="stable")
        pairs, start = np.unique(pair[by_pair], return_index=True)
        most = np.maximum.reduceat(order.count[last:][by_pair], start) if len(start) else np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(pairs, mine), max(0, len(pairs) - 1))
        allowed = np.where(pairs[at] == mine, most[at], 0) if len(pairs) else np.zeros(len(mine), np.int64)
        clipped = np.minimum(order.count[:last], allowed)
        matches.append(np.bincount(order.text[:last], weights=clipped, minlength=count))
    guesses = [np.maximum(0.0, lengths[:count] - k) for k in range(n)]
    closest = _closest(lengths[:count], lengths[count:], image, number)
    items = np.stack([*matches, *guesses, lengths[:count], closest], axis=1)
    return Totals(items, _value(n), shown=_value(n)(items))


def _value(n: int) -> Callable[[Array], Array]:
    def value(sums: Array) -> Array:
        precision = np.prod((sums[..., :n] + _TINY) / (sums[..., n : 2 * n] + _SMALL), axis=-1) ** (1.0 / n)
        ratio = (sums[..., 2 * n] + _TINY) / (sums[..., 2 * n + 1] + _SMALL)
        return np.asarray(precision * np.exp(np.minimum(0.0, 1 - 1 / ratio)))

    return value


def _closest(mine: Array, theirs: Array, image: Ids, number: Ids) -> Array:
    """(n,): the reference length nearest to the prediction's, the shorter one on a tie."""
    distance = np.abs(theirs - mine[image]) * (theirs.max(initial=0) + 1) + theirs
    start = np.concatenate([[0], np.cumsum(number)[:-1]])
    best = np.minimum.reduceat(distance, start)
    return np.asarray(best % (theirs.max(initial=0) + 1))
