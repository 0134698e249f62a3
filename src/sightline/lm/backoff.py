"""How long to wait before asking again."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite


def wait_seconds(attempt: int, headers: Mapping[str, str], *, first: float, most: float) -> float:
    """What the server asked for (Retry-After), else exponential backoff with jitter: `first` x 2^attempt, of which a
    random half to the whole, so that requests refused together do not come back together. Never above `most`.

    `attempt` counts from 0; `headers` are the refusing reply's (empty where there was none).
    """
    asked = retry_after(headers.get("retry-after", ""))
    if asked is None:
        asked = first * 2 ** min(attempt, 30) * random.uniform(0.5, 1.0)
    return min(asked, most)


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, which is a number or an HTTP date (RFC 9110, 10.2.3); None where it is neither.

    >>> retry_after("2")
    2.0
    """
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if isfinite(seconds) else None
