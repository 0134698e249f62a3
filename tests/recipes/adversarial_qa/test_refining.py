from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from click.testing import CliRunner

from sightline.cli.refine import command
from sightline.core.errors import BudgetReached, InputError
from sightline.core.media import Box, Evidence, MediaRef, Span
from sightline.core.sample import Choice
from sightline.lm import Budgeted, Price, Purse, Scripted
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.dataset import from_row, picture_name, to_row
from sightline.recipes.adversarial_qa.flags import Answers, Recorded, read_answers
from sightline.recipes.adversarial_qa.heuristics import Heuristics
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import read_choices, read_scenes
from sightline.recipes.adversarial_qa.refining import RefineConfig, refine_questions
from sightline.recipes.adversarial_qa.report import write_report
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import SOURCE, Counted, choice, constant, knowing, rewriting, writer

QUIET = Engine(progress=Progress("none"))
NEW = ["gate r", "gate s", "gate t", "gate u", "gate v"]


def lines(path: Path, count: int = 6) -> Path:
    rows = [
        json.loads(choice(n).model_dump_json(include={"id", "question", "options", "answer", "context"}))
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def cast(**other: Counted) -> dict[str, Counted]:
    """Questions 0, 1, 2 are weak; 0 and 1 can be fixed (the writer fails for 2)."""
    fix = Counted(
        lambda request: "no" if "scene 2" in request.messages[-1].text else rewriting("Which gate opens?", NEW, "B"),
        "writer",
    )
    return {
        "blind": knowing({f"door {n}-1" for n in range(3)}),
        "writer": fix,
        "verifier": knowing({"gate s"}, "verifier"),
        "held_out": knowing({"door 0-1", "gate s"}, "other"),
        **other,
    }


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in Dataset(folder).rows()}


def test_end_to_end_with_exact_calls_and_nothing_to_do_twice(tmp_path: Path) -> None:
    models = cast()
    result = refine_questions(lines(tmp_path / "q.jsonl"), tmp_path / "out", Judges(**models), engine=QUIET)
    assert result.complete
    calls = {role: len(model.asked) for role, model in models.items()}
    # blind: 6 x 5, then each fix once; equal questions (both fixes) are answered from the cache
    assert calls == {"blind": 6 * 5 + 5, "writer": 2 + 5, "verifier": 2 * 2, "held_out": 3 * 5 + 5}
    rows = rows_of(tmp_path / "out")
    assert {id: row["split"] for id, row in rows.items()} == {
        **{f"q{n}": "train" for n in (0, 1, 3, 4, 5)}, "q2": "unfixed_train",
    }  # fmt: skip
    assert rows["q2"]["question"] == choice(2).question
    assert rows["q2"]["flags"]["weak"] is True
    assert rows["q0"]["options"][rows["q0"]["answer"]] == "gate s"
    assert rows["q0"]["scores"]["judge"] == 1.0
    assert rows["q0"]["scores"]["held_out"] == 0.0
    found = Dataset(tmp_path / "out").run.figures["refinement"]
    assert (found["weak"], found["fixed"], found["unfixed"]) == ([3, 6], [2, 3], 1)
    assert found["weak_by_chance"] == pytest.approx(181 / 3125)
    assert found["held_out_weak_before"] == [1, 2]
    assert found["held_out_weak_after"] == [2, 2]
    assert found["calls_per_question"] == {"1": 2, "5": 1}
    again = refine_questions(tmp_path / "q.jsonl", tmp_path / "out", Judges(**cast()), engine=QUIET)
    assert again.work_done == 0
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(split) for name, split in loaded.items()} == {"train": 5, "unfixed_train": 1}
    evaluated = (tmp_path / "out" / "evaluate" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in evaluated] == ["q0", "q1", "q3", "q4", "q5"]


def test_of_two_rewrites_that_say_the_same_of_one_scene_one_is_refused(tmp_path: Path) -> None:
    """Both fixes are "Which gate opens?"; a third question of the scene asked that from the beginning."""
    data, scene = tmp_path / "q.jsonl", {"context": "The gate s opens."}
    for before, fixed in ((), ("q0",)), ((choice(7, **scene, question="Which gate opens?"),), ()):
        questions = [choice(0, **scene), choice(1, **scene), choice(3), *before]
        fields = {"id", "question", "options", "answer", "context"}
        data.write_text("".join(one.model_dump_json(include=fields) + "\n" for one in questions), encoding="utf-8")
        out, models = tmp_path / f"out-{len(before)}", cast()
        refine_questions(data, out, Judges(**models), engine=QUIET)
        rows = rows_of(out)
        taken = tuple(id for id, row in rows.items() if row["question"] == "Which gate opens?" and id != "q7")
        assert taken == fixed
        assert {row["split"] for id, row in rows.items() if id in {"q0", "q1"} - {*fixed}} == {"unfixed_train"}
        assert rows["q1"]["question"] == choice(1).question
        found = Dataset(out).run.figures["refinement"]
        assert (found["fixed"], found["attempts"]["repeated"]) == ([len(fixed), 2], 2 - len(fixed))
        assert found["examples"]["unfixed"][0]["tries"][0]["detail"] == "asked already: Which gate opens?"


def test_a_run_stopped_by_its_budget_goes_on_where_it_was(tmp_path: Path) -> None:
    data = lines(tmp_path / "q.jsonl")
    whole = cast()
    refine_questions(data, tmp_path / "whole", Judges(**whole), engine=QUIET)
    spent = 0
    for _ in range(60):
        models = cast()
        purse = Purse(0.02)
        paid = Judges(**{role: Budgeted(lm, Price(input=1.0, output=10.0), purse) for role, lm in models.items()})
        result = refine_questions(data, tmp_path / "out", paid, engine=QUIET)
        spent += sum(len(model.asked) for model in models.values())
        if result.complete:
            break
        assert isinstance(result.stopped_by, BudgetReached)
    assert result.complete
    assert spent == sum(len(model.asked) for model in whole.values())

    def content(folder: Path) -> list[dict[str, Any]]:
        return [row | {"provenance": None} for row in rows_of(folder).values()]

    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_without_a_writer_weak_questions_are_kept_apart(tmp_path: Path) -> None:
    judge = knowing({"door 0-1"})
    refine_questions(lines(tmp_path / "q.jsonl"), tmp_path / "out", Judges(judge), engine=QUIET)
    assert {row["split"] for row in rows_of(tmp_path / "out").values()} == {"train", "unfixed_train"}
    # found sound by another judge later, it goes home
    refine_questions(tmp_path / "out", tmp_path / "more", Judges(constant()), engine=QUIET)
    assert {row["split"] for row in rows_of(tmp_path / "more").values()} == {"train"}


def test_judges_that_must_not_know_each_other(tmp_path: Path) -> None:
    a, b, c = constant(name="a"), writer("", name="b"), constant(name="c")
    Judges(a, b, c, constant(name="d"))
    for wrong in ((a, b, None), (a, b, b), (a, b, a), (a, b, c, a), (a, b, c, b)):
        with pytest.raises(InputError):
            Judges(*wrong)
    with pytest.raises(InputError, match="folder of its own"):
        refine_questions(tmp_path, tmp_path, Judges(a))


def test_a_record_goes_to_parquet_and_back_unchanged() -> None:
    ref = MediaRef(sha256="ab" * 32, media_type="image/jpeg", width=3, height=4, page=2)
    bare = choice()
    for one in (
        bare.model_copy(
            update={"images": (ref,), "image_scales": (2.0,), "evidence": Evidence(page=2, boxes=(Box(1, 2, 3, 4),))}
        ),
        bare.model_copy(update={"evidence": Evidence(span=Span(1.0, 2.5), quote="opens", match="exact")}),
        bare.model_copy(update={"flags": {"weak": True}, "scores": {"blind": 0.4}}),
    ):
        row = to_row(one, lambda _: b"bytes")
        back = from_row(row, [picture_name(each) for each in one.images])
        assert to_row(back, lambda _: b"bytes") == row
        assert back.model_copy(update={"scores": one.scores, "flags": one.flags}) == one


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "broken-line"),
        ("[1]", "broken-line"),
        ('{"question": NaN}', "broken-line"),
        ({"question": "Q?"}, "no-question"),
        ({"question": "Q?", "options": ["a", "b"]}, "no-key"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 2}, "no-key"),
        ({"question": "Q?", "options": ["a", "b"], "answer": True}, "no-key"),
        ({"question": "Q?", "options": ["a", "b"], "answer": "c"}, "no-key"),
        ({"question": "Q?", "options": ["B", "A"], "answer": "A"}, "ambiguous-key"),
        ({"question": "Q?", "options": ["a"], "answer": 0}, "option-count"),
        ({"question": "Q?", "options": list("abcdefghijk"), "answer": 0}, "option-count"),
        ({"question": "Q?", "options": ["a", "A "], "answer": 0}, "same-options"),
        ({"question": "Q?", "options": ["a", " "], "answer": 0}, "empty-text"),
        ({"question": "Q?", "options": ["a", "b", "All of the above"], "answer": 2}, "positional-option"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 0, "images": ["gone.png"]}, "no-such-picture"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 0, "images": ["../q.jsonl"]}, "no-such-picture"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 0, "split": "../../test"}, "bad-split"),
        ({"question": "Q?", "options": ["a", "b"], "answer": 0, "split": "dev-test"}, "bad-split"),
    ],
)
def test_a_bad_line_is_refused_by_name_and_the_others_are_taken(tmp_path: Path, row: Any, reason: str) -> None:
    good = {"id": "ok", "question": "Q?", "options": ["a", "b"], "answer": "B"}
    said = [good, row]
    path = tmp_path / "q.jsonl"
    path.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in said), encoding="utf-8"
    )
    taken, refused = read_choices(path, Pictures())
    assert isinstance(taken, Choice)
    assert taken.answer == 1
    assert refused.reason == reason
    assert refused.origin == "q.jsonl line 2"


@pytest.mark.parametrize("read", [read_choices, read_scenes])
@pytest.mark.parametrize(("text", "why"), [("", "the file is empty"), ("no JSON\n{}\n", "q.jsonl line 1: broken-line")])
def test_a_file_without_a_line_that_can_be_used_is_an_error(tmp_path: Path, read: Any, text: str, why: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"no line of the file can be used.*{why}"):
        read(path, Pictures())


def test_refining_nothing_leaves_no_dataset(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "", "options": []}\n', encoding="utf-8")
    ran = CliRunner().invoke(command, [str(path), "--out", str(tmp_path / "out")])
    assert isinstance(ran.exception, InputError)
    assert not (tmp_path / "out" / "run.json").exists()


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"answer": 1}, 1), ({"answer": "b"}, 1), ({"answer": "(B)"}, 1), ({"key": "grey"}, 1), ({"answer": "Grey"}, 1),
        ({"answer_key": "red", "answer_key_position": 0}, 0),
    ],
)  # fmt: skip
def test_keys_are_read_in_each_stated_way(tmp_path: Path, fields: dict[str, Any], answer: int) -> None:
    path = tmp_path / "q.jsonl"
    spoilt = {"question": "Colour?\ud800", "choices": ["red", "grey"], "language": "e\ud800", **fields}
    path.write_text(json.dumps(spoilt), encoding="utf-8")
    (taken,) = read_choices(path, Pictures())
    assert isinstance(taken, Choice)
    assert taken.answer == answer
    assert taken.question == "Colour?\ufffd"
    assert json.loads(taken.model_dump_json())["language"] == "e\ufffd"


def test_hard_and_visual_reliance_come_from_recorded_answers(tmp_path: Path) -> None:
    said = {"full": ["B", "A", "I cannot tell"], "text": ["Answer: B", "door 0-1"]}
    path = tmp_path / "full.jsonl"
    path.write_text(
        "".join(json.dumps({"id": "q0", "prediction": one}) + "\n" for one in said["full"]), encoding="utf-8"
    )
    full = list(read_answers(f"full={path}"))
    answers = Answers([*full, *(Recorded("q0", "text", one) for one in said["text"])])
    assert answers.flagged(choice()).flags == {"hard": True, "visual_reliance": False}
    assert answers.flagged(choice(1)).flags == {}
    half = Answers([Recorded("q0", "full", "A"), Recorded("q0", "full", "B")])
    assert half.flagged(choice()).flags == {"hard": False}
    for spec in ("half=x", "full", f"full={tmp_path / 'none'}"):
        with pytest.raises(InputError):
            list(read_answers(spec))


def test_answers_to_an_old_wording_say_nothing_of_the_new_one(tmp_path: Path) -> None:
    answers = Answers(Recorded(id, "full", "A") for id in ("q0", "q3"))
    data = lines(tmp_path / "q.jsonl")
    refine_questions(data, tmp_path / "out", Judges(**cast()), answers=answers, engine=QUIET)
    rows = rows_of(tmp_path / "out")
    assert rows["q0"]["question"] == "Which gate opens?", "fixed: written anew"
    assert rows["q0"]["flags"] == {"weak": False, "hard": None, "visual_reliance": None}
    assert rows["q3"]["flags"]["hard"] is True


def test_the_command_prints_chance_and_cost_offline(tmp_path: Path) -> None:
    answers = tmp_path / "a.jsonl"
    answers.write_text('{"id": "q0", "prediction": "A"}\n', encoding="utf-8")
    data = lines(tmp_path / "q.jsonl")
    ran = CliRunner().invoke(
        command, [str(data), "--out", str(tmp_path / "out"), "--answers", f"text={answers}"], catch_exceptions=False
    )
    assert ran.exit_code == 0
    assert "5.8%" in ran.output
    assert "USD" in ran.output
    assert (tmp_path / "out" / "report.html").is_file()
    rows = rows_of(tmp_path / "out")
    assert rows["q0"]["flags"] == {"weak": False, "hard": None, "visual_reliance": True}
    assert Dataset(tmp_path / "out").run.models["blind"] == Heuristics().name


def test_source_of_a_line_does_not_depend_on_the_other_lines(tmp_path: Path) -> None:
    data = lines(tmp_path / "q.jsonl")
    judge = constant()
    refine_questions(data, tmp_path / "out", Judges(judge), RefineConfig(), engine=QUIET)
    rows = data.read_text(encoding="utf-8").splitlines()
    rows[2] = rows[2].replace("Which", "What")
    data.write_text("\n".join(rows), encoding="utf-8")
    again = constant()
    refine_questions(data, tmp_path / "out", Judges(again), RefineConfig(), engine=QUIET)
    assert len(again.asked) == 5
    assert SOURCE.name


def test_the_report_shows_before_and_after_and_what_all_runs_have_paid(tmp_path: Path) -> None:
    data = lines(tmp_path / "q.jsonl")
    knows, says = knowing({"door 0-1"}), writer("no", rewriting("Which gate?", ["r", "s", "t", "u", "v"], "B"))
    judges = Judges(priced(knows), priced(says), priced(knowing({"s"}, "verifier")))
    refine_questions(data, tmp_path / "out", judges, engine=QUIET)
    first = Dataset(tmp_path / "out").run.figures
    html = write_report(tmp_path / "out").read_text(encoding="utf-8")
    assert html.index("Before and after") < html.index("Which gate?") < html.index("How good are the checks?")
    assert "I went for door 0-1" in html
    assert "malformed: it was not in the form asked for (no-json); fixed" in html
    assert first["cost_usd"] > 0
    refine_questions(data, tmp_path / "out", judges, engine=QUIET)
    again = Dataset(tmp_path / "out").run.figures
    assert again["requests"] == 0
    assert again["cost_usd"] == pytest.approx(first["cost_usd"])


def priced(lm: Scripted) -> Budgeted:
    return Budgeted(lm, Price(input=1.0, output=2.0), Purse(None))
