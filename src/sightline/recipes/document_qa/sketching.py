"""From pages to what is compared of them, in worker processes: the next step looks at all pages in one process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sightline.core.sample import Item, Page
from sightline.lm import estimate_tokens
from sightline.recipes.document_qa.items import PageSketch
from sightline.recipes.document_qa.language import page_language
from sightline.verify.duplicates import Sketch, sketch


@dataclass(frozen=True, slots=True)
class SketchPage:
    """One sketch per page."""

    config: None = None
    name: ClassVar[str] = "sketch"
    version: ClassVar[int] = 1
    takes: ClassVar[type[Item]] = Page
    gives: ClassVar[type[Item]] = PageSketch

    def __call__(self, item: Page, /) -> Iterator[PageSketch]:
        text = item.text
        drawn = sketch(item)
        yield PageSketch(
            page=drawn.key,
            source=item.source,
            index=item.index,
            image=drawn.image,
            perceptual_hash=drawn.picture,
            text=drawn.text,
            words=drawn.words,
            signature=drawn.signature.astype("<u4").tobytes().hex(),
            language=page_language(text),
            tokens=estimate_tokens(text),
        )


def comparable(page: PageSketch) -> Sketch:
    """The sketch as `sightline.verify` made it."""
    return Sketch(
        key=page.page,
        document=page.source.sha256,
        order=(page.source.sha256, page.source.uri, page.index),
        picture=page.perceptual_hash,
        image=page.image,
        text=page.text,
        words=page.words,
        signature=np.frombuffer(bytes.fromhex(page.signature), "<u4"),
    )
