"""Each reason for refusing a row of a documents dataset, said to a person who did not write the code."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "answerable-blind": "The question can be answered without seeing the page, so it would teach a model not to look.",
    "blind-failed": "The blind judge gave no answer this time; the next run asks again.",
    "broken-page": "The file opens, but this page cannot be read.",
    "broken-pdf": "The file calls itself a PDF, but no reader can open it.",
    "code": "The pair holds program code instead of words.",
    "cut-off": "The answer stops in the middle of what the page says.",
    "denied-on-page": "The page says the opposite: a “not” stands with these words.",
    "duplicate-file": "The same bytes were already read under another name.",
    "duplicate-page": "The same page, or nearly the same, stood before.",
    "dynamic-form": "The pages of this form (XFA) are drawn by a program inside it, which only Adobe’s reader runs.",
    "echo": "The answer only repeats the question.",
    "empty": "The question or the answer is empty.",
    "empty-page": "Nothing is on the page.",
    "encrypted-pdf": "The file opens with a password only.",
    "garbled-text-layer": "The page’s hidden text is not what a reader sees, so nothing can be checked against it.",
    "judge-disagrees": "An independent judge, given the page alone, answered something else.",
    "judge-failed": "The judge gave no answer this time; the next run asks again.",
    "label-leak": "A label of the prompt, such as “Q2:”, stands in the pair: the reply was cut at the wrong place.",
    "language-without-templates": "The page is in a language that no writer here can ask in.",
    "no-pages": "The file is a PDF without a single page.",
    "no-text-layer": "The page is a picture of text (a scan), and no OCR engine was asked to read it.",
    "not-a-pdf": "By its content the file is something else than a PDF, whatever its name says.",
    "not-on-page": "The answer’s words do not stand on the page.",
    "nothing-to-ask": "The writer found nothing on the page that makes a sound question.",
    "ocr-cannot-read": "The page is a scan in a language that the chosen OCR engine does not know.",
    "ocr-failed": "The OCR engine broke down on this page.",
    "ocr-timeout": "The OCR engine took longer than its time limit.",
    "ocr-unsure": "OCR read the scan too uncertainly to trust a word of it.",
    "page-too-large": "The page is too large to be drawn safely.",
    "picture-too-large": "A picture on the page is too large to be decoded safely.",
    "placeholder": "An unfilled placeholder, such as “[name]”, stands in the pair.",
    "prompt-injection": "The pair holds words meant to command a language model.",
    "refusal": "The writer declined to answer instead of answering.",
    "repeated-question": "Nearly the same question was already asked about this document.",
    "step-error": "The program failed on this item; the evidence holds the error. Please report it.",
    "text-too-small": "The page is so large that its words cannot be read in its picture; a larger --max-side helps.",
    "time-limit": "The item took longer than the time limit; some files hang their reader.",
    "too-long": "The question or the answer is longer than training data of this kind should hold.",
    "unreadable-file": "The file cannot be read from where it lies.",
    "unreadable-media": "The file as a whole cannot be read.",
    "unsupported": "The words stand on the page, but not near anything the question asks about.",
    "weak-match": "Only words somewhat like the answer stand on the page.",
    "worker-died": "The process working on this item died; it was restarted and the rest went on.",
    "writer-failed": "The language model gave no usable answer this time; the next run asks again.",
}


def in_words(reason: str) -> str:
    """A sentence; a reason not in the table is spelt out.

    >>> in_words("too-many-columns")
    'Too many columns.'
    """
    return REASONS.get(reason) or reason.replace("-", " ").strip().capitalize() + "."
