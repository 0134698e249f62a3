"""A page folded once: its text as one string, with the way back from every position to the words and their boxes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

from sightline.core.media import Box
from sightline.core.sample import Page
from sightline.verify.folding import join, pieces
from sightline.verify.values import Found, units_in, values_in


class PageIndex:
    """Make it once per page and keep it as long as answers of that page are looked up (about 1 ms to build)."""

    def __init__(self, page: Page) -> None:
        self.page = page
        parts: list[str] = []
        owners: list[int] = []
        texts = [word.text for word in page.words]
        if len("".join(texts).split()) > 1:
            texts = ["".join(text.split()) for text in texts]
        for number, text in enumerate(texts):
            for piece in pieces(text):
                parts.append(piece)
                owners.append(number)
        self.folded, self._starts = join(parts)
        self._owners = owners
        self._positions: dict[str, tuple[int, ...]] = {}

    @cached_property
    def values(self) -> tuple[Found, ...]:
        """Every number, date and amount on the page."""
        return values_in(self.folded)

    @cached_property
    def units(self) -> frozenset[str]:
        """Canonical names of all units and currencies named anywhere on the page."""
        return units_in(self.folded)

    def lines_in(self, block: int) -> int:
        """How many printed lines the block has."""
        return self._block_lines[block]

    @cached_property
    def _block_lines(self) -> Counter[int]:
        return Counter(block for block, _ in {(word.block, word.line) for word in self.page.words})

    def word_at(self, offset: int) -> int:
        """Index of the word to which the folded character at `offset` belongs."""
        return self._owners[bisect_right(self._starts, offset) - 1]

    def span_of(self, first: int, last: int) -> tuple[int, int]:
        """Folded start and end of the words first..last (both included), without the blank that follows."""
        begin = bisect_right(self._owners, first - 1)
        stop = bisect_right(self._owners, last)
        end = self._starts[stop] if stop < len(self._starts) else len(self.folded)
        return self._starts[begin], end - self.folded[:end].endswith(" ")

    def occurrences(self, needle: str, limit: int = 64) -> Iterator[int]:
        """Offsets of `needle` in the folded text, overlapping ones too, `limit` at most."""
        offset = self.folded.find(needle) if needle else -1
        while offset >= 0 and limit > 0:
            yield offset
            limit -= 1
            offset = self.folded.find(needle, offset + 1)

    def words_with(self, stem: str) -> tuple[int, ...]:
        """Words that begin with the folded `stem` (for scripts without blanks: that hold it)."""
        if stem not in self._positions:
            found = {self.word_at(at) for at in self.occurrences(stem) if self._begins_word(at, len(stem))}
            self._positions[stem] = tuple(sorted(found))
        return self._positions[stem]

    def runs_of(self, phrase: str) -> tuple[tuple[int, int], ...]:
        """First and last word of each place where the folded `phrase` begins a word."""
        ends = ((at, at + len(phrase) - 1) for at in self.occurrences(phrase) if self._begins_word(at, len(phrase)))
        return tuple((self.word_at(first), self.word_at(last)) for first, last in ends)

    def _begins_word(self, at: int, length: int) -> bool:
        """No Latin word or number is cut at its front, no number at its end."""
        text = self.folded
        if at and text[at].isascii() and text[at - 1].isascii() and text[at - 1].isalnum():
            return False
        if not text[at].isdigit():
            return True
        if at > 1 and text[at - 1] in ".," and text[at - 2].isdigit():
            return False
        behind = text[at + length : at + length + 2].ljust(2)
        return not (behind[0].isdigit() or (behind[0] in ".," and behind[1].isdigit()))

    def quote(self, start: int, end: int) -> str:
        """The page's own writing of folded[start:end]: words joined by blanks, the outer ones cut where the span cuts
        them."""
        first, last = self.word_at(start), self.word_at(end - 1)
        words = [word.text for word in self.page.words[first : last + 1]]
        begin, stop = self.span_of(first, first)[0], self.span_of(last, last)[1]
        if end < stop:
            words[-1] = words[-1][: _raw_offset(words[-1], end - self.span_of(last, last)[0])]
        if start > begin:
            words[0] = words[0][_raw_offset(words[0], start - begin) :]
        return " ".join(words)

    def boxes(self, start: int, end: int) -> tuple[Box, ...]:
        """One box per printed line that folded[start:end] runs over. A word cut by the span gives its whole box, so
        that what is cut out of the page always holds the answer complete."""
        lines: dict[int, Box] = {}
        for word in self.page.words[self.word_at(start) : self.word_at(end - 1) + 1]:
            lines[word.line] = lines[word.line].union(word.box) if word.line in lines else word.box
        return tuple(lines.values())


def _raw_offset(word: str, folded: int) -> int:
    """Where in `word` its first `folded` folded characters end."""
    return max(k for k in range(len(word) + 1) if len("".join(pieces(word[:k]))) <= folded)
