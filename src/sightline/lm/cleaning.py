"""Text from outside, made fit for our records: what cannot be written to JSON or a database becomes U+FFFD."""

from __future__ import annotations

import re

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with NULs and lone surrogates replaced by U+FFFD.

    >>> clean("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return _UNWRITABLE.sub("\ufffd", text)
