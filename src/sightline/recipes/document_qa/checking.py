"""From drafts to pairs: the text checks, and the evidence they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from sightline import verify
from sightline.core.sample import Item, Page, Rejected
from sightline.recipes.document_qa.config import CheckConfig
from sightline.recipes.document_qa.items import Chunk, Draft, Drafts, Pair

if TYPE_CHECKING:
    from sightline.verify import Verdict

LAYOUT = "layout"
"""Name of the writer that asks page by page and knows where it read."""


@dataclass(frozen=True, slots=True)
class CheckDrafts:
    """Each draft through the text checks of its page: a pair with evidence, or a rejected row with every reason. A page
    that a language model was shown and asked nothing about is a row too, so that every page is accounted for."""

    config: CheckConfig
    name: ClassVar[str] = "check"
    version: ClassVar[int] = 5
    takes: ClassVar[type[Item]] = Drafts
    gives: ClassVar[type[Item]] = Pair

    def __call__(self, item: Drafts, /) -> Iterator[Pair | Rejected]:
        chunk_key = cache(lambda: item.chunk.key)
        page_key = cache(lambda place: item.chunk.pages[place].key)
        folded = cache(lambda place: verify.PageIndex(item.chunk.pages[place]))
        untouched = {page.index for page in item.chunk.pages} if item.writer != LAYOUT else set()
        for draft in item.drafts:
            place, verdict = self._best(draft, item, folded)
            against = self._reasons(draft, verdict)
            page = item.chunk.pages[place]
            untouched.discard(page.index)
            if against:
                yield Rejected(
                    reason=against[0],
                    origin=f"{page.source.name} page {page.index + 1}",
                    evidence={
                        "question": draft.question,
                        "answer": draft.answer,
                        "style": draft.style,
                        "reasons": list(against),
                        "confidence": verdict.evidence.confidence,
                        "support": round(verdict.support, 4),
                        "quote": verdict.evidence.quote,
                    },
                )
            else:
                yield _pair(draft, item, place, verdict, (chunk_key(), page_key(place)))
        for index in sorted(untouched):
            yield nothing_to_ask(item.chunk, index)

    def _best(self, draft: Draft, item: Drafts, folded: Callable[[int], verify.PageIndex]) -> tuple[int, Verdict]:
        """The page that speaks best for the draft; the one the writer names wins a tie. Of a layout writer's drafts
        only that one is looked at: the answer was taken from there, and another page may say it too."""
        held = item.writer == LAYOUT
        places = [place for place, page in enumerate(item.chunk.pages) if not held or page.index == draft.page]
        verdicts = {
            place: verify.examine(draft.question, draft.answer, folded(place), self.config.thresholds)
            for place in places
        }

        def merit(place: int) -> tuple[bool, float, bool]:
            verdict = verdicts[place]
            named = item.chunk.pages[place].index == draft.page
            return not verdict.reasons, verdict.evidence.confidence + verdict.support, named

        best = max(places, key=merit)
        return best, verdicts[best]

    def _reasons(self, draft: Draft, verdict: Verdict) -> tuple[str, ...]:
        """An abstractive answer need not stand on the page, nor does any if the person keeps unlocated ones."""
        if draft.kind == "abstractive" or self.config.keep_unlocated:
            return tuple(verify.reasons(draft.question, draft.answer))
        return verdict.reasons


def _pair(draft: Draft, item: Drafts, place: int, verdict: Verdict, parents: tuple[str, str]) -> Pair:
    chunk, page = item.chunk, item.chunk.pages[place]
    shown = [page] if item.writer == LAYOUT else distinct_pages(chunk)
    image = next(n for n, other in enumerate(shown) if other.index == page.index)
    return Pair(
        question=draft.question,
        answer=draft.answer,
        kind=draft.kind,
        evidence=verdict.evidence.model_copy(update={"image": image}),
        scores={"located": verdict.evidence.confidence, "judge": None, "blind": None},
        images=tuple(other.image for other in shown),
        image_scales=tuple(other.scale for other in shown),
        style=draft.style,
        writer=item.writer,
        language=chunk.language,
        group=chunk.group,
        source=chunk.source,
        parents=parents,
    )


def nothing_to_ask(chunk: Chunk, page: int) -> Rejected:
    """The row for a page about which a writer asked nothing."""
    words = sum(len(one.words) for one in chunk.pages if one.index == page)
    return Rejected(
        reason="nothing-to-ask", origin=f"{chunk.source.name} page {page + 1}", evidence={"page": page, "words": words}
    )


def distinct_pages(chunk: Chunk) -> list[Page]:
    """Pages of a chunk, each once (parts of a page that was too long for one chunk are the same page)."""
    return list({page.index: page for page in chunk.pages}.values())
