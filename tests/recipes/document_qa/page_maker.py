"""Pages set by hand: text at a place and size, with boxes as tight as a PDF reader gives them."""

from __future__ import annotations

from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.sample import Page
from sightline.recipes.document_qa.items import Chunk

SOURCE = Source(name="made.pdf", uri="made.pdf", sha256="0" * 64, media_type="application/pdf", size=1)


def words_at(text: str, left: float, base: float, line: int, block: int, size: float = 10.0) -> list[Word]:
    """Words of one line that stands on `base`; letters are half as wide as the type is high, Korean ones whole."""
    words, x = [], left
    for part in text.split():
        width = sum(size * (0.9 if ord(letter) > 0x1100 else 0.5) for letter in part)
        tall = 0.80 if any(ord(letter) > 0x1100 for letter in part) else 0.72 if _tall(part) else 0.52
        low = 0.10 if any(ord(letter) > 0x1100 for letter in part) else 0.21 if set(part) & set("gjpqyQ,;()") else 0.0
        words.append(Word(part, Box(x, base - tall * size, x + width, base + low * size), line, block))
        x += width + 0.3 * size
    return words


def _tall(word: str) -> bool:
    return any(letter.isupper() or letter.isdigit() or letter in "bdfhijklt()%$€#" for letter in word)


def page_of(words: list[Word], index: int = 0, pages: int = 1, width: float = 595.0, height: float = 842.0) -> Page:
    image = MediaRef(sha256="1" * 64, media_type="image/png", page=index)
    return Page(
        source=SOURCE, index=index, pages=pages, width=width, height=height, image=image, scale=1.0, words=tuple(words)
    )


def page_with(*lines: tuple[float, float, str] | tuple[float, float, str, float], index: int = 0) -> Page:
    """A page of lines (left, base, text[, size]); lines at one height share a line, a step of more than 20 is a new
    block."""
    words: list[Word] = []
    line, block, before = -1, -1, -1000.0
    for left, base, text, *size in lines:
        if base != before:
            line += 1
            block += abs(base - before) > 20
        words += words_at(text, left, base, line, block, *size)
        before = base
    return page_of(words, index)


def chunk_of(*pages: Page, language: str = "en") -> Chunk:
    return Chunk(pages=pages, group="g", language=language)
