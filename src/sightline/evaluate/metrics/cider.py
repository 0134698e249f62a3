"""CIDEr and CIDEr-D (Vedantam et al. 2015), each under its own name.

What most tools print as "CIDEr" is CIDEr-D: it clips a word's weight at the reference's and multiplies with a
Gaussian of the difference in length. `cider_d` equals pycocoevalcap 1.2 to 1e-6, `cider` is the paper's first
formula without those two. In both, "length" counts bigrams and no word is stemmed, as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sightline.core.score import Interval, Score
from sightline.evaluate.metrics.ngrams import Grams, Ids, Words, grams, words
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.tokenizers.choose import TokenizerName
from sightline.evaluate.tokenizers.choose import tokenizer as chosen
from sightline.evaluate.totals import Array, Totals, signature

ORDERS = 4
SIGMA = 6.0
LIMITS = Interval(0.0, 10.0)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How many images have an n-gram in their references; the weight of a rare word comes from here.

    Store one table and give it to every run whose CIDEr is to be comparable, or add the tables of two halves.
    """

    images: int
    counts: Mapping[tuple[str, ...], int] = field(repr=False)

    def __add__(self, other: Frequencies) -> Frequencies:
        counts = dict(self.counts)
        for gram, count in other.counts.items():
            counts[gram] = counts.get(gram, 0) + count
        return Frequencies(self.images + other.images, counts)


def cider_d(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenizer: TokenizerName = "auto",
    df: Frequencies | None = None,
    groups: Groups | None = None,
) -> Score:
    """CIDEr-D, 0..10, mean over items. Document frequencies come from the references at hand unless `df` is given.

    With one item and no table every weight is log(1) = 0 and so is the score. Resampled intervals keep the weights
    fixed. Raises InputError on missing or non-text input and for an English tokenizer on Hangul.
    """
    return _score("cider-d", predictions, references, tokenizer, df, groups)


def cider(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenizer: TokenizerName = "auto",
    df: Frequencies | None = None,
    groups: Groups | None = None,
) -> Score:
    """CIDEr without clipping and without length penalty, 0..10; see `cider_d`."""
    return _score("cider", predictions, references, tokenizer, df, groups)


def frequencies(references: Sequence[Sequence[str]], *, tokenizer: TokenizerName = "auto") -> Frequencies:
    """The document frequencies of these references, to be stored or merged."""
    _, tokenize = chosen(tokenizer, [""] * len(references), references)
    flat = words([tokenize(text) for texts in references for text in texts])
    image = _image_of(references)
    counts: dict[tuple[str, ...], int] = {}
    for order in grams(flat, ORDERS):
        number = _images_with(order, image)
        for gram, example in zip(number.tolist(), order.example.tolist(), strict=True):
            counts[tuple(flat.names[word] for word in example)] = gram
    return Frequencies(len(references), counts)


def totals(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    name: str = "cider-d",
    tokenizer: TokenizerName = "auto",
    df: Frequencies | None = None,
) -> Totals:
    """One figure per item."""
    _, tokenize = chosen(tokenizer, predictions, references)
    image = _image_of(references)
    flat = words([tokenize(text) for texts in references for text in texts] + [tokenize(text) for text in predictions])
    similarity = np.zeros(len(image))
    for order in grams(flat, ORDERS):
        weight_of_gram = _weights(order, flat, image, len(predictions), df)
        similarity += _cosines(order, weight_of_gram, image, len(predictions), clip=name == "cider-d")
    similarity /= ORDERS
    if name == "cider-d":
        bigrams = np.maximum(flat.lengths - 1, 0)
        delta = (bigrams[len(image) :][image] - bigrams[: len(image)]).astype(np.float64)
        similarity *= np.exp(-(delta**2) / (2 * SIGMA**2))
    per_image = np.bincount(image, weights=similarity, minlength=len(predictions))
    return Totals.of_mean(10.0 * per_image / np.bincount(image, minlength=len(predictions)))


def _score(
    name: str,
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    tokens: TokenizerName,
    df: Frequencies | None,
    groups: Groups | None,
) -> Score:
    sums = totals(predictions, references, name=name, tokenizer=tokens, df=df)
    stated, _ = chosen(tokens, predictions, references)
    source = f"references({len(predictions)})" if df is None else f"table({df.images})"
    facts: dict[str, object] = {"tok": stated, "case": "lower", "n": ORDERS, "df": source, "stem": "no"}
    if name == "cider-d":
        facts["sigma"] = SIGMA
    return score(name, sums, signature(name, **facts), groups, limits=LIMITS)


def _image_of(references: Sequence[Sequence[str]]) -> Ids:
    return np.repeat(np.arange(len(references)), np.fromiter(map(len, references), np.int64, len(references)))


def _images_with(order: Grams, image: Ids) -> Ids:
    """(size,): images whose references hold each gram. Texts after the references are not counted."""
    mine = order.text < len(image)
    pairs = np.unique(image[order.text[mine]] * max(1, order.size) + order.gram[mine])
    return np.bincount(pairs % max(1, order.size), minlength=order.size)


def _weights(order: Grams, flat: Words, image: Ids, images: int, df: Frequencies | None) -> Array:
    """(size,): log(images) - log(max(1, df)) of each gram."""
    if df is None:
        counts = _images_with(order, image)
    else:
        names = flat.names
        counts = np.array([df.counts.get(tuple(names[w] for w in gram), 0) for gram in order.example.tolist()])
    weights: Array = np.log(float(images if df is None else df.images)) - np.log(np.maximum(counts, 1.0))
    return weights


def _cosines(order: Grams, weight_of_gram: Array, image: Ids, images: int, *, clip: bool) -> Array:
    """(reference texts,): cosine of each reference with its image's prediction, over one order."""
    texts = len(image)
    weight = order.count * weight_of_gram[order.gram]
    norm = np.sqrt(np.bincount(order.text, weights=weight**2, minlength=texts + images))
    size = max(1, order.size)
    first = int(np.searchsorted(order.text, texts))
    key_of_prediction = (order.text[first:] - texts) * size + order.gram[first:]
    text, of_reference = order.text[:first], weight[:first]
    key = image[text] * size + order.gram[:first]
    if not (len(key_of_prediction) and len(key)):
        return np.zeros(texts)
    at = np.minimum(np.searchsorted(key_of_prediction, key), len(key_of_prediction) - 1)
    of_prediction = np.where(key_of_prediction[at] == key, weight[first:][at], 0.0)
    if clip:
        of_prediction = np.minimum(of_prediction, of_reference)
    product = np.bincount(text, weights=of_prediction * of_reference, minlength=texts).astype(np.float64)
    scale = norm[:texts] * norm[texts:][image]
    return np.asarray(np.divide(product, scale, out=product.copy(), where=scale != 0))
