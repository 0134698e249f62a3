"""Each reason for refusing a multiple-choice question, said to a person who did not write the code."""

from __future__ import annotations

from typing import Final

from sightline.recipes.document_reasons import REASONS as DOCUMENT_REASONS

REASONS: Final[dict[str, str]] = {
    **DOCUMENT_REASONS,
    "ambiguous-key": "The key is the text of one option and the letter of another.",
    "answer-in-question": "The right option stands in the question itself.",
    "bad-split": "The line's split is no name that a file of a dataset can bear: letters, digits, _ and dots between.",
    "blind-failed": "The blind judge gave no answer this time; the next run asks again.",
    "broken-line": "The line is no JSON object.",
    "duplicate-id": "Another line has the same id.",
    "empty-text": "The question or an option is empty.",
    "held-out-failed": "The held-out judge gave no answer this time; the next run asks again.",
    "key-refused": "A reader of the same material did not choose this key.",
    "no-context": "There is nothing to show a model: no words and no picture.",
    "no-key": "The key names none of the options.",
    "no-pairs": "No pair with an answer is known about this page.",
    "no-question": "The line holds no question with options.",
    "no-such-picture": "A picture the line names is not in the folder, or is none that a dataset may hold.",
    "no-template-fits": "The writer named no kind of question that fits.",
    "option-count": "There are too few or too many options.",
    "positional-option": "An option speaks of other options, which makes no sense in another order.",
    "quote-not-in-context": "The words said to prove the answer do not stand in the context.",
    "repeated-question": "Nearly the same question was already asked about this scene.",
    "same-options": "Two options say the same.",
    "too-few-alike-answers": "Not enough other answers of the same kind are known to serve as wrong options.",
    "unusable-reply": "The writer's reply was not in the form asked for, three times.",
    "verifier-failed": "The verifier gave no answer this time; the next run asks again.",
}
