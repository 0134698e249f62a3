"""Labels of forms, letters and notices, and the kind of value each one asks for.

A label from these lists needs no colon; any other does. The kind decides the question word and what the value must
look like: a label "Invoice date" whose neighbour is no date is not asked about.
"""

from __future__ import annotations

import re

from sightline.recipes.document_qa.layout.values import AMOUNT, DATE, is_numeric

_ENGLISH = {
    "date": (
        r"(?:[a-z-]+ ){0,3}date|date(?: (?:of|for) [a-z ]+)?|(?:[a-z]+ )?deadline|dates? received|"
        r"(?:start|end|beginning) of [a-z]+"
    ),
    "contact": r"(?:(?:tele|mobile )?phone|tel\.?|fax|mobile)(?: (?:number|no\.?))?|e-?mail(?: address)?|website",
    "number": (r"(?:[a-z-]+ ){0,3}(?:number|no\.?|code|id|#)|iban|bic|swift|vat[- ]id|tax id|doi|isbn|issn|reference"),
    "amount": (
        r"(?:[a-z]+ ){0,2}(?:total|subtotal|price|fee|cost|balance|deposit|salary|budget)|total(?: [a-z]+){0,2}|"
        r"annual rent|(?:[a-z]+ ){0,2}amount(?: (?:due|payable|paid))?|due payable|balance due|discount|postage"
    ),
    "person": (
        r"account holder|contact(?: person)?|author|editor|applicant|director|(?:[a-z]+ )?manager|chair(?:person)?|"
        r"coordinator|(?:[a-z]+ )?name|instructor|speaker|presenter"
    ),
    "place": r"(?:[a-z]+ )?address|venue|location|place(?: of [a-z]+)?|room|city|country",
    "other": (
        r"subject|terms|payment terms|delivery terms|currency|department|agency|publisher|status|version|customer|"
        r"supplier|bank|site|plot size|prepared by|approved by|signed by|action|topic|duration|frequency|capacity|"
        r"position|course|membership type"
    ),
}
_KOREAN = {
    "date": (
        r"(?:[가-힣]+ ?){0,2}(?:일자|기한|마감일|발행일|납기일|시행일|공고일|작성일|등록일|접수일|계약일|준공일)|"
        r"[가-힣]+ ?일시|일시|날짜|(?:[가-힣]+ ?)?기간|개최일"
    ),
    "number": r"(?:[가-힣]+ ?){0,2}(?:번호|코드)|계좌|사업자등록번호",
    "amount": (
        r"(?:[가-힣]+ ?){0,2}(?:금액|총액|합계|소계|부가세|요금|비용|단가|참가비|수강료|예산|보증금|지원금|회비)"
    ),
    "person": r"담당자|발행인|성명|이름|대표|대표자|신청인|작성자|강사|책임자|저자|신고인|예금주",
    "place": r"(?:[가-힣]+ ?)?(?:장소|주소|소재지|접수처|발행처)",
    "contact": r"문의(?: ?전화)?|연락처|전화(?:번호)?|팩스|이메일|전자우편|누리집|홈페이지",
    "other": (
        r"(?:[가-힣]+ ?)?(?:대상|방법|내용|정원|자격|인원|부서|직위|제목|사업명|과정명|기관|서류)|"
        r"주최|주관|후원|수신|참조|준비물"
    ),
}
_TABLES = tuple(
    (kind, re.compile(pattern, re.IGNORECASE)) for table in (_ENGLISH, _KOREAN) for kind, pattern in table.items()
)
_KOREAN_ENDS = frozenset(word[-1] for pattern in _KOREAN.values() for word in re.findall("[가-힣]{2,}", pattern))
"""Last letters of the Korean labels: most words end otherwise, and need no closer look."""
_SURE = re.compile(
    r"(?:invoice|order) (?:number|no\.?|#|date)|(?:date of|delivery|due|issue|effective|expiry|payment|publication) "
    r"(?:date|birth|issue|delivery|receipt|publication)|iban|bic|issn|isbn|doi|vat[- ]id|tax id|net total|grand total|"
    r"subtotal|amount due|total due|balance due|due payable|account holder|omb no\.?|docket no\.?|"
    r"(?:customer|account|policy|contract|reference|case|membership|phone|fax|serial|model|employee|student) "
    r"(?:number|no\.?|id|#)|"
    r"(?:full|first|last|family|customer) name|(?:e-?mail|postal|street|mailing|delivery) address",
    re.IGNORECASE,
)
HANGUL = re.compile(r"[가-힣]")
KOREAN_SENTENCE = re.compile(r"(?:다|요|오|음|함)[.]?$")
INNER_STOP = re.compile(r"[a-z가-힣]{3,}[.?!]\s+\S")
_PHONE = re.compile(r"[+(]?\d[\d\s()./-]{5,}\d|[\w.+-]+@[\w-]+\.[\w.-]+|(?:https?://|www\.)\S+")
MAX_WORDS = {"date": 10, "number": 3, "amount": 4, "person": 6, "place": 14, "contact": 6, "other": 12}
"""Longest value, in words, that is taken for a label of that kind."""


def kind_of(label: str) -> str | None:
    """Kind of a known label, None for an unknown one.

    >>> kind_of("Invoice date"), kind_of("납기일"), kind_of("Remark")
    ('date', 'date', None)
    """
    label = label.strip()
    if len(label) > 40 or (label[-1:] > "~" and label[-1] not in _KOREAN_ENDS):
        return None
    return next((kind for kind, pattern in _TABLES if pattern.fullmatch(label)), None)


def is_sure(label: str) -> bool:
    """Whether a label is known well enough to need no colon.

    >>> is_sure("Date of delivery"), is_sure("발행처"), is_sure("Code")
    (True, True, False)
    """
    if HANGUL.search(label):
        return kind_of(label) is not None
    return label[:1].isupper() and _SURE.fullmatch(label) is not None


def fits(kind: str, value: str) -> bool:
    """Whether a value looks like what a label of that kind announces."""
    words = value.split()
    spaced = kind == "number" and len(words) <= 8 and all(any(map(str.isdigit, word)) for word in words)
    if (len(words) > MAX_WORDS[kind] and not spaced) or kind_of(value) is not None or KOREAN_SENTENCE.search(value):
        return False
    if INNER_STOP.search(value):
        return False
    if kind == "date":
        return DATE.search(value) is not None
    if kind == "amount":
        return AMOUNT.fullmatch(value.rstrip(".")) is not None or is_numeric(value)
    if kind == "number":
        return "://" not in value and (any(character.isdigit() for character in value) or value.isupper())
    if kind == "contact":
        return _PHONE.search(value) is not None
    if kind == "person":
        return not any(map(str.isdigit, value)) and (value[0].isupper() or HANGUL.search(value) is not None)
    return True
