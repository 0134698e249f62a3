"""Pages for the tests, laid out from plain text: a new line is a printed line, an empty line parts blocks, two or more
blanks part cells of a row."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.sample import Page
from sightline.verify import PageIndex

LETTER, LINE = 5.0, 12.0


def laid_out(text: str, *, document: str = "sample.pdf", index: int = 0) -> Page:
    words: list[Word] = []
    block = line = 0
    for row, printed in enumerate(text.strip("\n").split("\n")):
        if not printed.strip():
            block += 1
            continue
        for match in re.finditer(r"\S+", printed):
            box = Box(match.start() * LETTER, row * LINE, match.end() * LETTER, row * LINE + 10.0)
            words.append(Word(match[0], box, line, block))
        line += 1
    digest = document.encode().hex().ljust(64, "0")[:64]
    return Page(
        source=Source(name=document, uri=document, sha256=digest, media_type="application/pdf", size=1),
        index=index,
        pages=9,
        width=600.0,
        height=800.0,
        image=MediaRef(sha256=digest, media_type="image/png", page=index),
        scale=1.0,
        words=tuple(words),
    )


INVOICE = """
Sample Trading Co.  Invoice
Invoice number  RE-2024/508
Date of issue  12 March 2024
Customer number  2

Quantity  Description     Unit price    Amount
1         Design service      160.00    171.20
400       Balloons              0.79    337.05
1,200     Steam hours           5.00  1,234.50

Total amount due  529.87EUR, payable within 14 days
Deposit  -25.00
Delivery was not approved by the clerk.
"""
KOREAN = """
국내 코로나19 발생 현황 보고

2024년 3월 12일 0시 기준 확진자는 9,661명, 사망자는 158명으로
나타났다. 예산은 3억 2천만 원이며 신청은 승인되지 않았다.

담당 부서  국회 입법조사처
시행 일자  2024. 3. 30.
"""


@pytest.fixture(scope="session")
def page_of() -> Callable[..., Page]:
    return laid_out


@pytest.fixture(scope="session")
def invoice() -> PageIndex:
    return PageIndex(laid_out(INVOICE, document="invoice.pdf"))


@pytest.fixture(scope="session")
def korean() -> PageIndex:
    return PageIndex(laid_out(KOREAN, document="korean.pdf"))
