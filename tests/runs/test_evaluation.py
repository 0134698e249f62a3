"""Ask, judge, score, compare, agree, disagree, report: with a scripted model and a scripted judge."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner
from PIL import Image

from sightline.cli.agree import command as agree_command
from sightline.cli.compare import command as compare_command
from sightline.cli.disagree import command as disagree_command
from sightline.cli.evaluate import command as evaluate_command
from sightline.cli.score import command as score_command
from sightline.core.door import load
from sightline.core.errors import BudgetReached, InputError
from sightline.core.message import Reply, Request
from sightline.evaluate.benchmarks import BENCHMARKS
from sightline.evaluate.benchmarks.questions import QUESTIONS
from sightline.lm import Budgeted, Cached, Price, Replay, Scripted
from sightline.lm.budget import Purse
from sightline.pipeline import Progress
from sightline.runs.evaluation import EvaluationConfig, evaluate, expected
from sightline.runs.evaluation_compare import agree, compare, disagreements
from sightline.runs.evaluation_records import read_records, read_summary
from sightline.runs.evaluation_report import write_report

QUIET = Progress("none")


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (shade, 99, 99)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "questions.jsonl"
    path.parent.mkdir()
    lines = []
    for i in range(12):
        (path.parent / f"p{i // 2}.png").write_bytes(png(i // 2))
        lines.append({"id": f"q{i}", "question": f"What is number {i}?", "references": [f"the answer {i}"],
                      "images": [f"p{i // 2}.png"], "group": f"doc{i // 2}",
                      "category": "even" if i % 2 == 0 else "odd"})  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def number(request: Request) -> int:
    text = request.messages[-1].text
    return int(text.partition("number ")[2].partition("?")[0]) if "number" in text else -1


class Counting:
    """A model that counts what reaches it, may fail on some numbers, and may be killed after some."""

    def __init__(self, wrong: set[int] = frozenset(), fail: set[int] = frozenset(), kill_after: int = 10**9) -> None:  # type: ignore[assignment]
        self.name, self.asked, self.wrong, self.fail, self.kill_after = "counting", [0] * 12, wrong, fail, kill_after

    def replies(self, requests: Any) -> Any:
        for request in requests:
            if sum(self.asked) >= self.kill_after:
                raise KeyboardInterrupt
            i = number(request)
            self.asked[i] += 1
            assert request.messages[-1].pictures[0].data
            if i in self.fail:
                yield Reply(error="timeout")
            else:
                yield Reply(text="quite something else, said in other words" if i in self.wrong else f"The answer {i}")


def judge(request: Request) -> str:
    text = request.messages[-1].text
    if "Candidate answer: quite" not in text.rpartition("\n\n")[2]:
        return "It is the same. So rating=3."
    return ["So rating=1", "Said in other words. So rating=3", "I cannot tell."][
        len(text.rpartition("number ")[2].partition("?")[0]) % 2
    ]


def config(data: Path, **more: Any) -> EvaluationConfig:
    return EvaluationConfig(benchmark="questions", data=str(data), **more)


def test_scores_records_and_report(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    found = evaluate(
        QUESTIONS, config(data), Counting(wrong={1, 11}, fail={4}), out, judge=Scripted(judge, "judge"), progress=QUIET
    )
    scores = {score.name: score for score in found.scores}
    assert scores["anls"].value == pytest.approx(9 / 11)
    assert scores["anls"].n == 11
    assert "clustered" in scores["anls"].signature
    assert found.failed == {"timeout": 1}
    assert found.ratings["3"] + found.ratings["1"] == 11
    records = {record.id: record for record in read_records(out)}
    assert len(records) == 12
    assert records["q4"].prediction is None
    assert records["q4"].figures == {}
    assert len(disagreements(list(records.values()))) == 1
    page = write_report(out).read_text()
    assert "timeout" in page
    assert "What is number 1?" in page
    assert "data:image/webp" in page


def test_each_metric_is_drawn_on_its_own_scale(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    wanted = config(data, metrics=("anls", "cider-d"))
    found = evaluate(QUESTIONS, wanted, Counting(wrong={1, 2, 3}), out, progress=QUIET)
    cider = next(score for score in found.scores if score.name == "cider-d")
    assert cider.limits == (0, 10)
    page = write_report(out).read_text()
    assert "Scale 0 to 10." in page
    assert f'aria-label="score: cider-d {cider.value:.2f} [' in page
    assert 'aria-label="score: anls 75.0% [' in page


def test_a_killed_run_resumes_and_asks_nothing_twice(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = Counting(kill_after=5)
    with pytest.raises(KeyboardInterrupt):
        evaluate(QUESTIONS, config(data), Cached(first, out / "replies.sqlite"), out, progress=QUIET)
    assert not (out / "scores.json").exists()
    second = Counting(fail={7})
    evaluate(QUESTIONS, config(data), Cached(second, out / "replies.sqlite"), out, progress=QUIET)
    assert sum(first.asked) + sum(second.asked) == 12
    third = Counting()
    found = evaluate(QUESTIONS, config(data), Cached(third, out / "replies.sqlite"), out, progress=QUIET)
    assert sum(third.asked) == third.asked[7] == 1
    assert found.failed == {}
    whole = evaluate(QUESTIONS, config(data), Counting(), tmp_path / "whole", progress=QUIET)
    assert [(s.name, s.value) for s in whole.scores] == [(s.name, s.value) for s in found.scores]


def test_a_cap_stops_without_a_result_and_a_judging_is_replayed_without_a_judge(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    price = Price(input=1.0, output=1000.0)
    assert expected(QUESTIONS, config(data, max_tokens=10), Counting(), out, price=price).cost > 0.1
    poor = Budgeted(Counting(), price, Purse(0.05))
    with pytest.raises(BudgetReached):
        evaluate(QUESTIONS, config(data, max_tokens=10), poor, out, progress=QUIET)
    assert not (out / "scores.json").exists()
    cache = tmp_path / "judging.sqlite"
    first = evaluate(
        QUESTIONS, config(data), Counting({1, 3}), out, judge=Cached(Scripted(judge, "j"), cache), progress=QUIET
    )
    again = evaluate(QUESTIONS, config(data), Counting({1, 3}), tmp_path / "b", judge=Replay(cache), progress=QUIET)
    assert again.scores == first.scores
    assert again.ratings == first.ratings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "a", "question": "?", "references": ["b"]}\n{"id": "c", "question": "?", "references": []}\n',
         "example 'c' has no reference"),
        (b'{"question": "?", "references": ["b"]}\n', "line 1: no 'id'"),
        (b'{"id": 1, "question": "?", "references": ["b"]}\n' * 2, "line 2: id '1' is there already"),
        (b'{"id": 1, "question": 5, "references": ["b"]}\n', "line 1: question"),
        (b'{"id": 1, "question": "?", "references": ["b", 7]}\n', "line 1: references"),
        (b'{"id": 1, "question": "?", "references": ["b"]}\n{"id": 2, "quest', "line 2 is no JSON .*cut off"),
        (b'{"id": 1, "question": "\xff", "references": ["b"]}\n', "line 1 is not UTF-8"),
        (b'{"id": 1, "question": "?", "references": ["b"], "images": ["gone.png"]}\n', "no such picture"),
        (b"", "no example"),
    ],
)  # fmt: skip
def test_bad_questions_are_named_before_a_request_and_leave_no_result(
    content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(content)
    model = Counting()
    with pytest.raises(InputError, match=message):
        expected(QUESTIONS, config(path), model, tmp_path / "out")
    with pytest.raises(InputError, match=message):
        evaluate(QUESTIONS, config(path), model, tmp_path / "out", progress=QUIET)
    assert sum(model.asked) == 0
    assert not list((tmp_path / "out").glob("*.json"))
    assert not (tmp_path / "out" / "records.parquet").exists()


def test_comparison_is_paired_and_clustered(data: Path, tmp_path: Path) -> None:
    evaluate(QUESTIONS, config(data), Counting(wrong={1, 2, 3}), tmp_path / "a", progress=QUIET)
    evaluate(QUESTIONS, config(data), Counting(wrong={3}, fail={0}), tmp_path / "b", progress=QUIET)
    found = compare(tmp_path / "a", tmp_path / "b", margin=0.5)
    assert (found.common, found.only_a, found.only_b, found.clusters) == (11, 1, 0, 6)
    exact = next(d for d in found.differences if d.metric == "exact")
    assert exact.difference == pytest.approx(2 / 11)
    assert exact.flips is not None
    assert (exact.flips.only_a, exact.flips.only_b) == (0, 2)
    assert exact.p_holm >= exact.p
    assert exact.equivalent_p is not None
    same = compare(tmp_path / "a", tmp_path / "a")
    assert all(d.difference == 0 and d.p == 1 for d in same.differences)


def test_runs_of_other_tools_are_read(tmp_path: Path) -> None:
    lmms = tmp_path / "m_samples_docvqa.jsonl"
    lmms.write_text(
        "".join(
            json.dumps({"doc_id": i, "target": ["x"], "filtered_resps": [["x"]], "anls": float(i % 2)}) + "\n"
            for i in range(6)
        )
    )
    kit = tmp_path / "model_MMBench.tsv"
    kit.write_text(
        "index\tquestion\tanswer\tprediction\thit\n" + "".join(f"{i}\tq\tA\tA\t{i % 3 == 0:d}\n" for i in range(6))
    )
    assert [r.figures["anls"] for r in read_records(lmms)] == [0, 1, 0, 1, 0, 1]
    assert [r.figures["hit"] for r in read_records(kit)] == [1, 0, 0, 1, 0, 0]
    assert compare(lmms, lmms).common == 6
    with pytest.raises(InputError, match="metric in common"):
        compare(lmms, kit)
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="line 1"):
        read_records(tmp_path / "x.jsonl")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run/records.parquet", "half a fil"),
        ("kit.json", "[1, 2]"),
        ("kit.json", '{"index": 1}'),
        ("m.jsonl", '{"doc_id": 1}'),
    ],
)
def test_a_broken_run_is_told(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (path.parent / "scores.json").write_text("{")
    with pytest.raises(InputError):
        read_records(path.parent if path.suffix == ".parquet" else path)
    with pytest.raises(InputError, match="not the scores"):
        read_summary(path.parent)


def test_no_reply_is_no_text_of_a_list_or_a_number(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(
        '{"doc_id": 1, "filtered_resps": [], "anls": 0}\n{"doc_id": 2, "resps": [[null]], "anls": 0}\n'
    )
    assert [r.prediction for r in read_records(tmp_path / "m.jsonl")] == ["", ""]
    (tmp_path / "kit.json").write_text('[{"index": 1, "prediction": NaN, "answer": NaN}]')
    (record,) = read_records(tmp_path / "kit.json")
    assert (record.prediction, record.error, record.references) == (None, "no prediction", ())


def test_a_sheet_of_vlmevalkit_equals_its_table(tmp_path: Path) -> None:
    names = ("index", "question", "answer", "prediction", "hit")
    lines = [(i, "합계는?", "A", None if i == 5 else "A. 네", None if i == 5 else i % 2) for i in range(6)]
    book = openpyxl.Workbook()
    for line in (names, *lines):
        book.active.append(line)
    book.save(tmp_path / "model_MMBench.xlsx")
    found = read_records(tmp_path / "model_MMBench.xlsx")
    assert [r.figures for r in found] == [{"hit": float(i % 2)} for i in range(5)] + [{}]
    assert (found[0].question, found[0].prediction) == ("합계는?", "A. 네")
    assert (found[5].prediction, found[5].error) == (None, "no prediction")
    assert compare(tmp_path / "model_MMBench.xlsx", tmp_path / "model_MMBench.xlsx").common == 5
    (tmp_path / "broken.xlsx").write_bytes(b"no sheet")
    with pytest.raises(InputError, match=r"cannot be read as \.xlsx"):
        read_records(tmp_path / "broken.xlsx")


def test_agreement_with_people(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    evaluate(QUESTIONS, config(data), Counting(wrong={1, 11}), out, judge=Scripted(judge, "j"), progress=QUIET)
    human = tmp_path / "human.jsonl"
    human.write_text("".join(json.dumps({"id": f"q{i}", "rating": 1 if i in (1, 11) else 3}) + "\n" for i in range(12)))
    found = agree(out, human)
    assert found.n == 12
    assert found.mean_difference == pytest.approx(2 / 12)
    human.write_text('{"id": "q1", "rating": 5}\n')
    with pytest.raises(InputError, match="line 1"):
        agree(out, human)


model, scripted_judge = Counting(wrong={1, 2, 11}), Scripted(judge, "judge")


def test_the_commands(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: Any, *arguments: object) -> str:
        result = CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    (tmp_path / "my_models.py").write_text(
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('story', {str(Path(__file__))!r})\n"
        "story = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(story)\n"
        "model, judge = story.model, story.scripted_judge\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "run"
    said = run(
        evaluate_command, data, "--model", "my_models:model", "--judge", "my_models:judge", "--price", "1,1",
        "--max-cost", 5, "--metric", "anls,rouge-l", "--out", out,
    )  # fmt: skip
    assert "at most 24 requests" in said
    assert "lave" in said
    assert "12 examples in both" in run(compare_command, out, out, "--margin", 0.1)
    human = tmp_path / "human.jsonl"
    human.write_text("".join(json.dumps({"id": f"q{i}", "rating": 3 - i % 2}) + "\n" for i in range(12)))
    assert "quadratic kappa" in run(agree_command, out, human)
    assert "Judge against people" in (out / "report.html").read_text()
    assert "items" in run(disagree_command, out)
    predictions = tmp_path / "p.jsonl"
    predictions.write_text('{"id": 1, "prediction": "a dog", "references": ["a dog"]}\n' * 1)
    names = "anls,cider-d,bleu,rouge-l,vqa,relaxed"
    assert "bleu-4" in run(score_command, predictions, "--metric", names, "--language", "en", "--json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"prediction": "a", "references": ["b"]}\n', "line 1: no 'id'"),
        (b'{"id": 1, "prediction": "a", "references": ["b"]}\n' * 2, "line 2: id '1' is there already, in line 1"),
        (b'{"id": 1, "prediction": "a", "references": []}\n', "line 1: 'references' must be a list"),
        (b'{"id": 1, "prediction": "a", "references": "b"}\n', "line 1: 'references' must be a list"),
        (b'{"id": 1, "prediction": NaN, "references": ["b"]}\n', "line 1 is no JSON"),
        (b'{"id": 1, "prediction": 3, "references": ["b"]}\n', "line 1: 'prediction' must be a text"),
        (b'{"id": 1, "prediction": "a", "references": [1]}\n', "must hold texts only"),
        (b'{"id": 1, "prediction": "a", "references": ["b"]}\n{"id": 2, "pred', "line 2 is no JSON .*cut off"),
        (b'\n{"id": 1, "prediction": "\xff", "references": ["b"]}\n', "line 2 is not UTF-8"),
        (b"[1]\n", "line 1 holds no object"),
        (b"", "no predictions"),
    ],
)
def test_bad_files_are_named_by_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(score_command, [str(path)], catch_exceptions=False)


def test_every_benchmark_loads() -> None:
    for name, where in BENCHMARKS.items():
        assert load(where).name == name


def test_the_report_of_a_choice_shows_options_and_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "choices.jsonl"
    row = {"id": "c", "question": "Which gate?", "options": ["north", "south", "mill"], "answer": 2}
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    model = Scripted(lambda _: "Answer: A", "one")
    evaluate(load(BENCHMARKS["mcq"]), config(path), model, tmp_path / "run", progress=QUIET)
    (record,) = read_records(tmp_path / "run")
    assert record.question == "Which gate?\nA) north\nB) south\nC) mill"
    assert record.references == ("C) mill",)
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "B) south" in page
    assert "C) mill" in page


def test_what_cannot_be_is_told_before_the_model_is_asked(data: Path, tmp_path: Path) -> None:
    model = Counting()
    config = EvaluationConfig(benchmark="questions", data=str(data), metrics=("anls", "nope"))
    with pytest.raises(InputError, match="no such metric: nope"):
        evaluate(QUESTIONS, config, model, tmp_path / "run", progress=QUIET)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"recipe": "document_qa"}')
    for ask in (
        lambda out: expected(QUESTIONS, config, model, out),
        lambda out: evaluate(QUESTIONS, config, model, out),
    ):
        with pytest.raises(InputError, match="results of the recipe"):
            ask(tmp_path / "other")
    assert sum(model.asked) == 0
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["run.json"]
