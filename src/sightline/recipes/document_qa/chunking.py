"""From sketched pages to chunks: what a writer sees at once, in one language, without pages that stood before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from sightline.core.sample import Item, Page, Rejected, Written
from sightline.recipes.document_qa.chunks import chunk_spans, split_page
from sightline.recipes.document_qa.config import ChunkConfig
from sightline.recipes.document_qa.items import Chunk, PageSketch
from sightline.recipes.document_qa.sketching import comparable
from sightline.verify.duplicates import duplicate_of, group_pages

WRITTEN = frozenset({"en", "ko"})
"""Languages that writers have templates and prompts for."""


@dataclass(frozen=True, slots=True)
class ChunkDocuments:
    """Pages of each document -> chunks. Pages that stood before are rejected, documents that share near-duplicate pages
    get one group, and the language of the questions is decided page by page."""

    config: ChunkConfig
    read: Callable[[str], str]
    """JSON of a page by its key."""
    name: ClassVar[str] = "chunk"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = PageSketch
    gives: ClassVar[type[Item]] = Chunk

    def all(self, items: Iterable[PageSketch], /) -> Iterator[Written | Rejected]:
        sketches = [comparable(page) for page in items]
        groups, repeated = group_pages(sketches), duplicate_of(sketches)
        names = {one.key: f"{one.order[1]} page {one.order[2] + 1}" for one in sketches if one.key in repeated.values()}
        for _, pages in groupby(items, key=lambda page: page.source.sha256):
            kept: list[tuple[str, PageSketch]] = []
            for page in pages:
                language = page.language if self.config.language == "auto" else self.config.language
                if page.page in repeated:
                    yield _refused(page, "duplicate-page", same_as=names[repeated[page.page]])
                elif language not in WRITTEN:
                    yield _refused(page, "language-without-templates", language=language, known=sorted(WRITTEN))
                else:
                    kept.append((language, page))
            for language, run in groupby(kept, key=lambda entry: entry[0]):
                yield from self._chunks([page for _, page in run], groups, language)

    def _chunks(self, pages: list[PageSketch], groups: dict[str, str], language: str) -> Iterator[Written]:
        config = self.config
        group = groups[pages[0].page]
        for span in chunk_spans(
            [page.tokens for page in pages],
            pages_per_chunk=config.pages_per_chunk,
            tokens_per_chunk=config.tokens_per_chunk,
            overlap=config.overlap,
        ):
            texts = [self.read(page.page) for page in pages[span.start : span.stop]]
            if pages[span.start].tokens > config.tokens_per_chunk:
                for part in split_page(Page.model_validate_json(texts[0]), config.tokens_per_chunk):
                    yield chunk_of([part.model_dump_json()], group, language)
            else:
                yield chunk_of(texts, group, language)


def chunk_of(pages: Sequence[str], group: str, language: str) -> Written:
    """A `Chunk` out of its pages' JSON, which is not read for it."""
    return Written(
        Chunk, f'{{"pages":[{",".join(pages)}],"group":{json.dumps(group)},"language":{json.dumps(language)}}}'
    )


def _refused(page: PageSketch, reason: str, **evidence: object) -> Rejected:
    return Rejected(
        reason=reason, item=page.page, origin=f"{page.source.name} page {page.index + 1}", evidence=evidence
    )
