"""Subtitles as text with times: .srt and .vtt files as people make them, repaired where the meaning is plain, refused
line by line where it is not.

Repaired, and counted: overlapping cues (the earlier one ends where the next begins), cues out of order, a cue that ends
before it begins but by less than a second, commas for points and missing hours. Refused, with the line: negative times,
times that cannot be read, cues that end clearly before they begin.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from pydantic import BaseModel, ConfigDict

from sightline.core.errors import Reject

TOLERANCE = 1.0
"""Seconds by which an end before its start is taken for a slip and mended."""
SHORTEST = 0.001
SHORT_READ = 0.5
"""Seconds that a mended cue is given where the next one leaves room."""
ENCODINGS = ("utf-8", "cp949", "cp1252")
"""Tried in this order on bytes without a byte order mark; cp949 is the usual one of Korean subtitles, and every byte
sequence is valid cp1252 but for five."""


class Cue(BaseModel):
    """Words and when they are heard, seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: float
    end: float
    text: str


class BadCue(BaseModel):
    """A cue that was refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int
    """Of the file, from 1."""
    reason: str
    """"unreadable-time", "negative-time", "ends-before-it-begins", "no-text"."""
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a subtitle file says."""

    cues: tuple[Cue, ...]
    """By time, not overlapping, none empty."""
    bad: tuple[BadCue, ...]
    repaired: int
    """Cues whose times were mended."""
    encoding: str

    @property
    def words(self) -> int:
        return sum(count_words(cue.text) for cue in self.cues)


_ARROW = re.compile(r"^\s*(\S+)\s*-+>\s*(\S+)")
_CLOCK = re.compile(r"(-)?(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?$")
_TAG = re.compile(r"<[^<>\n]{0,200}>|\{\\[^{}\n]{0,200}\}")
_WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
_CJK_WITHOUT_BLANKS = re.compile(r"[぀-ヿ㐀-鿿]")


def parse_transcript(data: bytes) -> Transcript:
    """Read a .srt or .vtt file (told apart by the word WEBVTT at the beginning).

    Raises Reject "unreadable-transcript" where there are bytes but no cue at all; an empty file is a transcript without
    cues.
    """
    text, encoding = decoded(data)
    good: list[Cue] = []
    bad: list[BadCue] = []
    repaired = 0
    blocks = list(_blocks(text))
    for line, times, words in blocks:
        found = _cue(line, times, words)
        if isinstance(found, BadCue):
            bad.append(found)
        else:
            cue, mended = found
            good.append(cue)
            repaired += mended
    if text.strip().removeprefix("WEBVTT").strip() and not blocks:
        raise Reject("unreadable-transcript", begins=text[:60], encoding=encoding)
    cues, untangled = _untangled(good)
    return Transcript(tuple(cues), tuple(bad), repaired + untangled, encoding)


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and the encoding it was read in; what no encoding fits becomes U+FFFD."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _clean(data.decode(name, "replace")), name
    for name in ENCODINGS:
        try:
            return _clean(data.decode(name)), name
        except UnicodeDecodeError:
            continue
    return _clean(data.decode("utf-8", "replace")), "utf-8 with errors"


def text_of_cue(raw: bytes) -> str:
    """Plain words of an embedded subtitle."""
    return _plain(raw.decode("utf-8", "replace").replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))


def count_words(text: str) -> int:
    """Words in the sense of speech: runs of letters and digits; of scripts without blanks (Chinese, Japanese) two
    characters count as one.

    >>> count_words("It's 3.5 km, 서울까지")
    4
    """
    signs = len(_CJK_WITHOUT_BLANKS.findall(text))
    return len(_WORD.findall(_CJK_WITHOUT_BLANKS.sub(" ", text))) + (signs + 1) // 2


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd").replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _blocks(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """(number of the time line, the time line, the lines of text below it). In WebVTT a blank line ends a cue (names of
    cues and notes may follow); .srt files have blank lines inside cues, there only the next number ends one."""
    lines = text.split("\n")
    blank_ends = text.lstrip().startswith("WEBVTT")
    starts = [n for n, line in enumerate(lines) if "->" in line and _ARROW.match(line)]
    for n, following in zip(starts, [*starts, len(lines)][1:], strict=True):
        words = lines[n + 1 : following]
        if blank_ends:
            words = list(takewhile(str.strip, words))
        elif following < len(lines) and words and words[-1].strip().isdigit():
            words = words[:-1]
        yield n + 1, lines[n], words


def _cue(line: int, times: str, words: list[str]) -> tuple[Cue, bool] | BadCue:
    match = _ARROW.match(times)
    assert match is not None
    text = _plain("\n".join(words))
    start, end = seconds_of(match[1]), seconds_of(match[2])
    reason = ""
    if start is None or end is None:
        reason = "unreadable-time"
    elif start < 0 or end < 0:
        reason = "negative-time"
    elif end < start - TOLERANCE:
        reason = "ends-before-it-begins"
    elif not text:
        reason = "no-text"
    if reason or start is None or end is None:
        return BadCue(line=line, reason=reason, text=f"{times.strip()} {text}"[:200])
    mended = end <= start
    return Cue(start=start, end=start + SHORT_READ if mended else end, text=text), mended


def seconds_of(clock: str) -> float | None:
    """Seconds of "01:02:03,456", "02:03.4" or "-00:00:01,000"; None for anything else, and for 61 seconds or minutes.

    >>> seconds_of("00:01:02,500")
    62.5
    """
    match = _CLOCK.match(clock.strip())
    if match is None or int(match[3]) > 59 or int(match[4]) > 59:
        return None
    fraction = float(f"0.{match[5]}") if match[5] else 0.0
    value = int(match[2] or 0) * 3600 + int(match[3]) * 60 + int(match[4]) + fraction
    return -value if match[1] else value


def _plain(text: str) -> str:
    """Without markup, one blank for many, no control characters."""
    text = html.unescape(_TAG.sub("", text))
    text = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") and char != "\n" else char for char in text)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _untangled(cues: list[Cue]) -> tuple[list[Cue], int]:
    """In order; where two overlap the earlier one ends as the later begins, and equal beginnings are laid together."""
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end))
    mended = sum(a is not b for a, b in zip(ordered, cues, strict=True))
    out: list[Cue] = []
    for cue in ordered:
        if out and cue.start - out[-1].start < SHORTEST:
            before = out.pop()
            texts = dict.fromkeys((before.text, cue.text))
            cue = Cue(start=before.start, end=max(before.end, cue.end), text="\n".join(texts))
            mended += 1
        elif out and out[-1].end > cue.start:
            out[-1] = out[-1].model_copy(update={"end": cue.start})
            mended += 1
        out.append(cue)
    return out, mended
