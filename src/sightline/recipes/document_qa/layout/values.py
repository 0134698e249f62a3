"""Dates, amounts and numbers as they stand in documents, English and Korean."""

from __future__ import annotations

import re

_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|"
    r"Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:1[89]|20)\d\d"
DATE = re.compile(
    rf"(?<![\w/.-])(?:"
    rf"{_MONTH} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}|{_DAY}(?:st|nd|rd|th)? (?:of )?{_MONTH},? {_YEAR}|"
    rf"{_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.]{_DAY}|{_DAY}[./]{_DAY}[./]{_YEAR}|"
    rf"{_YEAR}\. ?(?:0?[1-9]|1[0-2])\. ?{_DAY}\.?|{_YEAR}년 ?(?:0?[1-9]|1[0-2])월(?: ?{_DAY}일)?|"
    rf"{_MONTH} {_YEAR}"
    rf")(?![A-Za-z0-9_/-])"
)
_FIGURE = r"\d{1,3}(?:[,.]\d{3})*(?:[.,]\d+)?|\d+(?:[.,]\d+)?"
_CURRENCY = r"(?:USD|EUR|GBP|KRW|CHF|JPY|[$€£¥₩])"
AMOUNT = re.compile(
    rf"(?<![\w,.])(?:"
    rf"{_CURRENCY} ?(?:{_FIGURE})(?: (?:thousand|million|billion|trillion))?|"
    rf"(?:{_FIGURE}) ?{_CURRENCY}|(?:{_FIGURE}) ?(?:천|만|백만|천만|억|조)? ?(?:\d{{1,4}}만 ?)?원|"
    rf"(?:{_FIGURE}) ?(?:%|percent\b|per cent\b|퍼센트)"
    rf")(?![\d])"
)
MEASURE = re.compile(
    rf"(?<![\w,.–-])(?:{_FIGURE}) ?(?:[KMGT]i?B|[kKMG]bps|[km]?Hz|MHz|GHz|km|cm|mm|nm|μm|kg|mg|ml|kW|MW|°C|"
    rf"(?:mega|giga|kilo|tera)bytes|(?:kilo|centi|milli)?met(?:er|re)s|miles|hectares|acres|"
    rf"킬로미터|킬로그램|메가바이트|기가바이트|테라바이트|바이트|미터|제곱미터|헥타르|톤)(?![A-Za-z\d/²³])"
)
"""A figure with a unit of size, weight, frequency or temperature."""
NUMERIC = re.compile(
    rf"[-–−+(]?\s?{_CURRENCY}?\s?(?:{_FIGURE})\s?(?:%|{_CURRENCY}|원|명|건|개|회|시간|점|대|권|부|세대|가구|마리|톤|일)?\)?\*?",
    re.ASCII,
)
YEAR = re.compile(rf"{_YEAR}")
LETTERS = re.compile(r"[^\W\d_]{2,}")
BLANK_CELL = re.compile(r"[-–—−.*…()\[\]XxNAna/\s]*")


def is_numeric(text: str) -> bool:
    """A figure with at most a sign, a currency, a percent sign or a Korean counter around it.

    >>> is_numeric("1,113.1"), is_numeric("160.00 €"), is_numeric("Page 4")
    (True, True, False)
    """
    return NUMERIC.fullmatch(text) is not None
