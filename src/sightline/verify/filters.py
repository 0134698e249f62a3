"""Format filters: what no answer should look like, whatever the page says. Each is a function of question and answer.

They look for positive signs of damage only; dots, digits and brackets as such are innocent, so decimals, prices,
"U.S.", section numbers, e-mail addresses, file names, URLs and "[1]" pass. Whether an answer is *true* is not asked
here (see `text_check`). To add one: a function and a line in `FILTERS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rapidfuzz import fuzz

from sightline.verify.folding import fold
from sightline.verify.refusals import is_refusal

MAX_ANSWER_WORDS = 900
"""The limit of the published Florence-2 subset of Docmatix."""
MAX_ANSWER_LETTERS = 6000
"""The same for scripts with few blanks."""
MAX_QUESTION_WORDS = 120
MAX_QUESTION_LETTERS = 1500
_ECHO_RATIO = 90.0

_CODE = re.compile(
    r"```|</?(?:p|br|div|span|table|t[rdh]|thead|tbody|ul|ol|li|h[1-6]|a|b|i|em|strong|img|html|body|script|style|code|pre|"
    r"input|form|font|center|sub|sup)(?:\s[^<>]{0,200})?/?>|&(?:nbsp|amp|lt|gt|quot|#\d+);"
    r"|^[ \t]*[{\[].{0,200}[\"']\s*:|[\"']\w+[\"']\s*:\s*[\"'{\[\d]"
    r"|\bdef \w+\(.{0,200}\)\s*(?:->.{0,80})?:|^[ \t]*from [\w.]+ import \w|^[ \t]*import \w+ as \w+|#include\s*<"
    r"|\bclass \w+(?:\(\w*\))?:\s*$"
    r"|\bpublic (?:static|class|void)\b|\bfunction\s*\w*\(.{0,200}\)\s*\{|\bconsole\.log\(|\bprint(?:ln|f)?\([\"'f\w]"
    r"|\breturn [\w.()+\[\]\"']{1,80};|\b(?:var|let|const) \w+ ?= ?|\bSELECT\b.{1,200}\bFROM\b|=>\s*[{(]"
    r"|\b\w{1,40}\([\w\", ]{0,80}\);"
    r"|\b(?:if|for|while) ?\(.{1,200}\) ?\{|\\(?:begin|frac|textbf|section)\{"
    r"|^#{2,6} \S|\*\*\S[^*\n]{0,200}\*\*|\[[^\]\n]{1,200}\]\(https?:|^[ \t]*\|?[ \t]*:?-{3,}:?[ \t]*\|",
    re.MULTILINE,
)
_SLOT = (
    r"insert|your|name|date|company|amount|title|address|placeholder|x{2,}|tbd|todo|fill|number|specify|enter|"
    r"value|answer|question|city|phone|e-?mail|author|organi[sz]ation|product|person|location|year|blank|redacted|example"
)
_KOREAN_SLOT = "이름|성명|날짜|회사명|기관명|금액|입력|기입|주소|제목|숫자|내용|전화번호|값"
_PLACEHOLDER = re.compile(
    rf"\[\s*(?:{_SLOT})\b[^\]]{{0,200}}\]|\[[^\]\d]{{0,60}}(?:{_KOREAN_SLOT})[^\]]{{0,60}}\]|<\s*(?:{_KOREAN_SLOT})\s*>"
    r"|(?<!\w)\{\{?[\w .가-힣-]{1,60}\}?\}|\$\{\w+\}|%\(\w+\)s|<[a-z][a-z_ ]{1,30}>|_{3,}|\blorem ipsum\b"
    r"|\bx{4,}\b|\bx{2,}[-/.]x{2,}|[○●□△◯]{2,}"
    r"|^[ \t]*(?:x{2,}|tbd|todo|placeholder|answer here|\?+|\.{3,}|미정|내용없음)\s*\.?\s*$",
    re.IGNORECASE,
)
_ASKING = r"what|who|whom|whose|when|where|why|how|which|is|are|does|do|can|무엇|누구|언제|어디|왜|어떻게|어떤|몇|얼마"
_LABEL = re.compile(
    r"(?:^|\n)[ \t]*[*_]{0,2}(?:[qa](?=\s?\d{0,3}[*_]{0,2}\s?[:：]\s)\s?\d{0,3}|(?:question|answer|response|"
    r"assistant|user|human|output|instruction|질문|답변|문제|정답|대답|답|문|물음)"
    r"\s?#?\d{0,3})[*_]{0,2}\s?[:：]"
    r"|(?<=[.?!\n])\s{0,3}(?:question|answer|질문|답변|정답|답)\s?#?\d{0,3}\s?[:：]|[.?!\s][qa]\d{1,3}\s?[:：]"
    rf"|(?:^|\s)\(?\d{{1,2}}[.)]\s+(?:{_ASKING})\b[^\n]{{0,200}}\?",
    re.IGNORECASE,
)
_NUMBERED_QUESTION = re.compile(r"^[ \t]*(?:\(?\d{1,2}[.)]|[qQ]\d{0,3}[.)]|문\s?\d{1,2}[.)])\s+\S")
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,30}\b(?:previous|prior|above|preceding|earlier|all|your)\b.{0,20}"
    r"\b(?:instruction|prompt|direction|rule|guideline)s?\b"
    r"|\byou are (?:now )?(?:an? )?(?:helpful )?(?:ai|assistant|language model|chatgpt)\b"
    r"|\b(?:system|developer) prompt\b|<\|[a-z_]+\|>|\[/?inst\]|<</?sys>>|^#+\s?(?:instruction|system|response)s?\b"
    r"|(?:이전|앞의|위의|앞선|모든|기존).{0,6}(?:지시|명령|프롬프트).{0,8}무시|시스템프롬프트|지시를?따르지마"
)


def empty(question: str, answer: str) -> bool:
    """No letter or digit in the question or in the answer."""
    return not any(map(str.isalnum, question)) or not any(map(str.isalnum, answer))


def refusal(question: str, answer: str) -> bool:
    """The answer says that it is none, in plain or polite words; English and Korean."""
    return is_refusal(answer)


def code(question: str, answer: str) -> bool:
    """Program text, HTML, JSON, Markdown or LaTeX left over from a model's reply."""
    return _CODE.search(question) is not None or _CODE.search(answer) is not None


def placeholder(question: str, answer: str) -> bool:
    """A slot that was never filled: "[insert name]", "{value}", "<name>", "XXXX", "lorem ipsum", "○○○"."""
    return _PLACEHOLDER.search(question) is not None or _PLACEHOLDER.search(answer) is not None


def label_leak(question: str, answer: str) -> bool:
    """The frame of the reply in the text: "Q1:", "Answer:", "질문:", a second numbered question."""
    if _NUMBERED_QUESTION.search(question) is not None:
        return True
    return _LABEL.search(question) is not None or _LABEL.search(answer) is not None


def echo(question: str, answer: str) -> bool:
    """The answer is the question again, or carries it whole."""
    asked, said = fold(question).strip(" ?.!"), fold(answer).strip(" ?.!")
    return bool(asked) and (fuzz.ratio(asked, said) >= _ECHO_RATIO or (len(asked) >= 12 and asked in said))


def too_long(question: str, answer: str) -> bool:
    """An answer over 900 words or 6,000 letters, a question over 120 words or 1,500 letters: pasted text."""
    if len(answer) > MAX_ANSWER_LETTERS or len(question) > MAX_QUESTION_LETTERS:
        return True
    return len(answer.split()) > MAX_ANSWER_WORDS or len(question.split()) > MAX_QUESTION_WORDS


def injection(question: str, answer: str) -> bool:
    """Words addressed to a language model: instructions to ignore instructions, chat template tokens."""
    return any(_INJECTION.search(fold(text)) is not None for text in (question, answer))


FILTERS: dict[str, Callable[[str, str], bool]] = {
    "empty": empty,
    "refusal": refusal,
    "code": code,
    "placeholder": placeholder,
    "label-leak": label_leak,
    "echo": echo,
    "too-long": too_long,
    "prompt-injection": injection,
}
"""Reason -> `function(question, answer)`, true where the pair is to be refused for that reason."""


def reasons(question: str, answer: str) -> list[str]:
    """Names of all filters that refuse the pair, in the order of `FILTERS`; empty where it may pass. What is too long
    is not searched for more, so that no text can make this slow.

    >>> reasons("What is the total?", "I cannot determine this from the text.")
    ['refusal']
    >>> reasons("What is the total?", "$529.87")
    []
    """
    if too_long(question, answer):
        return ["too-long"]
    return [reason for reason, refuses in FILTERS.items() if refuses(question, answer)]
