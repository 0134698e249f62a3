"""From files to pages: count them, then read each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from sightline import media, verify
from sightline.core.ports import OCR
from sightline.core.sample import File, Item, Page
from sightline.pipeline.sources import local_path
from sightline.recipes.document_qa.config import OcrName, ReadConfig
from sightline.recipes.document_qa.items import PageRef


@dataclass(frozen=True, slots=True)
class CountPages:
    """One reference per page; a file that cannot be opened is rejected as a whole."""

    config: None = None
    name: ClassVar[str] = "count-pages"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = File
    gives: ClassVar[type[Item]] = PageRef

    def __call__(self, item: File, /) -> Iterator[PageRef]:
        pages = media.page_count(local_path(item.source))
        for index in range(pages):
            yield PageRef(source=item.source, index=index, pages=pages)


@dataclass(frozen=True, slots=True)
class ReadPage:
    """Picture and words of one page."""

    config: ReadConfig
    name: ClassVar[str] = "read-pages"
    version: ClassVar[int] = 4
    takes: ClassVar[type[Item]] = PageRef
    gives: ClassVar[type[Item]] = Page

    def __call__(self, item: PageRef, /) -> Iterator[Page]:
        source = item.source
        if source.licence is None and self.config.licence is not None:
            source = source.model_copy(update={"licence": self.config.licence})
        yield media.read_page(
            local_path(source),
            source,
            item.index,
            config=self.config.page,
            ocr=_engine(self.config.ocr, self.config.ocr_language),
            language=self.config.ocr_language,
            picture_hash=verify.picture_hash_of,
        )


@cache
def _engine(name: OcrName, language: str) -> OCR | None:
    return media.choose_ocr(language, name)
