"""From chunks to drafts: by rules in worker processes, or by a language model in the main process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sightline.core.message import Reply
from sightline.core.ports import LM
from sightline.core.sample import Item, Rejected
from sightline.recipes.document_qa import layout
from sightline.recipes.document_qa.checking import distinct_pages, nothing_to_ask
from sightline.recipes.document_qa.items import Chunk, Drafts
from sightline.recipes.document_qa.lm_writer import LMWriter


class WriteConfig(BaseModel):
    """What decides a writer's drafts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    writer: str
    """"layout", or the language model's name."""
    pairs_per_page: int
    seed: int
    sees: Literal["text", "picture", "both"] = "text"
    """What a language model is shown of the pages; Docmatix showed text."""


@dataclass(frozen=True, slots=True)
class WriteByLayout:
    """Questions by rules from the pages' own layout; a page with nothing to ask is a rejected row."""

    config: WriteConfig
    name: ClassVar[str] = "write"
    version: ClassVar[int] = 6
    takes: ClassVar[type[Item]] = Chunk
    gives: ClassVar[type[Item]] = Drafts

    def __call__(self, item: Chunk, /) -> Iterator[Drafts | Rejected]:
        drafts = layout.LayoutWriter(self.config.pairs_per_page, self.config.seed).drafts(item)
        asked = {draft.page for draft in drafts}
        for page in distinct_pages(item):
            if page.index not in asked:
                yield nothing_to_ask(item, page.index)
        if drafts:
            yield Drafts(chunk=item, drafts=tuple(drafts), writer=self.config.writer)


@dataclass(frozen=True, slots=True)
class WriteByLM:
    """Questions by a language model, one request per chunk. Every malformed piece of a reply is a rejected row."""

    config: WriteConfig
    lm: LM
    picture: Callable[[str], bytes]
    """Encoded picture by hash."""
    name: ClassVar[str] = "write"
    version: ClassVar[int] = 2
    takes: ClassVar[type[Item]] = Chunk
    gives: ClassVar[type[Item]] = Drafts

    def batch(self, items: Sequence[Chunk], /) -> Iterator[Sequence[Drafts | Rejected]]:
        config = self.config
        writer = LMWriter(self.lm.name, config.pairs_per_page, config.seed, sees=config.sees)
        requests = (writer.request(chunk, self._pictures(chunk)) for chunk in items)
        for chunk, reply in zip(items, self.lm.replies(requests), strict=True):
            yield self._outcome(writer, chunk, reply)

    def _pictures(self, chunk: Chunk) -> list[bytes]:
        if self.config.sees == "text":
            return []
        return [self.picture(page.image.sha256) for page in distinct_pages(chunk)]

    def _outcome(self, writer: LMWriter, chunk: Chunk, reply: Reply) -> list[Drafts | Rejected]:
        if not reply.ok:
            return [Rejected(reason="writer-failed", evidence={"error": reply.error})]
        drafts, refused = writer.drafts(chunk, reply.text, truncated=reply.finish == "length")
        made = [Drafts(chunk=chunk, drafts=tuple(drafts), writer=self.config.writer)] if drafts else []
        return [*made, *refused]
