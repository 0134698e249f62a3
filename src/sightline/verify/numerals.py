"""Numbers written as words: English up to thousands, Sino-Korean (삼억이천만), mixed (3억2천만), native Korean with a
counter (세 명)."""

from __future__ import annotations

import re
from decimal import Decimal

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH = {word: number for number, word in enumerate(_ONES)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_ONE = "|".join(sorted(_ONES, key=len, reverse=True))
_TEN = "|".join(_TENS)
_UNDER_100 = rf"(?:(?:{_TEN})\s?(?:{_ONE})|{_TEN}|{_ONE})"
ENGLISH = rf"{_UNDER_100}(?:\shundred(?:\s(?:and\s)?{_UNDER_100})?)?(?![a-z])"
"""Pattern over folded text ("twenty-five" is folded to "twentyfive")."""
_WORD = re.compile(rf"{_TEN}|hundred|{_ONE}")

_DIGITS = {letter: number for number, letter in enumerate("영일이삼사오육칠팔구")} | {"공": 0}
_SMALL = {"십": 10, "백": 100, "천": 1000}
_LARGE = {"만": 10**4, "억": 10**8, "조": 10**12}
KOREAN_WORDS = (
    "(?=[일이삼사오육칠팔구십백천]{0,9}[십백천만억조])[일이삼사오육칠팔구십백천][일이삼사오육칠팔구십백천만억조]{1,24}"
)
_TOKEN = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?|.")

_NATIVE_TENS = ["열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔"]
_NATIVE_ONES = [
    ("한", "하나"),
    ("두", "둘"),
    ("세", "셋"),
    ("네", "넷"),
    ("다섯",),
    ("여섯",),
    ("일곱",),
    ("여덟",),
    ("아홉",),
]
_NATIVE = {word: 10 * number for number, word in enumerate(_NATIVE_TENS, start=1)} | {"스무": 20}
_NATIVE |= {word: number for number, words in enumerate(_NATIVE_ONES, start=1) for word in words}
_ANY_NATIVE = "|".join(sorted(_NATIVE, key=len, reverse=True))
KOREAN_NATIVE = rf"(?:{_ANY_NATIVE}){{1,2}}(?=명|개|건|시간|배)"
_NATIVE_WORD = re.compile(_ANY_NATIVE)


def english_number(words: str) -> int:
    """The value of what `ENGLISH` matched.

    >>> english_number("two hundred and twentyfive")
    225
    """
    total = 0
    for word in _WORD.findall(words):
        total = total * 100 if word == "hundred" else total + _ENGLISH[word]
    return total


def korean_number(text: str) -> Decimal | None:
    """None where the letters do not form a number.

    >>> korean_number("3억2천만"), korean_number("삼억이천만"), korean_number("1만5000")
    (Decimal('320000000'), Decimal('320000000'), Decimal('15000'))
    """
    total = section = Decimal(0)
    digit: Decimal | None = None
    ceiling = 10**16
    for token in _TOKEN.findall(text):
        if token in _LARGE:
            if _LARGE[token] >= ceiling:
                return None
            ceiling = _LARGE[token]
            section += (0 if section else 1) if digit is None else digit
            total += section * ceiling
            section, digit = Decimal(0), None
        elif token in _SMALL:
            section += (Decimal(1) if digit is None else digit) * _SMALL[token]
            digit = None
        elif digit is not None:
            return None
        else:
            digit = Decimal(_DIGITS[token]) if token in _DIGITS else Decimal(token.replace(",", ""))
    return total + section + (digit or 0)


def native_number(text: str) -> int:
    """The value of what `KOREAN_NATIVE` matched.

    >>> native_number("스물세")
    23
    """
    return sum(_NATIVE[word] for word in _NATIVE_WORD.findall(text))
