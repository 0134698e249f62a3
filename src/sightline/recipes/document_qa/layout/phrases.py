"""Wordings of the questions, English and Korean: several for each form of fact.

Korean particles follow the final sound of the word before them: `{label:은는}` gives "납기일은", "주소는".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sightline.recipes.document_qa.layout.fact import Fact

_ENGLISH: dict[str, tuple[str, ...]] = {
    "key-date": ("What is the {plain}?", "Which date is given as the {plain}?", "What {plain} is stated?"),
    "key-number": ("What is the {plain}?", "What {plain} is shown?", "What {plain} is given?"),
    "key-amount": ("What is the {plain}?", "How much is the {plain}?", "What amount is stated as the {plain}?"),
    "key-person": ("Who is named as the {plain}?", "Who is the {plain}?"),
    "key-name": ("What is the {plain}?", "What {plain} is given?"),
    "key-place": ("What is the {plain}?", "What {plain} is given?"),
    "key-contact": ("What is the {plain}?", "Which {plain} is given?"),
    "key-other": (
        "What is given as the {plain}?",
        'What is stated under "{label}"?',
        "What does the page name as the {plain}?",
    ),
    "key-value": (
        'What is given for "{label}"?',
        'What does the page state for "{label}"?',
        'What is listed under "{label}"?',
    ),
    "table-cell": (
        'In the table, what is the value of "{column}" for "{row}"?',
        'What does the table give as "{column}" for "{row}"?',
        'What is listed in the column "{column}" for "{row}"?',
    ),
    "table-figure": (
        'In the table, what is the value of "{column}" for "{row}"?',
        'What does the table give as "{column}" for "{row}"?',
        'What figure stands in the column "{column}" for "{row}"?',
    ),
    "table-year": (
        'In the table, what is the figure for "{row}" in {column}?',
        'What figure does the table give for "{row}" in {column}?',
    ),
    "figure": ("What does {label} show?", "What is the caption of {label}?"),
    "table-title": ("What is the title of {label}?", "What is {label} about?"),
    "document-title": ("What is the title of the document?", "What is the document's title?"),
    "main-heading": ("What is the main heading of the document?", "What does the document's main heading say?"),
    "slide-title": (
        'What is the title of the slide that says "{opening}"?',
        'Which title does the slide with the line "{opening}" have?',
    ),
    "section-number": ("What is the title of section {number}?", "What is section {number} called?"),
    "item-number": ("What is the title of item {number}?", "What is item {number} called?"),
    "next-heading": ('Which heading comes directly after "{heading}"?', 'Which heading follows "{heading}"?'),
    "heading-of": (
        'Under which heading does the passage beginning "{opening}" stand?',
        'Which heading introduces the passage that begins "{opening}"?',
    ),
    "date-in-sentence": (
        'Which date is given in the sentence that begins "{opening}"?',
        'What date does the sentence starting "{opening}" state?',
    ),
    "amount-in-sentence": (
        'Which amount of money is given in the sentence that begins "{opening}"?',
        'What amount of money does the sentence starting "{opening}" state?',
    ),
    "share-in-sentence": (
        'Which percentage is given in the sentence that begins "{opening}"?',
        'What percentage does the sentence starting "{opening}" state?',
    ),
    "measure-in-sentence": (
        'Which size or measure is given in the sentence that begins "{opening}"?',
        'What measure does the sentence starting "{opening}" state?',
    ),
    "year-in-sentence": (
        'Which year is named in the sentence that begins "{opening}"?',
        'What year does the sentence starting "{opening}" mention?',
    ),
    "count-in-sentence": (
        'How many {noun} are mentioned in the sentence that begins "{opening}"?',
        'How many {noun} does the sentence starting "{opening}" mention?',
    ),
    "address-in-sentence": (
        'Which address or path is given in the sentence that begins "{opening}"?',
        'What address or path does the sentence starting "{opening}" state?',
    ),
    "reference-in-sentence": (
        'Which {noun} does the sentence that begins "{opening}" refer to?',
        'Which {noun} is referred to in the sentence starting "{opening}"?',
    ),
    "definition": ("What {verb} {subject}?", "What {verb} {subject}, according to the page?"),
    "definition-past": ("What {verb} {subject}?",),
    "action": ("What {helper} {subject} {verb}?", "According to the page, what {helper} {subject} {verb}?"),
    "use": ("What {verb} {subject} used for?",),
    "place": ("Where {verb} {subject} {participle}?",),
    "means": ("How {verb} {subject} {participle}?",),
    "rule": ("What is the rule {lead} {case}?", "According to the page, what is the rule {lead} {case}?"),
    "happens": ("What happens {lead} {case}?", "According to the page, what happens {lead} {case}?"),
    "order": ("What should be done {lead} {case}?", "According to the page, what should be done {lead} {case}?"),
    "authors": ("What did the authors do to {case}?",),
    "reason": ('Which reason is given in the sentence that begins "{opening}"?',),
    "acronym": ('What does "{short}" stand for?', 'What is "{short}" short for?'),
    "list-item": ('What is the {place} item listed under "{lead}"?', 'Which item is listed {place} under "{lead}"?'),
    "list-number": ('What does item "{number}" say?', 'What is stated in item "{number}"?'),
    "term": ('How does the page explain "{term}"?', 'What does the page say about "{term}"?'),
}
_KOREAN: dict[str, tuple[str, ...]] = {
    "key-date": ("{label:은는} 언제입니까?", "문서에 적힌 {label:은는} 언제입니까?"),
    "key-number": ("{label:은는} 무엇입니까?", "문서에 적힌 {label:은는} 무엇입니까?"),
    "key-amount": ("{label:은는} 얼마입니까?", "문서에 적힌 {label:은는} 얼마입니까?"),
    "key-person": ("{label:은는} 누구입니까?", "문서에 적힌 {label:은는} 누구입니까?"),
    "key-name": ("{label:은는} 무엇입니까?", "문서에 적힌 {label:은는} 무엇입니까?"),
    "key-place": ("{label:은는} 어디입니까?", "문서에 적힌 {label:은는} 어디입니까?"),
    "key-contact": ("{label:은는} 무엇입니까?", "문서에 안내된 {label:은는} 무엇입니까?"),
    "key-other": ("{label:은는} 무엇입니까?", "'{label}' 항목에는 무엇이라고 적혀 있습니까?"),
    "key-value": ("'{label}' 항목에는 무엇이라고 적혀 있습니까?", "'{label}'에 해당하는 내용은 무엇입니까?"),
    "table-cell": (
        "표에서 '{row}'의 '{column}' 칸에 적힌 내용은 무엇입니까?",
        "표에 따르면 '{row}'의 {column:은는} 무엇입니까?",
    ),
    "table-figure": (
        "표에서 '{row}'의 '{column}' 값은 얼마입니까?",
        "표에 따르면 '{row}'의 {column:은는} 얼마입니까?",
    ),
    "table-year": (
        "표에서 '{row}'의 {column}년 수치는 얼마입니까?",
        "표에 따르면 {column}년 '{row}'의 값은 얼마입니까?",
    ),
    "figure": ("{label:은는} 무엇을 보여 줍니까?", "{label}의 제목은 무엇입니까?"),
    "table-title": ("{label}의 제목은 무엇입니까?", "{label:은는} 무엇에 관한 표입니까?"),
    "document-title": ("이 문서의 제목은 무엇입니까?", "문서의 제목은 무엇이라고 되어 있습니까?"),
    "main-heading": ("문서에서 가장 크게 적힌 제목은 무엇입니까?", "가장 큰 글씨로 적힌 제목은 무엇입니까?"),
    "slide-title": (
        '"{opening}"(이)라는 줄이 있는 슬라이드의 제목은 무엇입니까?',
        '"{opening}"(이)라고 적힌 슬라이드의 제목은 무엇입니까?',
    ),
    "section-number": ("{number}절의 제목은 무엇입니까?", "{number}절에는 어떤 제목이 붙어 있습니까?"),
    "item-number": ("{number}번 항목의 제목은 무엇입니까?", "{number}번에는 어떤 제목이 붙어 있습니까?"),
    "next-heading": (
        "'{heading}' 바로 다음에 나오는 제목은 무엇입니까?",
        "'{heading}' 다음에는 어떤 제목이 이어집니까?",
    ),
    "heading-of": (
        '"{opening}"(으)로 시작하는 글은 어떤 제목 아래에 있습니까?',
        '"{opening}"(으)로 시작하는 단락의 제목은 무엇입니까?',
    ),
    "date-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 날짜는 언제입니까?',
        '"{opening}"(으)로 시작하는 문장은 어떤 날짜를 밝히고 있습니까?',
    ),
    "amount-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 금액은 얼마입니까?',
        '"{opening}"(으)로 시작하는 문장에는 금액이 얼마라고 적혀 있습니까?',
    ),
    "share-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 비율은 얼마입니까?',
        '"{opening}"(으)로 시작하는 문장에는 비율이 얼마라고 적혀 있습니까?',
    ),
    "measure-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 적힌 수치는 얼마입니까?',
        '"{opening}"(으)로 시작하는 문장에 나오는 크기나 양은 얼마입니까?',
    ),
    "year-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 해는 언제입니까?',
        '"{opening}"(으)로 시작하는 문장은 어느 해를 언급합니까?',
    ),
    "count-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 수는 몇 {noun}입니까?',
        '"{opening}"(으)로 시작하는 문장에는 몇 {noun:이라라}고 적혀 있습니까?',
    ),
    "address-in-sentence": (
        '"{opening}"(으)로 시작하는 문장에 나오는 주소나 경로는 무엇입니까?',
        '"{opening}"(으)로 시작하는 문장에는 어떤 주소나 경로가 적혀 있습니까?',
    ),
    "reference-in-sentence": (
        '"{opening}"(으)로 시작하는 문장은 어느 {noun:을를} 언급합니까?',
        '"{opening}"(으)로 시작하는 문장에 언급된 {noun:은는} 무엇입니까?',
    ),
    "named": ("{topic} 무엇입니까?", "문서에 따르면 {topic} 무엇입니까?"),
    "named-past": ("{topic} 무엇이었습니까?",),
    "named-when": ("{topic} 언제입니까?", "문서에 따르면 {topic} 언제입니까?"),
    "named-much": ("{topic} 얼마입니까?", "문서에 따르면 {topic} 얼마입니까?"),
    "acted": ("{topic} 무엇을 {verb}?", "문서에 따르면 {topic} 무엇을 {verb}?"),
    "placed": ("{topic} 어디에 {verb}?", "문서에 따르면 {topic} 어디에 {verb}?"),
    "happens": ("{condition} 어떻게 됩니까?", "문서에 따르면 {condition} 어떻게 됩니까?"),
    "order": ("{condition} 어떻게 해야 합니까?", "문서에 따르면 {condition} 어떻게 해야 합니까?"),
    "needed": ("{condition} 무엇이 필요합니까?", "문서에 따르면 {condition} 무엇이 필요합니까?"),
    "reason": ("{main} 이유는 무엇입니까?",),
    "acronym": ("{short:은는} 무엇의 약자입니까?", "'{short}'의 원래 표현은 무엇입니까?"),
    "list-item": (
        "'{lead}' 목록의 {number} 번째 항목은 무엇입니까?",
        "'{lead}' 아래 {number} 번째로 나오는 항목은 무엇입니까?",
    ),
    "list-number": ("'{number}' 항목에는 무엇이라고 적혀 있습니까?",),
    "term": ("{term:은는} 무엇이라고 설명되어 있습니까?", "'{term}' 항목에는 어떤 설명이 붙어 있습니까?"),
}
PHRASES: Mapping[str, Mapping[str, tuple[str, ...]]] = {"en": _ENGLISH, "ko": _KOREAN}
_SOUNDING_DIGITS = frozenset("013678")
_SOUNDING_LETTERS = frozenset("lmnrLMNR")
_QUOTES = str.maketrans({'"': "'", "“": "'", "”": "'", "„": "'"})
_WHOLE = {
    "fax": "fax number",
    "tel": "telephone number",
    "phone": "phone number",
    "telephone": "telephone number",
    "mobile": "mobile number",
    "e-mail": "e-mail address",
    "email": "e-mail address",
}
_PARTICLE = re.compile(r"\{\w+:")
"""What follows Latin letters depends on how they are pronounced."""
_ASIDE = re.compile(r"\s*\([^()]*\)$")
"""Is not read aloud: "총수량(kg)은"."""
_NUMBER_SIGN = re.compile(r"\s*(?:#|\b[Nn]o\.?|№)$")


def question(fact: Fact, language: str, choice: int) -> str:
    """The fact's question in a language of `PHRASES`; `choice` selects the wording (any integer).

    >>> question(Fact("key-value", "key-date", (("label", "납기일"),), 0, 1), "ko", 0)
    '납기일은 언제입니까?'
    """
    wordings: Sequence[str] = PHRASES[language][fact.form]
    slots: dict[str, str] = {name: _Slot(value.translate(_QUOTES)) for name, value in fact.slots}
    if "label" in slots:
        slots["plain"] = plain(slots["label"])
    if language == "ko" and any(value[-1:].isascii() and value[-1:].isalpha() for value in slots.values()):
        wordings = [wording for wording in wordings if not _PARTICLE.search(wording)] or wordings
    return wordings[choice % len(wordings)].format(**slots)


def plain(label: str) -> str:
    """A label as it stands inside an English sentence.

    >>> plain("Invoice #"), plain("CASE NUMBER"), plain("VAT-ID"), plain("Date of delivery")
    ('invoice number', 'case number', 'VAT-ID', 'date of delivery')
    """
    label = _WHOLE.get(label.casefold().rstrip("."), label)
    label = _NUMBER_SIGN.sub(" number", label).strip()
    shout = label.isupper() and (len(label.split()) > 1 or len(label) > 5)
    words = label.split()
    return " ".join(word.lower() if shout or word[1:].islower() or len(word) == 1 else word for word in words)


class _Slot(str):
    """Text that knows its Korean particles."""

    def __format__(self, spec: str) -> str:
        return self + _particle(self, spec) if spec else str(self)


def _particle(word: str, pair: str) -> str:
    """The first of the pair after a final consonant, the second after a vowel; 로 also after ㄹ."""
    word = _ASIDE.sub("", word) or word
    last = next((character for character in reversed(word) if character.isalnum()), "")
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        closed = final != 0 and not (pair == "으로로" and final == 8)
    else:
        closed = last in _SOUNDING_DIGITS or last in _SOUNDING_LETTERS
    if len(pair) > 2:
        return pair[:-1] if closed else pair[-1]
    return pair[0] if closed else pair[1]
