"""How good are the checks of a dataset? Known errors are planted into a copy of its accepted pairs, and the dataset's
own checks are run on them.

False alarms are counted over the writer's *drafts*, as they were before any check: accepted pairs have passed the
checks and could not raise one. A draft may really be wrong, so the figure is an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sightline.core.errors import InputError
from sightline.core.ports import LM
from sightline.lm import Cached
from sightline.pipeline import Store
from sightline.recipes.audit_record import FILE, REPLIES, Audit, alarm_row
from sightline.recipes.card import write_card
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.document_qa.config import CheckConfig, DocumentQAConfig
from sightline.recipes.document_qa.items import Chunk, Drafts
from sightline.recipes.document_qa.judge import sighted_request, sighted_score
from sightline.recipes.document_qa.writing import WriteByLayout
from sightline.verify import PageIndex, examine
from sightline.verify.catching import UNTOUCHED, CatchTable, Check, catch_rates
from sightline.verify.planting import Case

TEXT = "text checks"
"""Name of the checks that need no model: place, surroundings, completeness, unit, negation, format."""
JUDGE_MINIMUM = 0.5
"""A judge that agrees less than this with an answer refuses it, unless the run states another threshold."""


def audit_documents(folder: Path, *, limit: int = 300, seed: int = 0, judge: LM | None = None) -> Audit:
    """Plant every kind of error into up to `limit` accepted pairs; write audit.json and the card. What `judge` answers
    is kept in DIR/.sightline, so that it is asked once.

    Raises InputError where the folder holds no dataset, no accepted extractive pair, or its .sightline is gone.
    """
    dataset, store = _auditable(folder)
    config = DocumentQAConfig.model_validate(dataset.run.config)
    indexes = _Indexes(store)
    cases = list(_cases(dataset, indexes, config.check))
    if not cases:
        raise InputError("no accepted pair with evidence to plant errors into", subject=folder)
    drafts = list(_drafts(store, indexes))
    checks: dict[str, Check] = {TEXT: _text_check(config.check)}
    described = {TEXT: f"thresholds {config.check.thresholds.model_dump_json()}, no model"}
    if judge is not None:
        minimum = JUDGE_MINIMUM if config.min_judge is None else config.min_judge
        asked = _questions(cases, drafts, limit, seed)
        checks["judge"] = _judge_check(Cached(judge, folder / REPLIES), asked, minimum)
        described["judge"] = f"{judge.name}, refuses below an agreement of {minimum}"
    planted = catch_rates(cases, checks, seed=seed, limit=limit)
    alarms = catch_rates(drafts, checks, kinds=(), seed=seed, limit=limit)
    audit = _audit(dataset.fingerprint, planted, alarms, described)
    write_whole(folder / FILE, audit.model_dump_json(indent=2) + "\n")
    write_card(folder)
    return audit


def _auditable(folder: Path) -> tuple[Dataset, Store]:
    """The dataset and the state of its build, which holds the pages' words. Raises InputError where either is gone."""
    dataset, store = Dataset(folder).made_by("document_qa"), Store(folder)
    if not store.ledger.is_file():
        raise InputError(
            "the pages' words are gone with", subject=store.state, remedy="run the same build again, then audit"
        )
    return dataset, store


class _Indexes:
    """One index per page, kept while it is needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, int], PageIndex] = {}

    def of_chunk(self, chunk: Chunk) -> dict[int, PageIndex]:
        for page in chunk.pages:
            self._known.setdefault((page.key, page.index), PageIndex(page))
        return {page.index: self._known[page.key, page.index] for page in chunk.pages}

    def of_key(self, key: str) -> dict[int, PageIndex]:
        try:
            return self.of_chunk(self._store.item(key, Chunk))
        except KeyError as error:
            raise InputError(
                "the pages' words are gone", subject=self._store.state, remedy="run the same build again, then audit"
            ) from error


def _cases(dataset: Dataset, indexes: _Indexes, config: CheckConfig) -> Iterator[Case]:
    for row in dataset.rows(["texts", "evidence", "source", "language", "provenance"]):
        pages = indexes.of_key(row["provenance"]["parents"][0])
        evidence, text = row["evidence"][0], row["texts"][0]
        if evidence["match"] == "none":
            continue
        case = Case(text["user"], text["assistant"], pages[evidence["page"]], row["source"]["sha256"], row["language"])
        if not examine(case.question, case.answer, case.index, config.thresholds).reasons:
            yield case


def _drafts(store: Store, indexes: _Indexes) -> Iterator[Case]:
    for item in store.given(WriteByLayout.name, Drafts):
        pages = indexes.of_chunk(item.chunk)
        for draft in item.drafts:
            if draft.kind == "extractive" and draft.page in pages:
                yield Case(
                    draft.question, draft.answer, pages[draft.page], item.chunk.source.sha256, item.chunk.language
                )


def _text_check(config: CheckConfig) -> Check:
    def refuses(question: str, answer: str, index: PageIndex) -> bool:
        return bool(examine(question, answer, index, config.thresholds).reasons)

    return refuses


Asked = dict[tuple[str, str], tuple[str, PageIndex, str]]
"""(question, page key) -> question, page, language: what a judge must be asked once."""


def _questions(cases: list[Case], drafts: list[Case], pairs: int, seed: int) -> Asked:
    """Every question that the audit will check, found by a check that refuses nothing and remembers all."""
    language = {case.index.page.key: case.language for case in (*cases, *drafts)}
    asked: Asked = {}

    def remembers(question: str, answer: str, index: PageIndex) -> bool:
        asked.setdefault((question, index.page.key), (question, index, language[index.page.key]))
        return False

    catch_rates(cases, {"": remembers}, seed=seed, limit=pairs)
    catch_rates(drafts, {"": remembers}, kinds=(), seed=seed, limit=pairs)
    return asked


def _judge_check(judge: LM, asked: Asked, minimum: float) -> Check:
    """A judge answers each question once; a failed request refuses nothing, so that it never counts as a catch."""
    requests = (sighted_request(question, index.page.text, language) for question, index, language in asked.values())
    said = {key: reply.text if reply.ok else None for key, reply in zip(asked, judge.replies(requests), strict=True)}

    def refuses(question: str, answer: str, index: PageIndex) -> bool:
        reply = said[question, index.page.key]
        return reply is not None and sighted_score(answer, reply) < minimum

    return refuses


def _audit(dataset: str, planted: CatchTable, alarms: CatchTable, checks: dict[str, str]) -> Audit:
    untouched = {check: alarms.rate(UNTOUCHED, check) for check in checks}
    first = next(iter(checks))
    return Audit(
        dataset=dataset,
        checks=checks,
        pairs=planted.rate(UNTOUCHED, first).n,
        drafts=untouched[first].n,
        seed=planted.seed,
        rows=[row.model_dump() for row in planted.rows if row.kind != UNTOUCHED],
        false_alarms={check: alarm_row(rate) for check, rate in untouched.items()},
        skipped=planted.skipped,
    )
