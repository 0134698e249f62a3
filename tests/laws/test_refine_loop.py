"""Laws of the refinement loop, whatever the models say: calls are bounded, keys are confirmed, originals are kept."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.core.media import Source
from sightline.core.message import Request
from sightline.core.sample import Choice
from sightline.lm import Scripted
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, BlindTest
from sightline.recipes.adversarial_qa.items import Refined
from sightline.recipes.adversarial_qa.keys import KeyConfig
from sightline.recipes.adversarial_qa.refine import Rewrite, RewriteConfig

SOURCE = Source(name="x", uri="x", sha256="0" * 64, media_type="text/plain", size=1)
OPTIONS = ["gate r", "gate s", "gate t", "gate u", "gate v"]


def replies() -> st.SearchStrategy[str]:
    drafts = st.builds(
        lambda n, count, letter: json.dumps({"question": f"Which {n}?", "options": OPTIONS[:count], "answer": letter}),
        st.integers(0, 99), st.integers(3, 5), st.sampled_from("ABCDEF"),
    )  # fmt: skip
    return st.one_of(drafts, st.text(max_size=30))


def answers() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from([f"Answer: {letter}\nReason: so" for letter in "ABCDE"]), st.text(max_size=20))


def drawing(data: st.DataObject, strategy: st.SearchStrategy[str], name: str, asked: list[str]) -> Scripted:
    def answer(_: Request) -> str:
        asked.append(name)
        return data.draw(strategy)

    return Scripted(answer, name)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 3), st.integers(1, 3))
def test_calls_are_bounded_and_originals_kept(data: st.DataObject, tries: int, count: int) -> None:
    asked: list[str] = []
    items = [
        Choice(id=f"q{n}", question="Why?", options=tuple("abcde"), answer=n, context="seen", source=SOURCE)
        for n in range(count)
    ]
    blind = drawing(data, answers(), "blind", asked)
    config = BlindConfig(judge="blind")
    before = [one for (one,) in BlindTest(config, blind).batch(items) if isinstance(one, Refined)]
    assert len(asked) == 5 * count
    step = Rewrite(
        RewriteConfig(blind=config, keys=KeyConfig(verifier="verifier"), writer="writer", tries=tries),
        blind,
        drawing(data, replies(), "writer", asked),
        drawing(data, answers(), "verifier", asked),
        lambda _: b"",
    )
    after = [one for (one,) in step.batch(before) if isinstance(one, Refined)]
    assert [one.original for one in after] == items
    spent = sum(len(one.tries) for one in after)
    formed = sum(one.outcome != "malformed" for item in after for one in item.tries)
    sure = sum(one.outcome in ("fixed", "still-weak", "undecided") for item in after for one in item.tries)
    assert asked.count("writer") == spent
    assert asked.count("verifier") == 2 * formed
    assert asked.count("blind") == 5 * (count + sure)
    for one in after:
        assert len(one.tries) <= tries
        assert (one.outcome == "fixed") == (bool(one.tries) and one.tries[-1].outcome == "fixed")
        assert one.outcome == "fixed" or one.final == one.original
        assert one.outcome != "unfixed" or len(one.tries) == tries
        assert one.outcome != "fixed" or (one.after is not None and one.after.weak is False)
