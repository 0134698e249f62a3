"""Text recognition engines behind the port `core.ports.OCR`, and the choice between them by language.

An engine is given only what it can read, and says so when it is not sure: Reject("ocr-unsure") below a stated mean
confidence. Measured at 150 dpi: Tesseract reads upright pages of its languages at 0.81 to 0.93 and foreign scripts,
vertical writing and turned pages at 0.19 to 0.37; RapidOCR reads English and Chinese at 0.97 to 1.0, and Korean, of
which it knows nothing, "at" 0.82.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from math import atan2, degrees
from typing import Any, Literal, NamedTuple

import numpy as np
from PIL import Image

from sightline.core.door import require
from sightline.core.errors import InputError, MissingExtra, Reject
from sightline.core.media import Box, Word
from sightline.core.ports import OCR
from sightline.media.layout import arrange
from sightline.media.png import encode_png

ISO = {"eng": "en", "kor": "ko", "chi_sim": "zh", "jpn": "ja", "deu": "de", "fra": "fr", "spa": "es", "por": "pt"}
"""Tesseract's language names as ISO 639-1."""
EngineName = Literal["auto", "tesseract", "rapidocr", "none"]

TURNS = (0, 90, 270, 180)
"""Degrees, clockwise, in the order in which they are tried."""
SYLLABLE_GAP = 0.2
"""Of the line's height. Tesseract sets spaces between Hangul syllables; closer ones belong to one word. On a
page of known text, words found rise from 44 % to 63 % with it."""


class _Read(NamedTuple):
    """A word as an engine gives it: pixels, confidence 0..1, and the line and block it stands in."""

    text: str
    box: Box
    confidence: float
    line: tuple[str, ...]
    block: tuple[str, ...]


@dataclass(frozen=True)
class Tesseract:
    """The `tesseract` program (Apache-2.0), version 4 or later, with its language data.

    Pages on which it is not sure are read again turned by 90, 270 and 180 degrees. Raises MissingExtra when made
    where the program or a language is not installed.
    """

    installed: tuple[str, ...] = ("eng", "kor")
    """Tesseract's names of the languages to read with."""
    min_confidence: float = 0.6
    """Least mean confidence (0..1, weighted by word length) of a page that is accepted."""
    min_word_confidence: float = 0.3
    """Words below it are specks and drawings: left out."""
    seconds: float = 120.0
    """Time limit of one reading."""

    def __post_init__(self) -> None:
        missing = [language for language in self.installed if language not in tesseract_languages()]
        if missing:
            packages = " ".join(f"tesseract-ocr-{language.replace('_', '-')}" for language in missing)
            raise MissingExtra("tesseract lacks language data", subject=missing, remedy=f"apt install {packages}")

    @property
    def name(self) -> str:
        return f"tesseract-{'+'.join(self.installed)}"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(ISO.get(language, language) for language in self.installed)

    def words(self, picture: bytes, /) -> tuple[Word, ...]:
        """Words in pixels of `picture` (encoded), in Tesseract's reading order.

        Raises Reject: "ocr-unsure" (confidence=, words=), "ocr-failed", "ocr-timeout".
        """
        read = _surest(self._read, picture, self.min_confidence, self.name)
        kept = [word for word in read if word.confidence >= self.min_word_confidence]
        return _as_words(_syllables_joined(kept))

    def _read(self, picture: bytes) -> list[_Read]:
        command = ["tesseract", "stdin", "stdout", "-l", "+".join(self.installed), "tsv"]
        environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
        try:
            done = subprocess.run(
                command, input=picture, capture_output=True, timeout=self.seconds, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Reject("ocr-timeout", engine=self.name, seconds=self.seconds) from error
        if done.returncode != 0:
            raise Reject("ocr-failed", engine=self.name, detail=done.stderr.decode("utf-8", "replace")[-300:])
        table = io.StringIO(done.stdout.decode("utf-8", "replace"))
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [_tesseract_word(row) for row in rows if row["level"] == "5" and (row["text"] or "").strip()]


@dataclass(frozen=True)
class RapidOcr:
    """RapidOCR (Apache-2.0) with the PP-OCRv6 models in its wheel: English, digits and Chinese, but no Hangul.

    Pages on which it is not sure are read again turned. Raises MissingExtra when made without the package.
    """

    min_confidence: float = 0.9
    """Least mean confidence (0..1, weighted by length) of a page that is accepted; Korean reaches 0.82."""
    threads: int = 1

    def __post_init__(self) -> None:
        _rapid_engine(self.threads)

    @property
    def name(self) -> str:
        return "rapidocr-en+zh"

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en", "zh"})

    def words(self, picture: bytes, /) -> tuple[Word, ...]:
        """Words in pixels of `picture` (encoded), in reading order. Raises Reject("ocr-unsure")."""
        return _as_words(_surest(self._read, picture, self.min_confidence, self.name))

    def _read(self, picture: bytes) -> list[_Read]:
        with Image.open(io.BytesIO(picture)) as image:
            pixels = np.asarray(image.convert("RGB"))[:, :, ::-1]
        found = _rapid_engine(self.threads)(pixels, return_word_box=True)
        texts = list(found.txts or ())
        if not texts:
            return []
        sure = float(np.average(found.scores, weights=[len(text) for text in texts]))
        pieces = found.word_results if len(found.word_results) == len(texts) else [()] * len(texts)
        words: list[tuple[str, Box, float, int]] = []
        for text, corners, line in zip(texts, found.boxes, pieces, strict=True):
            words += _line_words(text, np.asarray(corners, float), line)
        names, boxes, heights, turns = zip(*words, strict=True)
        arranged = arrange(list(names), np.array(boxes), np.array(heights), np.array(turns))
        return [_Read(word.text, word.box, sure, (str(word.line),), (str(word.block),)) for word in arranged]


def choose_ocr(language: str, engine: EngineName = "auto") -> OCR | None:
    """An engine that reads `language` (ISO 639-1, or "auto" where it is not known), or None where there is none.

    "auto" takes Tesseract with all languages it needs, else RapidOCR for what that reads; an unknown language is only
    given to Tesseract, which reads Hangul too. A named engine that cannot read the language raises InputError.
    """
    if engine == "none":
        return None
    wanted = _tesseract_names(language)
    if engine == "tesseract":
        return Tesseract(wanted)
    if engine == "rapidocr":
        if language not in ("en", "zh"):
            raise InputError("RapidOCR reads English and Chinese only", subject=language, remedy="use tesseract")
        return RapidOcr()
    if shutil.which("tesseract") and set(wanted) <= tesseract_languages():
        return Tesseract(wanted)
    if language in ("en", "zh") and find_spec("rapidocr") and find_spec("onnxruntime"):
        return RapidOcr()
    return None


@cache
def tesseract_languages() -> frozenset[str]:
    """Languages for which Tesseract has data. Raises MissingExtra where the program is not installed."""
    if shutil.which("tesseract") is None:
        raise MissingExtra(
            "the program 'tesseract' is not installed", remedy="apt install tesseract-ocr tesseract-ocr-kor"
        )
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, timeout=30, check=False)
    return frozenset(listed.stdout.split("\n")[1:]) - {""}


def _tesseract_names(language: str) -> tuple[str, ...]:
    """English is always among them: figures and names in Latin letters stand on every page."""
    if language == "auto":
        return ("eng", "kor")
    names = {iso: name for name, iso in ISO.items()}
    return tuple(dict.fromkeys(("eng", names.get(language, language))))


@cache
def _rapid_engine(threads: int) -> Any:
    module = require("rapidocr", "ocr")
    require("onnxruntime", "ocr")
    settings = {
        "Global.log_level": "error",
        "Global.text_score": 0.0,
        "Global.use_cls": False,
        "EngineConfig.onnxruntime.intra_op_num_threads": threads,
    }
    return module.RapidOCR(params=settings)


def _tesseract_word(row: dict[str, str]) -> _Read:
    left, top = float(row["left"]), float(row["top"])
    box = Box(left, top, left + float(row["width"]), top + float(row["height"]))
    block = (row["block_num"], row["par_num"])
    return _Read(row["text"].strip(), box, float(row["conf"]) / 100, (*block, row["line_num"]), block)


def _surest(read: Callable[[bytes], list[_Read]], picture: bytes, least: float, engine: str) -> list[_Read]:
    """What is read from the picture as it is or, where that is not sure, turned; boxes in the picture as it is.

    Raises Reject("ocr-unsure") where no turn reaches the `least` mean confidence.
    """
    best, words = 0.0, 0
    for turn in TURNS:
        turned, width, height = _turned(picture, turn)
        found = read(turned)
        sure = _confidence(found)
        if sure >= least:
            return [word._replace(box=_turned_back(word.box, turn, width, height)) for word in found]
        if sure >= best:
            best, words = sure, len(found)
    raise Reject("ocr-unsure", engine=engine, confidence=round(best, 3), least=least, words=words)


def _confidence(read: list[_Read]) -> float:
    """Mean over characters; 0 where nothing was read."""
    letters = sum(len(word.text) for word in read)
    return sum(len(word.text) * word.confidence for word in read) / letters if letters else 0.0


def _turned(picture: bytes, turn: int) -> tuple[bytes, int, int]:
    """The picture turned clockwise by `turn` degrees, and its size before that."""
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
        if turn == 0:
            return picture, width, height
        return encode_png(np.asarray(image.convert("RGB").rotate(-turn, expand=True))), width, height


def _turned_back(box: Box, turn: int, width: int, height: int) -> Box:
    """A box of a picture that was turned clockwise, in the picture of `width` x `height` before that."""
    left, top, right, bottom = box
    if turn == 90:
        return Box(top, height - right, bottom, height - left)
    if turn == 180:
        return Box(width - right, height - bottom, width - left, height - top)
    if turn == 270:
        return Box(width - bottom, left, width - top, right)
    return box


def _is_hangul(char: str) -> bool:
    return "\uac00" <= char <= "\ud7a3" or "\u3131" <= char <= "\u318e"


def _syllables_joined(read: list[_Read]) -> list[_Read]:
    """Words of one line with Hangul on one side of a gap too small for a space made one."""
    out = read[:1]
    for before, word in pairwise(read):
        if _is_one_word(before, word):
            last = out[-1]
            sure = (last.confidence + word.confidence) / 2
            out[-1] = _Read(last.text + word.text, last.box.union(word.box), sure, last.line, last.block)
        else:
            out.append(word)
    return out


def _is_one_word(before: _Read, after: _Read) -> bool:
    if before.line != after.line or not (_is_hangul(before.text[-1]) or _is_hangul(after.text[0])):
        return False
    wide = max(after.box.left - before.box.right, before.box.left - after.box.right)
    high = max(after.box.top - before.box.bottom, before.box.top - after.box.bottom)
    line_height = max(part.height if wide >= high else part.width for part in (before.box, after.box))
    return max(wide, high) < SYLLABLE_GAP * line_height


def _as_words(read: list[_Read]) -> tuple[Word, ...]:
    lines = {line: at for at, line in enumerate(dict.fromkeys(word.line for word in read))}
    blocks = {block: at for at, block in enumerate(dict.fromkeys(word.block for word in read))}
    return tuple(Word(word.text, word.box, lines[word.line], blocks[word.block]) for word in read)


def _line_words(text: str, corners: Any, pieces: Any) -> list[tuple[str, Box, float, int]]:
    """Words of one recognised line with box, line height and turn.

    `corners`: (4, 2) of the line; `pieces`: its parts as (text, score, corners). Where the parts do not spell the line,
    words share it by their length.
    """
    spans = [(piece, np.asarray(edges, float)) for piece, _, edges in pieces if edges is not None]
    turn = 0
    if len(spans) > 1:
        across, down = spans[-1][1].mean(axis=0) - spans[0][1].mean(axis=0)
        turn = round(degrees(atan2(down, across)) / 90) % 4 * 90
    wide, high = np.ptp(corners, axis=0).tolist()
    height = float(high if turn % 180 == 0 else wide)
    if "".join(piece for piece, _ in spans).replace(" ", "") != text.replace(" ", ""):
        return [(word, box, height, turn) for word, box in _shared(text, corners, turn)]
    letters = [box for piece, edges in spans for _, box in _shared(" ".join(piece.replace(" ", "")), edges, turn)]
    words: list[tuple[str, Box, float, int]] = []
    at = 0
    for word in text.split():
        box = letters[at]
        for letter in letters[at + 1 : at + len(word)]:
            box = box.union(letter)
        words.append((word, box, height, turn))
        at += len(word)
    return words


def _shared(text: str, corners: Any, turn: int) -> list[tuple[str, Box]]:
    """The words of `text`, each with the part of the rectangle that its length takes along the reading direction."""
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    whole = max(len(text), 1)
    out: list[tuple[str, Box]] = []
    at = 0
    for word in text.split():
        at = text.index(word, at)
        begin, end = at / whole, (at + len(word)) / whole
        if turn in (180, 270):
            begin, end = 1 - end, 1 - begin
        if turn % 180 == 0:
            wide = right - left
            out.append((word, Box(left + begin * wide, top, left + end * wide, bottom)))
        else:
            high = bottom - top
            out.append((word, Box(left, top + begin * high, right, top + end * high)))
        at += len(word)
    return out
