from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from sightline.core.message import Reply, Request
from sightline.core.sample import Choice, Rejected
from sightline.lm import Scripted
from sightline.recipes.adversarial_qa.blind_test import BlindConfig, BlindTest, HeldOutTest, chosen_option
from sightline.recipes.adversarial_qa.items import Refined
from sightline.recipes.adversarial_qa.keys import CheckKeys, KeyConfig, key_orders
from sightline.recipes.adversarial_qa.refine import Rewrite, RewriteConfig

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import Counted, choice, constant, knowing, rewriting, shown_options, writer

BLIND = BlindConfig(judge="blind")
NEW = ["gate r", "gate s", "gate t", "gate u", "gate v"]
KNOWN = {f"door {n}-1" for n in range(20)}


def no_picture(_: str) -> bytes:
    raise AssertionError("no picture was asked for")


def judged_blind(items: list[Choice], lm: Scripted) -> list[Refined]:
    out = [outcome[0] for outcome in BlindTest(BLIND, lm).batch(items)]
    assert all(isinstance(one, Refined) for one in out)
    return [one for one in out if isinstance(one, Refined)]


def refine(items: list[Choice], blind: Counted, says: Counted, verifier: Counted, tries: int = 5) -> list[Refined]:
    config = RewriteConfig(blind=BLIND, keys=KeyConfig(verifier=verifier.name), writer=says.name, tries=tries)
    step = Rewrite(config, blind, says, verifier, no_picture)
    out = [outcome[0] for outcome in step.batch(judged_blind(items, blind))]
    assert all(isinstance(one, Refined) for one in out), out
    return [one for one in out if isinstance(one, Refined)]


@pytest.mark.parametrize("letter", list("ABCDE"))
def test_a_constant_letter_finds_nothing_weak(letter: str) -> None:
    judge = constant(letter)
    found = judged_blind([choice(n, answer=n % 5) for n in range(10)], judge)
    assert {one.outcome for one in found} == {"sound"}
    assert all(one.before.share is not None and one.before.share * 5 == 1 for one in found)
    assert len(judge.asked) == 50


def test_an_oracle_finds_everything_weak() -> None:
    judge = knowing(KNOWN)
    assert {one.outcome for one in judged_blind([choice(n) for n in range(10)], judge)} == {"weak"}


@pytest.mark.parametrize(("right", "outcome"), [(0, "sound"), (1, "sound"), (2, "sound"), (3, "weak"), (5, "weak")])
def test_two_of_five_are_not_weak_and_three_are(right: int, outcome: str) -> None:
    asked = [0]

    def answer(request: Request) -> str:
        asked[0] += 1
        options = shown_options(request)
        key = options.index("door 0-1")
        return f"Answer: {'ABCDE'[key if asked[0] <= right else (key + 1) % 5]}"

    assert judged_blind([choice()], Scripted(answer, "blind"))[0].outcome == outcome


def test_unreadable_replies_are_missing_votes_and_never_a_guess() -> None:
    assert judged_blind([choice()], Scripted(lambda _: "who knows", "blind"))[0].outcome == "undecided"
    assert chosen_option("Answer: B\nReason: C and D are wrong, A too", list("vwxyz"), (1, 2, 3, 4, 0)) == 2
    assert chosen_option("Reason: because\nAnswer: B", ["v", "w"], (1, 0)) == 0
    assert chosen_option("Answer: 0", ["v", "w"], (0, 1)) is None


def test_the_judge_sees_question_and_options_only() -> None:
    judge = constant()
    judged_blind([choice(context="THE CONTEXT", rationale="THE RATIONALE", images=())], judge)
    assert not any("THE" in request.messages[-1].text for request in judge.asked)


def test_a_good_rewrite_is_taken_and_everything_is_called_as_often_as_stated() -> None:
    blind, verifier = knowing(KNOWN), knowing({"gate s"}, "verifier")
    says = writer(rewriting("Which gate opens?", NEW, "B", quote="door 0-1 opens"))
    (one,) = refine([choice()], blind, says, verifier)
    assert one.outcome == "fixed"
    assert one.final.options[one.final.answer] == "gate s"
    assert one.final.evidence is not None
    assert one.final.evidence.quote == "door 0-1 opens"
    assert one.original == choice()
    assert (len(blind.asked), len(says.asked), len(verifier.asked)) == (10, 1, 2)
    assert "I went for door 0-1" in says.asked[0].messages[-1].text


def test_five_tries_and_not_one_more_then_the_original_stays() -> None:
    blind = knowing(KNOWN | {"gate s"})
    says, verifier = writer(rewriting("Which gate opens?", NEW, "B")), knowing({"gate s"}, "verifier")
    (one,) = refine([choice()], blind, says, verifier)
    assert one.outcome == "unfixed"
    assert one.final == one.original == choice()
    assert [one.outcome for one in one.tries] == ["still-weak"] * 5
    assert (len(says.asked), len(verifier.asked), len(blind.asked)) == (5, 10, 5 + 25)
    assert len({request.seed for request in says.asked}) == 5


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_a_fix_at_the_last_try_counts(tries: int) -> None:
    bad = [rewriting(f"Which gate {n}?", NEW, "B") for n in range(tries - 1)]
    good = rewriting("Which window?", ["pane a", "pane b", "pane c", "pane d", "pane e"], "C")
    blind, verifier = knowing(KNOWN | {"gate s"}), knowing({"gate s", "pane c"}, "verifier")
    says = writer(*bad, good)
    (one,) = refine([choice()], blind, says, verifier, tries)
    assert one.outcome == "fixed"
    assert len(says.asked) == tries


def test_planted_wrong_keys_are_all_refused() -> None:
    """The verifier reads the context; a rewriter that names any wrong option never gets through."""
    for wrong in "ACDE":
        blind, verifier = knowing(KNOWN), knowing({"gate s"}, "verifier")
        says = writer(rewriting("Which gate opens?", NEW, wrong))
        (one,) = refine([choice()], blind, says, verifier)
        assert one.outcome == "unfixed"
        assert one.final == choice()
        assert {each.outcome for each in one.tries} == {"key-refused"}
        assert len(blind.asked) == 5
        assert "chose 'gate s'" in says.asked[1].messages[-1].text


@pytest.mark.parametrize("letter", list("ABCDE"))
def test_a_verifier_that_loves_a_letter_confirms_nothing(letter: str) -> None:
    for key in "ABCDE":
        says = writer(rewriting("Which gate opens?", NEW, key))
        (one,) = refine([choice()], knowing(KNOWN), says, constant(letter, "verifier"), tries=1)
        assert one.outcome == "unfixed"


def test_key_orders_put_the_key_in_different_places() -> None:
    for options in range(2, 11):
        orders = key_orders(options, 2)
        assert len(orders) == 2
        assert all(orders[0].index(key) != orders[1].index(key) for key in range(options))


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("no", "no-json"),
        ('{"question": "Which', "broken-json"),
        ('{"question": "Which?"}', "schema"),
        (rewriting("Which gate?", NEW[:4], "B"), "option-count"),
        (rewriting("Which gate?", NEW, "F"), "no-key"),
        (rewriting("Which gate?", NEW, "gate s"), "no-key"),
        (rewriting("Which gate?", [*NEW[:4], "Gate  R"], "B"), "same-options"),
        (rewriting("Which gate?", [*NEW[:4], "None of the above"], "B"), "positional-option"),
        (rewriting("Which gate?", [*NEW[:4], "위의 모두"], "B"), "positional-option"),
        (rewriting("Is it the gate s or not?", NEW, "B"), "answer-in-question"),
        (rewriting(" ", NEW, "B"), "empty-text"),
        (rewriting("Which door opens in scene 0?", [f"door 0-{i}" for i in range(5)], "B"), "unchanged"),
    ],
)
def test_a_reply_of_wrong_form_is_a_try_spent(reply: str, why: str) -> None:
    blind, says, verifier = knowing(KNOWN), writer(reply), knowing({"gate s"}, "verifier")
    (one,) = refine([choice()], blind, says, verifier)
    assert one.outcome == "unfixed"
    assert [each.outcome for each in one.tries] == ["malformed"] * 5
    assert why in one.tries[0].detail
    assert (len(says.asked), len(verifier.asked), len(blind.asked)) == (5, 0, 5)


def test_sound_questions_pass_untouched_and_in_order() -> None:
    items = [choice(n) for n in range(6)]
    blind, verifier = knowing({"door 1-1", "door 4-1"}), knowing({"gate s"}, "verifier")
    says = writer(rewriting("Which gate opens?", NEW, "B"))
    found = refine(items, blind, says, verifier)
    assert [one.original.id for one in found] == [item.id for item in items]
    assert [one.outcome for one in found] == ["sound", "fixed", "sound", "sound", "fixed", "sound"]
    assert all(one.final == one.original for one in found if one.outcome == "sound")


@pytest.mark.parametrize("failing", ["blind", "writer", "verifier"])
def test_a_failed_request_refuses_the_question_for_this_run(failing: str) -> None:
    bad = Scripted(lambda _: Reply(error="timeout", finish="error"), failing)
    blind, verifier = knowing(KNOWN), knowing({"gate s"}, "verifier")
    says = writer(rewriting("Which gate opens?", NEW, "B"))
    weak = judged_blind([choice()], blind)
    config = RewriteConfig(blind=BLIND, keys=KeyConfig(verifier="verifier"), writer="writer")
    models = {"blind": blind, "writer": says, "verifier": verifier} | {failing: bad}
    step = Rewrite(config, models["blind"], models["writer"], models["verifier"], no_picture)
    ((out,),) = step.batch(weak)
    assert isinstance(out, Rejected)
    assert out.reason == f"{failing}-failed"


def test_success_is_measured_on_a_judge_that_rewriting_never_saw() -> None:
    """The rewriter only found what this blind judge does not know; the held-out judge still does."""
    blind, verifier = knowing(KNOWN), knowing({"gate s"}, "verifier")
    fixed = refine([choice(0)], blind, writer(rewriting("Which gate opens?", NEW, "B")), verifier)
    unfixed = refine([choice(1)], blind, writer("nothing"), verifier)
    sound = judged_blind([choice(2)], constant())
    other = knowing({"door 0-1", "gate s"}, "other")
    step = HeldOutTest(BlindConfig(judge="other"), other)
    out = [one[0] for one in step.batch([*fixed, *sound, *unfixed])]
    assert all(isinstance(one, Refined) for one in out)
    weak = [[votes.weak for votes in one.held_out] for one in out if isinstance(one, Refined)]
    assert weak == [[True, True], [], [False]]
    assert len(other.asked) == 15


def test_keys_of_whole_datasets_are_checked_the_same_way() -> None:
    draw = random.Random(0)
    items = [choice(n, answer=draw.randrange(5)) for n in range(40)]
    truth = {item.id: item.options[item.answer] for item in items}
    planted = [item.model_copy(update={"answer": (item.answer + 1 + n % 4) % 5}) for n, item in enumerate(items)]
    step = CheckKeys(KeyConfig(verifier="reader"), knowing(set(truth.values()), "reader"), no_picture)
    refused = [one[0] for one in step.batch(planted)]
    assert all(isinstance(one, Rejected) and one.reason == "key-refused" for one in refused)
    kept = [one[0] for one in step.batch(items)]
    assert all(isinstance(one, Choice) and one.scores["judge"] == 1.0 for one in kept)
    bare = [items[0].model_copy(update={"context": " "})]
    assert isinstance(next(iter(step.batch(bare)))[0], Rejected)
