"""The nouns: hashes are stable, the wire loses nothing, intervals are right, errors carry their remedy."""

from __future__ import annotations

import hashlib
import pickle
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from sightline.core.door import load, require
from sightline.core.errors import InputError, MissingExtra, Reject
from sightline.core.fingerprint import fingerprint, model_name, seeded
from sightline.core.media import Box, MediaRef, Source, Word
from sightline.core.message import Message, Picture, Request, Text
from sightline.core.record import RunRecord, claim
from sightline.core.sample import Page
from sightline.core.score import Ballot, Proportion
from sightline.core.wire import message_to_wire, request_to_wire
from wire_reading import message_from_wire, request_from_wire

PNG = b"\x89PNG\r\n\x1a\n-not-a-real-picture"
PICTURE = Picture(ref=MediaRef(sha256=hashlib.sha256(PNG).hexdigest(), media_type="image/png"), data=PNG)
clean_text = st.text(st.characters(exclude_categories=("Cs",)))


def page(**changes: object) -> Page:
    source = Source(name="a.pdf", uri="a.pdf", sha256="0" * 64, media_type="application/pdf", size=1)
    words = (
        Word("Total", Box(0, 0, 20, 10), 0, 0),
        Word("529.87", Box(22, 0, 40, 10), 0, 0),
        Word("EUR", Box(0, 20, 9, 30), 1, 1),
    )
    fields: dict[str, object] = {
        "source": source, "index": 0, "pages": 1, "width": 595.0, "height": 842.0, "words": words, "scale": 2.0,
        "image": MediaRef(sha256="1" * 64, media_type="image/png", width=1190, height=1684),
    }  # fmt: skip
    return Page.model_validate(fields | changes)


def test_fingerprint_ignores_the_order_of_keys_and_sees_every_value() -> None:
    assert fingerprint({"a": [1, "한글"], "b": None}) == fingerprint({"b": None, "a": [1, "한글"]})
    assert fingerprint({"a": 1}) != fingerprint({"a": 1.5}) != fingerprint({"a": "1"})


def test_fingerprint_is_the_published_sha256_of_canonical_json() -> None:
    assert fingerprint({"b": 1, "a": "é"}) == hashlib.sha256('{"a":"é","b":1}'.encode()).hexdigest()[:32]


def test_a_models_name_changes_with_its_weights_and_nothing_else(tmp_path: Path) -> None:
    weights = bytearray(3 << 20)
    (tmp_path / "model.safetensors").write_bytes(weights)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    first = model_name(tmp_path)
    assert first.startswith(f"{tmp_path.name}@")
    (tmp_path / "README.md").write_text("a card", encoding="utf-8")
    (tmp_path / "optimizer.pt").write_bytes(b"state")
    assert model_name(tmp_path) == first
    names = {first}
    for at in (0, len(weights) // 2, len(weights) - 2):
        trained = weights.copy()
        trained[at : at + 16_384] = bytes([7]) * len(trained[at : at + 16_384])
        (tmp_path / "model.safetensors").write_bytes(trained)
        names.add(model_name(tmp_path))
    (tmp_path / "config.json").write_text('{"scale": 2}', encoding="utf-8")
    assert len(names | {model_name(tmp_path)}) == 5


def test_seeded_depends_on_every_part() -> None:
    assert (
        len({seeded(0, "style", "x"), seeded(1, "style", "x"), seeded(0, "style", "y"), seeded(0, "other", "x")}) == 4
    )


def test_an_items_key_is_its_json_and_never_its_blob() -> None:
    one = page()
    assert one.key == one.model_copy(update={"blob": b"pixels"}).key
    assert one.key != page(index=1, pages=2).key
    assert Page.model_validate_json(one.model_dump_json()) == one


def test_page_text_keeps_lines_and_blocks() -> None:
    assert page().text == "Total 529.87\n\nEUR"


@given(clean_text, st.sampled_from(["system", "user", "assistant"]), st.booleans())
def test_a_message_survives_the_wire(text: str, role: str, with_picture: bool) -> None:
    message = Message.of(role, *([PICTURE, text] if with_picture else [text]))  # type: ignore[arg-type]
    assert message_from_wire(message_to_wire(message)) == message


def test_a_request_survives_the_wire_with_every_parameter() -> None:
    request = Request(
        messages=(Message.of("user", PICTURE, "what?"),), max_tokens=7, temperature=0.3, top_p=0.9, seed=5,
        stop=("\n",), reply_schema={"type": "object"},
    )  # fmt: skip
    back = request_from_wire(request_to_wire(request, "m"))
    assert back == request
    assert back.key == request.key


@pytest.mark.parametrize("max_tokens", [0, 1, 1024])
def test_a_given_zero_is_not_a_missing_value(max_tokens: int) -> None:
    request = Request(messages=(Message.of("user", "x"),), max_tokens=max_tokens, top_p=0.0)
    assert request_from_wire(request_to_wire(request, "m")) == request


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    hits, n = case
    low, high = Proportion(hits, n).interval
    reference = binomtest(hits, n).proportion_ci(method="wilson")
    assert low == pytest.approx(reference.low, abs=1e-9)
    assert high == pytest.approx(reference.high, abs=1e-9)


def test_errors_carry_object_and_remedy_over_a_process_border() -> None:
    assert "broken.pdf" in str(InputError("cannot be read", subject="broken.pdf", remedy="try another"))
    back = pickle.loads(pickle.dumps(Reject("too-long", words=900)))
    assert (back.reason, back.evidence) == ("too-long", {"words": 900})


def test_a_missing_extra_names_the_pip_line() -> None:
    with pytest.raises(MissingExtra, match=r"clone: pip install -e .*\[ray\]"):
        require("no_such_package_at_all", "ray")


def test_what_a_module_lacks_is_named_and_not_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wanting.py").write_text("import no_such_package.part", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra, match="the package 'no_such_package'"):
        require("wanting", "ray")
    with pytest.raises(InputError, match="wanting imports no_such_package, which is not installed"):
        load("wanting:model")


@pytest.mark.parametrize(
    "target",
    ["json", "json:", ":x", "no_such_module_x:y", "json:no_such_name", ".json:x", "./models.py:model", "js on:x"],
)
def test_load_says_what_is_wrong(target: str) -> None:
    with pytest.raises(InputError):
        load(target)


def test_a_folder_belongs_to_one_recipe(tmp_path: Path) -> None:
    claim(tmp_path, "questions")
    for kept in ("no JSON", "[1]", "{}"):
        (tmp_path / "run.json").write_text(kept, encoding="utf-8")
        claim(tmp_path, "questions")
    record = RunRecord(recipe="evaluate/mcq", version=1, config={})
    (tmp_path / "run.json").write_text(record.model_dump_json(), encoding="utf-8")
    claim(tmp_path, "evaluate")
    with pytest.raises(InputError, match="results of the recipe 'evaluate/mcq'"):
        claim(tmp_path, "questions")


@pytest.mark.parametrize(("name", "held"), [("run.json", '{"lora": null}'), ("begun.json", "{}")])
def test_a_folder_with_a_training_is_no_place_for_a_dataset(tmp_path: Path, name: str, held: str) -> None:
    (tmp_path / name).write_text(held, encoding="utf-8")
    claim(tmp_path, "train-vlm")
    for recipe in ("document_qa", "video_annotation", "questions", "refine", "evaluate"):
        with pytest.raises(InputError, match="results of the recipe 'train-vlm'"):
            claim(tmp_path, recipe)


def test_text_of_a_message_joins_its_text_parts() -> None:
    assert Message.of("user", "a", PICTURE, Text(text="b")).text == "a\nb"


def test_a_ballot_is_weak_when_more_than_half_of_its_valid_votes_are_right() -> None:
    assert [Ballot((True,) * n + (False,) * (5 - n)).weak for n in range(6)] == [False] * 3 + [True] * 3
    assert Ballot((True, None, None)).weak is True
    assert Ballot((None, None)).weak is None
    assert Ballot((True, False, None)).share == Fraction(1, 2)
    assert Ballot.orders(3, 5) == ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    assert float(Ballot.flagged_by(Fraction(1, 5), 5)) == pytest.approx(binom.sf(2, 5, 0.2))
