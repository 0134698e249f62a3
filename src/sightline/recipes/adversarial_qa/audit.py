"""How good are the checks of a multiple-choice dataset? Known errors are planted into copies of its questions, and the
checks are run on them: a key moved to a wrong option, and keys that give themselves away.

The dataset is not changed. False alarms are counted on its untouched questions: upper bounds, for a key of theirs may
really be wrong, and a question of theirs really weak. A dataset that was refined against the same judge holds no
question that it flags, so there the figure is 0 by construction and tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, ModelError
from sightline.core.fingerprint import seeded
from sightline.core.ports import LM
from sightline.core.sample import Choice
from sightline.core.score import Proportion
from sightline.lm import Cached
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, blind_votes
from sightline.recipes.adversarial_qa.dataset import UNFIXED
from sightline.recipes.adversarial_qa.heuristics import Heuristics
from sightline.recipes.adversarial_qa.keys import KeyConfig, check_keys
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import read_choices
from sightline.recipes.adversarial_qa.writing_out import write_card
from sightline.recipes.audit_record import FILE, REPLIES, Audit, alarm_row, caught_row
from sightline.recipes.dataset import Dataset
from sightline.recipes.dataset_files import write_whole
from sightline.verify.question_words import content_words

BLIND, KEYS = "blind judge", "key check"
FILLER = {
    "en": ", as somebody who was there could see for himself at once",
    "ko": ", 그 자리에 있던 사람이면 바로 알 수 있었던 것",
}

ASKED = {"en": "What is the e-mail address of the office?", "ko": "담당 부서의 이메일 주소는 무엇입니까?"}


def wrong_key(choice: Choice, seed: int) -> Choice | None:
    """The key on another option."""
    step = 1 + seeded(seed, "wrong-key", choice.id) % (len(choice.options) - 1)
    return choice.model_copy(update={"answer": (choice.answer + step) % len(choice.options)})


def long_key(choice: Choice, seed: int) -> Choice | None:
    """The right option much longer than the others."""
    return _said(choice, choice.options[choice.answer] + FILLER.get(choice.language, FILLER["en"]))


def echoing_key(choice: Choice, seed: int) -> Choice | None:
    """Words of the question in the right option; None where it has none to repeat."""
    words = content_words(choice.question)[:2]
    return _said(choice, f"{choice.options[choice.answer]} ({' '.join(words)})") if words else None


def varied_key(choice: Choice, seed: int) -> Choice | None:
    """Wrong options made from the right one: each is the key with a word of its own; None with fewer than 3 options,
    of which neither is the middle."""
    key = choice.options[choice.answer]
    own = [option.split()[-1] for option in choice.options]
    options = tuple(key if n == choice.answer else f"{key} {word}" for n, word in enumerate(own))
    if len(options) < 3 or len(set(options)) < len(options):
        return None
    return choice.model_copy(update={"options": options})


def formed_key(choice: Choice, seed: int) -> Choice | None:
    """The question asks for an e-mail address, and only the right option looks like one."""
    if any("@" in option for option in choice.options):
        return None
    asked = ASKED.get(choice.language, ASKED["en"])
    return _said(choice.model_copy(update={"question": asked}), f"office{choice.answer}@mail.example")


Checks = dict[str, Callable[[Sequence[Choice]], list[bool]]]
Planter = Callable[[Choice, int], Choice | None]
PLANTS: dict[str, tuple[str, Planter]] = {
    "wrong key": (KEYS, wrong_key),
    "key much longer": (BLIND, long_key),
    "key repeats the question": (BLIND, echoing_key),
    "others vary the key": (BLIND, varied_key),
    "key alone has the form asked for": (BLIND, formed_key),
}
"""Kind of error -> (the check that is to catch it, how it is planted)."""


def audit_questions(
    folder: Path, *, limit: int = 300, seed: int = 0, judge: LM | None = None, blind: LM | None = None
) -> Audit:
    """Plant each kind of error into up to `limit` questions; write audit.json and the card. `blind` None: the embedded
    judge. `judge` is shown the context as the run's verifier was; None: keys cannot be checked, and that kind is left
    out.

    Raises InputError where the folder holds no multiple-choice dataset or weak questions only, ModelError where
    a request fails: a failure is neither a catch nor a miss.
    """
    pictures = Pictures()
    sound = [one for one in read_choices(folder, pictures) if isinstance(one, Choice)]
    sound = [one for one in sound if not one.split.startswith(UNFIXED)]
    if not sound:
        raise InputError("no question to plant errors into", subject=folder)
    chosen = [sound[k * len(sound) // min(limit, len(sound))] for k in range(min(limit, len(sound)))]
    asked = Heuristics() if blind is None else Cached(blind, folder / REPLIES)
    dataset = Dataset(folder)
    run = dataset.run.config
    test = BlindConfig(judge=asked.name, rotations=run.get("rotations", BlindConfig.model_fields["rotations"].default))
    checks: Checks = {BLIND: lambda some: _weak(some, asked, test)}
    described = {BLIND: f"{asked.name}, {test.rotations} rotations at most, weak above half"}
    if judge is not None:
        reader = Cached(judge, folder / REPLIES)
        config = KeyConfig(verifier=judge.name, sees=run.get("sees", "text"), orders=run.get("key_orders", 2))
        checks[KEYS] = lambda some: _unconfirmed(some, reader, config, pictures)
        described[KEYS] = f"{judge.name}, must choose the key in {config.orders} orders"
    audit = Audit(dataset=dataset.fingerprint, seed=seed, checks=described, **_measured(chosen, checks, seed))
    write_whole(folder / FILE, audit.model_dump_json(indent=2) + "\n")
    write_card(folder)
    return audit


def _measured(chosen: list[Choice], checks: Checks, seed: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    skipped = {}
    for kind, (check, planter) in PLANTS.items():
        if check in checks:
            planted = [one for choice in chosen if (one := planter(choice, seed)) is not None]
            rows.append(caught_row(kind, check, Proportion(sum(checks[check](planted)), len(planted))))
            skipped[kind] = len(chosen) - len(planted)
    alarms = {name: Proportion(sum(check(chosen)), len(chosen)) for name, check in checks.items()}
    return {
        "pairs": len(chosen),
        "drafts": len(chosen),
        "rows": rows,
        "false_alarms": {name: alarm_row(rate) for name, rate in alarms.items()},
        "skipped": skipped,
    }


def _said(choice: Choice, right: str) -> Choice:
    options = list(choice.options)
    options[choice.answer] = right
    return choice.model_copy(update={"options": tuple(options)})


def _weak(choices: Sequence[Choice], judge: LM, config: BlindConfig) -> list[bool]:
    out = []
    for votes in blind_votes(choices, judge, config):
        if isinstance(votes, str):
            raise ModelError(f"the blind judge gave no answer ({votes})", subject=judge.name, remedy="run again")
        out.append(votes.weak is True)
    return out


def _unconfirmed(choices: Sequence[Choice], verifier: LM, config: KeyConfig, pictures: Pictures) -> list[bool]:
    out = []
    for verdict in check_keys(choices, verifier, config, pictures):
        if verdict.error is not None:
            raise ModelError(
                f"the verifier gave no answer ({verdict.error})", subject=verifier.name, remedy="run again"
            )
        out.append(not verdict.confirmed)
    return out
