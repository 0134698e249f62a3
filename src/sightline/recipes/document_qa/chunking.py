"""From pages to chunks: what a writer sees at once, in one language, without pages that stood before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from sightline.core.sample import Item, Page, Rejected
from sightline.lm import estimate_tokens
from sightline.recipes.document_qa.chunks import chunk_pages
from sightline.recipes.document_qa.config import ChunkConfig
from sightline.recipes.document_qa.items import Chunk
from sightline.recipes.document_qa.language import page_language
from sightline.verify.duplicates import duplicate_of, group_pages, sketch

WRITTEN = frozenset({"en", "ko"})
"""Languages that writers have templates and prompts for."""


@dataclass(frozen=True, slots=True)
class ChunkDocuments:
    """Pages of each document -> chunks. Pages that stood before are rejected, documents that share near-duplicate pages
    get one group, and the language of the questions is decided page by page."""

    config: ChunkConfig
    name: ClassVar[str] = "chunk"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Page
    gives: ClassVar[type[Item]] = Chunk

    def all(self, items: Iterable[Page], /) -> Iterator[Chunk | Rejected]:
        sketches = [sketch(page) for page in items]
        groups, repeated = group_pages(sketches), duplicate_of(sketches)
        names = {one.key: f"{one.order[1]} page {one.order[2] + 1}" for one in sketches if one.key in repeated.values()}
        known = zip(items, (one.key for one in sketches), strict=True)
        for _, pages in groupby(known, key=lambda entry: entry[0].source.sha256):
            kept: list[tuple[str, Page]] = []
            for page, key in pages:
                group, language = groups[key], self._language(page)
                if key in repeated:
                    yield _refused(page, "duplicate-page", same_as=names[repeated[key]])
                elif language not in WRITTEN:
                    yield _refused(page, "language-without-templates", language=language, known=sorted(WRITTEN))
                else:
                    kept.append((language, page))
            for language, run in groupby(kept, key=lambda entry: entry[0]):
                yield from self._chunks([page for _, page in run], group, language)

    def _language(self, page: Page) -> str:
        return page_language(page.text) if self.config.language == "auto" else self.config.language

    def _chunks(self, pages: list[Page], group: str, language: str) -> Iterator[Chunk]:
        config = self.config
        for chunk in chunk_pages(
            pages,
            pages_per_chunk=config.pages_per_chunk,
            tokens_per_chunk=config.tokens_per_chunk,
            overlap=config.overlap,
            count_tokens=estimate_tokens,
        ):
            yield Chunk(pages=chunk, group=group, language=language)


def _refused(page: Page, reason: str, **evidence: object) -> Rejected:
    return Rejected(reason=reason, item=page.key, origin=f"{page.source.name} page {page.index + 1}", evidence=evidence)
