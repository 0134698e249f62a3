"""Units and currencies under all their names. Two amounts with different canonical units are never equal: nothing is
converted (1 km is not 1000 m here), because a page states an amount in one unit and an answer must keep it."""

from __future__ import annotations

import re

CURRENCIES: dict[str, tuple[str, ...]] = {
    "USD": ("us$", "usd", "$", "dollars", "dollar", "달러", "불"),
    "EUR": ("eur", "€", "euros", "euro", "유로"),
    "GBP": ("gbp", "£", "pounds sterling"),
    "JPY": ("jpy", "¥", "yen", "엔"),
    "KRW": ("krw", "₩", "won", "원"),
    "CNY": ("cny", "rmb", "yuan", "위안"),
    "CHF": ("chf", "sfr"),
    "CAD": ("cad", "ca$", "c$"),
    "AUD": ("aud", "au$", "a$"),
    "INR": ("inr", "₹", "rupees", "루피"),
}
MEASURES: dict[str, tuple[str, ...]] = {
    "%": ("%", "percent", "per cent", "퍼센트", "프로"),
    "%p": ("%p", "percentage points", "percentage point", "퍼센트포인트"),
    "kg": ("kg", "kilograms", "kilogram", "킬로그램"),
    "g": ("g", "grams", "gram", "그램"),
    "mg": ("mg", "milligrams"),
    "t": ("tonnes", "tons", "톤"),
    "lb": ("lbs", "lb", "pounds", "pound", "파운드"),
    "oz": ("oz", "ounces"),
    "km": ("km", "kilometers", "kilometres", "킬로미터"),
    "m": ("m", "meters", "metres", "meter", "metre", "미터"),
    "cm": ("cm", "centimeters", "centimetres", "센티미터"),
    "mm": ("mm", "millimeters", "millimetres", "밀리미터"),
    "mi": ("miles", "mile", "마일"),
    "ft": ("ft", "feet", "foot"),
    "in": ("inches", "inch", "인치"),
    "l": ("l", "liters", "litres", "liter", "litre", "리터"),
    "ml": ("ml", "milliliters", "millilitres", "밀리리터"),
    "°C": ("°c", "degrees celsius", "섭씨"),
    "°F": ("°f", "degrees fahrenheit", "화씨"),
    "kb": ("kb", "kilobytes", "킬로바이트"),
    "mb": ("mb", "megabytes", "메가바이트"),
    "gb": ("gb", "gigabytes", "기가바이트"),
    "mhz": ("mhz",),
    "ghz": ("ghz",),
    "kw": ("kw", "kilowatts"),
    "v": ("volts", "볼트"),
    "s": ("seconds", "second", "sec", "초"),
    "min": ("minutes", "minute", "min", "분"),
    "h": ("hours", "hour", "hrs", "시간"),
    "day": ("days", "day", "일"),
    "week": ("weeks", "week", "주"),
    "month": ("months", "month", "개월"),
    "year": ("years", "year", "년"),
    "명": ("명", "people", "persons"),
    "개": ("개",),
    "건": ("건",),
    "배": ("배", "times"),
}
CANONICAL = {name: unit for unit, names in {**CURRENCIES, **MEASURES}.items() for name in names}


def _alternatives(names: list[str]) -> str:
    """Longest first; names that end in a Latin letter must end there on the page too."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return "|".join(
        re.escape(name) + ("(?![a-z])" if name[-1].isascii() and name[-1].isalpha() else "") for name in ordered
    )


BEFORE = _alternatives(
    [name for names in CURRENCIES.values() for name in names if name.isascii() or not "가" <= name[0] <= "힣"]
)
"""What may stand before an amount: "$5", "EUR 5"."""
AFTER = _alternatives(list(CANONICAL))
"""What may stand behind a number: "5 kg", "5 원"."""
_NAMED = re.compile(rf"(?<![a-z])(?:{AFTER})")


def units_in(folded: str) -> frozenset[str]:
    """Canonical units named anywhere in a folded text, with or without a number."""
    return frozenset(CANONICAL[match[0]] for match in _NAMED.finditer(folded))
