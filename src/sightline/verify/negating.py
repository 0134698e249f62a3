"""A statement turned into its opposite, by the commonest forms of English and Korean."""

from __future__ import annotations

import re

_ENGLISH: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"\b(is|are|was|were|will|can|may|must|shall|should|has been|have been) not\b"), r"\1"),
    (re.compile(r"\bcannot\b"), "can"),
    (re.compile(r"\b(does|do|did) not "), ""),
    (re.compile(r"\bwithout\b"), "with"),
    (re.compile(r"\b(is|are|was|were|will|can|may|must|shall|should|has|have)\b(?! not)"), r"\1 not"),
    (re.compile(r"^(No|no)\b,?"), "Yes,"),
    (re.compile(r"^(Yes|yes)\b,?"), "No,"),
    (re.compile(r"\bnot "), ""),
    (re.compile(r"\bwith\b"), "without"),
    (re.compile(r"\bincluding\b"), "excluding"),
    (re.compile(r"\bincluded\b"), "excluded"),
    (re.compile(r"\b(required|approved|allowed|available|permitted|accepted|valid|applicable|eligible)\b"), r"not \1"),
]
_KOREAN: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"지 않(?:았|는)?다"), "었다"),
    (re.compile(r"있(다|습니다|음|으며|는)"), r"없\1"),
    (re.compile(r"없(다|습니다|음|으며|는)"), r"있\1"),
    (re.compile(r"하였다|했다"), "하지 않았다"),
    (re.compile(r"되었다|됐다"), "되지 않았다"),
    (re.compile(r"한다(?![가-힣])"), "하지 않는다"),
    (re.compile(r"된다(?![가-힣])"), "되지 않는다"),
    (re.compile(r"합니다"), "하지 않습니다"),
    (re.compile(r"됩니다"), "되지 않습니다"),
    (re.compile(r"이다(?![가-힣])"), "이 아니다"),
    (re.compile(r"불가능"), "가능"),
    (re.compile(r"(?<!불)가능"), "불가능"),
    (re.compile(r"포함"), "제외"),
    (re.compile(r"(?<![가-힣])허용"), "금지"),
]


def negated(text: str) -> str | None:
    """The opposite; None where the text says nothing that can be denied (a name, a number).

    >>> negated("The permit was approved."), negated("신청할 수 있다."), negated("529.87 EUR")
    ('The permit was not approved.', '신청할 수 없다.', None)
    """
    for pattern, replacement in [*_ENGLISH, *_KOREAN]:
        turned, count = pattern.subn(replacement, text, count=1)
        if count:
            return " ".join(turned.split())
    return None
