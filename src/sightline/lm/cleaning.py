"""Text from outside, made fit for our records: what cannot be written to JSON or a database becomes U+FFFD."""

from __future__ import annotations

import re
from typing import Any

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with NULs and lone surrogates replaced by U+FFFD.

    >>> clean("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return _UNWRITABLE.sub("\ufffd", text)


def cleaned(value: Any) -> Any:
    """The same for every text of a JSON value: escapes such as "\\ud800" become letters only when it is read."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): cleaned(one) for name, one in value.items()}
    return [cleaned(one) for one in value] if isinstance(value, list) else value
