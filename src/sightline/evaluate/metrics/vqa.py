"""VQA accuracy (Antol et al. 2015): each answer of the panel is judged against the others, min(1, matches / 3),
averaged.

The official script of 2021 cleans prediction and answers *only if* the panel disagrees, so that "Yes" against ten
"yes" is 0; other tools clean always. Both are here under their names; the cleaning itself is the official one, its
mistyped patterns included.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from sightline.core.errors import InputError
from sightline.core.score import Score
from sightline.evaluate.statistics import Groups, score
from sightline.evaluate.totals import Totals, checked, signature

Cleaning = Literal["official-2021", "always"]

_NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"} | {
    "seven": "7", "eight": "8", "nine": "9", "ten": "10"
}  # fmt: skip
_ARTICLES = frozenset(["a", "an", "the"])
_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGIT_COMMA = re.compile(r"\d,\d")
_PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
_MOST_PERIODS = int(re.UNICODE)
"""The official script gives the flag re.UNICODE where the count of replacements belongs: 32 periods and no more."""
_FORMS = (
    "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd "
    "he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've "
    "needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've "
    "somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll "
    "that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've "
    "we've weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's "
    "who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've "
    "you'll you're you've"
)


def _contractions() -> dict[str, str]:
    """Each form with any one of its apostrophes left out -> the form."""
    table = {"somebody'd": "somebodyd"}
    for form in _FORMS.split():
        for at in (i for i, letter in enumerate(form) if letter == "'"):
            table[form[:at] + form[at + 1 :]] = form
    return table


_CONTRACTIONS = _contractions()


def vqa_accuracy(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    cleaning: Cleaning = "official-2021",
    groups: Groups | None = None,
) -> Score:
    """VQA accuracy in 0..1; `references` are the panel's answers (ten in VQAv2). Raises InputError on missing input.

    >>> vqa_accuracy(["2 dogs"], [["2 dogs"] * 3 + ["dogs"] * 7]).value
    0.9
    """
    words = signature("vqa", clean=cleaning, panel="leave-one-out")
    return score("vqa", totals(predictions, references, cleaning=cleaning), words, groups)


def totals(
    predictions: Sequence[str], references: Sequence[Sequence[str]], *, cleaning: Cleaning = "official-2021"
) -> Totals:
    """One accuracy per question."""
    checked(predictions, references)
    if cleaning not in ("official-2021", "always"):
        raise InputError("unknown cleaning", subject=cleaning, remedy="official-2021 or always")
    pairs = zip(predictions, references, strict=True)
    return Totals.of_mean([_accuracy(prediction, answers, cleaning == "always") for prediction, answers in pairs])


def _accuracy(prediction: str, answers: Sequence[str], always: bool) -> float:
    mine, panel = _flat(prediction), [_flat(answer) for answer in answers]
    if always or len(set(panel)) > 1:
        mine, panel = clean(mine), [clean(answer) for answer in panel]
    matches = panel.count(mine)
    one_less, n = min(1.0, (matches - 1) / 3), len(panel)
    with_all = min(1.0, matches / 3)
    if n == 1:
        return float(matches)
    return (matches * max(0.0, one_less) + (n - matches) * with_all) / n


def _flat(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def clean(text: str) -> str:
    """Official cleaning of one flat answer: punctuation, number words, articles, contractions."""
    out = text
    glued = _DIGIT_COMMA.search(text) is not None
    for sign in _PUNCTUATION:
        if sign in text:
            out = out.replace(sign, "" if glued or f"{sign} " in text or f" {sign}" in text else " ")
    out = _PERIOD.sub("", out, count=_MOST_PERIODS)
    kept = [_NUMBERS.get(word, word) for word in out.lower().split()]
    return " ".join(_CONTRACTIONS.get(word, word) for word in kept if word not in _ARTICLES)
