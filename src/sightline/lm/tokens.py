"""How many tokens a request has, without any model's tokenizer.

`estimate_tokens` follows one rule for all models, set by what byte-pair vocabularies of 100,000 and more entries are
known to do; it was not measured against any of them. Count on no better than a quarter off for English prose, half
for Korean, Chinese and Japanese, and a factor of two for code, tables and other scripts: enough for a forecast. A cap
needs a bound: `most_tokens` can only be too high, because no token of a byte-level vocabulary is shorter than a byte.
"""

from __future__ import annotations

import re
from collections import Counter
from math import ceil

from sightline.core.message import Clip, Picture, Request, Text

MESSAGE_TOKENS = 4
"""Role and separators around each message (the figure of the ChatML template)."""
MOST_MESSAGE_TOKENS = 32
"""Above any chat template's frame per message, known ones having 3 to 10."""
TILE = 512
"""Pixels: a picture is counted by tiles of this side, as OpenAI's rule for "detail: high" does."""
TILE_TOKENS, PICTURE_TOKENS = 170, 85
LONG_SIDE, SHORT_SIDE = 2048, 768
"""Pixels to which that rule first shrinks a picture."""
UNKNOWN_SIDE = 2048
"""Pixels assumed of a picture that does not state its size."""
PATCH = 28
"""Pixels per token side in models that read a picture at its own size (Qwen2-VL and later): one token a patch."""
CLIP_FRAMES = 32
"""Frames assumed of a clip."""

_WORD, _NUMBER, _SIGN, _LINES = map(re.compile, ("[A-Za-z]+", "[0-9]+", "[!-/:-@\\[-`{-~]", "\n+"))
_HANGUL = re.compile("[\uac00-\ud7a3]")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_OTHER = re.compile(r"[^\x00-\x7f\s]")


def estimate_tokens(text: str) -> int:
    """A word counts 1 per 7 letters begun, a number 1 per 3 digits begun, a sign 1, a run of line ends 1, a Hangul
    syllable 0.8, a Chinese character or kana 1, any other character (accented Latin, Cyrillic, emoji) 0.6 per byte
    above ASCII; blanks belong to the word after them.

    >>> estimate_tokens("The total is 529.87 EUR.")
    8
    """
    words, numbers = Counter(map(len, _WORD.findall(text))), Counter(map(len, _NUMBER.findall(text)))
    tokens = sum([(length + 6) // 7 * count for length, count in words.items()])
    tokens += sum([(length + 2) // 3 * count for length, count in numbers.items()])
    tokens += len(_SIGN.findall(text)) + len(_LINES.findall(text))
    if not text.isascii():
        text, hangul = _HANGUL.subn("", text)
        text, square = _CJK.subn("", text)
        other = "".join(_OTHER.findall(text))
        tenths = 8 * hangul + 10 * square + 6 * (len(other.encode("utf-8", "replace")) - len(other))
        tokens += (tenths + 9) // 10
    return tokens


def most_tokens(text: str) -> int:
    """Never fewer than a byte-level (or byte-fallback) tokenizer makes: one per UTF-8 byte, and one to begin."""
    return len(text.encode("utf-8", "surrogatepass")) + 1


def picture_tokens(width: int | None, height: int | None) -> int:
    """OpenAI's published rule for "detail: high": shrink to fit 2048 x 2048, then to a short side of 768, then 85
    plus 170 per tile of 512 x 512 begun.

    >>> picture_tokens(1024, 1024)
    765
    """
    long, short = max(width or UNKNOWN_SIDE, height or UNKNOWN_SIDE), min(width or UNKNOWN_SIDE, height or UNKNOWN_SIDE)
    factor = min(1.0, LONG_SIDE / long)
    factor *= min(1.0, SHORT_SIDE / (short * factor))
    return PICTURE_TOKENS + TILE_TOKENS * ceil(long * factor / TILE) * ceil(short * factor / TILE)


def most_picture_tokens(width: int | None, height: int | None) -> int:
    """The greater of the tile rule and one token per 28 x 28 pixels. A model that counts otherwise may pass it."""
    patches = ceil((width or UNKNOWN_SIDE) / PATCH) * ceil((height or UNKNOWN_SIDE) / PATCH)
    return max(patches, picture_tokens(width, height))


def request_tokens(request: Request) -> int:
    """Estimated input tokens: messages, pictures, schema."""
    schema = estimate_tokens(str(request.reply_schema)) if request.reply_schema else 0
    return schema + sum(
        MESSAGE_TOKENS + sum(_part_tokens(part) for part in message.parts) for message in request.messages
    )


def most_request_tokens(request: Request) -> int:
    """Input tokens that no server should count above: what a hard cap reserves."""
    schema = most_tokens(str(request.reply_schema)) if request.reply_schema else 0
    return schema + sum(
        MOST_MESSAGE_TOKENS + sum(_most_part_tokens(part) for part in message.parts) for message in request.messages
    )


def _part_tokens(part: Text | Picture | Clip) -> int:
    if isinstance(part, Text):
        return estimate_tokens(part.text)
    one = picture_tokens(part.ref.width, part.ref.height)
    return one if isinstance(part, Picture) else CLIP_FRAMES * one


def _most_part_tokens(part: Text | Picture | Clip) -> int:
    if isinstance(part, Text):
        return most_tokens(part.text)
    one = most_picture_tokens(part.ref.width, part.ref.height)
    return one if isinstance(part, Picture) else CLIP_FRAMES * one
