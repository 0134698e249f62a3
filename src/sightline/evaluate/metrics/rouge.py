"""ROUGE-L as the COCO evaluation computes it (Lin 2004; pycocoevalcap 1.2).

Longest common subsequence of words; the best precision and the best recall are taken over the references *separately*,
then combined with beta 1.2. An empty text is one empty word, so two empty texts agree.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cpdist

from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.tokenizers.choose import TokenizerName
from sightline.evaluate.tokenizers.choose import tokenizer as chosen
from sightline.evaluate.totals import Totals, signature

BETA = 1.2


def rouge_l(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    tokenizer: TokenizerName = "auto",
    groups: Groups | None = None,
) -> Score:
    """ROUGE-L F in 0..1, mean over items. Raises InputError on missing or non-text input."""
    stated = chosen(tokenizer, predictions, references)[0]
    words = signature("rouge-l", tok=stated, case="lower", beta=BETA, references="best-p-and-best-r", stem="no")
    return score("rouge-l", totals(predictions, references, tokenizer=tokenizer), words, groups)


def totals(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, tokenizer: TokenizerName = "auto"
) -> Totals:
    """One F per item."""
    tokenize = chosen(tokenizer, predictions, references)[1]
    table: dict[str, str] = {}
    number = np.fromiter(map(len, references), np.int64, len(references))
    theirs = [_as_letters(tokenize(text), table) for texts in references for text in texts]
    single = [_as_letters(tokenize(text), table) for text in predictions]
    mine = [text for text, count in zip(single, number, strict=True) for _ in range(count)]
    common = cpdist(mine, theirs, scorer=LCSseq.similarity, dtype=np.int32).astype(np.float64)
    start = np.concatenate([[0], np.cumsum(number)[:-1]])
    precision = np.maximum.reduceat(common / np.fromiter(map(len, mine), np.float64, len(mine)), start)
    recall = np.maximum.reduceat(common / np.fromiter(map(len, theirs), np.float64, len(theirs)), start)
    below = recall + BETA**2 * precision
    f = np.divide((1 + BETA**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)
    return Totals.of_mean(f)


def _as_letters(text: str, table: dict[str, str]) -> str:
    """One character per word, so that a C++ string routine can compare words."""
    return "".join([table.get(word) or table.setdefault(word, _letter(len(table))) for word in text.split(" ")])


def _letter(number: int) -> str:
    """The characters from U+0100 on; the surrogates' block is left out. Room for 1,111,000 different words."""
    code = number + 0x100
    return chr(code if code < 0xD800 else code + 0x800)
