from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from reportlab.pdfgen import canvas

from sightline.cli.build_questions import command
from sightline.core.errors import InputError, ModelError
from sightline.core.fingerprint import seeded
from sightline.core.message import Reply, Request
from sightline.lm import Scripted
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
from sightline.recipes.adversarial_qa.clusters import TfIdf, cluster, masked
from sightline.recipes.adversarial_qa.items import Scene, Seed, Template
from sightline.recipes.adversarial_qa.pairs import OptionsFromAnswers, PairsConfig, kind_of_answer
from sightline.recipes.adversarial_qa.pictures import Pictures
from sightline.recipes.adversarial_qa.reading import read_scenes
from sightline.recipes.adversarial_qa.templates import STORY, derive_templates, read_templates
from sightline.recipes.dataset import Dataset
from sightline.recipes.document_qa.build import build_documents
from sightline.recipes.document_qa.config import ChunkConfig, DocumentQAConfig
from sightline.recipes.document_qa.models import Models
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import SOURCE, Counted, constant, knowing, rewriting

QUIET = Engine(progress=Progress("none"))
KINDS = {
    "why": [f"Why does {name} leave the room?" for name in ("Ann", "Tom", "Mia", "Lee", "Sam")],
    "when": [f"At what time, {n}:00 or later, does the show begin?" for n in range(5)],
    "where": [f'Where is the "{thing}" kept in the end?' for thing in ("key", "map", "ring", "lamp", "book")],
}
TEMPLATES = (
    Template(name="Reasons", prototype="Why does [a person] [act]?", category=STORY[1]),
    Template(name="Places", prototype="Where is [an object]?", category=STORY[2]),
)
CONTEXT = "00:01 The guide opens the north gate. 00:09 The driver waits at the mill. 00:15 Rain begins."


def test_questions_that_ask_alike_meet_in_one_cluster() -> None:
    questions = [question for each in zip(*KINDS.values(), strict=True) for question in each]
    found = cluster(questions, TfIdf(), 3)
    assert sorted(sorted(questions[i] for i in members) for members in found) == sorted(
        sorted(each) for each in KINDS.values()
    )
    assert cluster(questions, TfIdf(), 3) == found
    assert cluster([], TfIdf(), 3) == []
    assert cluster(["Why?"] * 4, TfIdf(), 3) == [[0, 1, 2, 3]]
    assert masked('Where is the "Old Mill" in 1990?') == "Where is the _ in 0?"


def namer(request: Request) -> str:
    listed = re.findall(r"^- (.*)$", request.messages[-1].text, re.M)
    first = listed[0].split()[0]
    return json.dumps({"name": f"{first} kind", "prototype": f"{first} ...?", "category": STORY[1].upper()})


def test_templates_are_named_by_the_model_from_their_members() -> None:
    questions = [question for each in KINDS.values() for question in each]
    lm = Counted(namer, "writer")
    found = derive_templates(questions, lm, TfIdf(), STORY)
    assert sum(one.members for one in found) == 15
    assert len({one.name for one in found}) == len(found)
    assert {one.category for one in found} == {STORY[1]}
    assert all(3 <= len(re.findall("^- ", request.messages[-1].text, re.M)) <= 10 for request in lm.asked)
    with pytest.raises(InputError):
        derive_templates([], lm, TfIdf(), STORY)
    with pytest.raises(ModelError, match="could not be named"):
        derive_templates(questions, Scripted(lambda _: "no", "writer"), TfIdf(), STORY)


def author(request: Request) -> str:
    """Names groups, picks both templates, and writes one good question and five bad ones."""
    text = request.messages[-1].text
    if "were grouped" in text:
        return namer(request)
    if "Which of them make sound questions" in text:
        return json.dumps({"names": ["places", "REASONS", "unknown"]})
    options = ["the north gate", "the mill", "the bridge", "the hall", "the yard"]
    good: dict[str, Any] = json.loads(rewriting("Where does the driver wait?", options, "B", quote="waits at the mill"))
    bad = [
        {**good, "question": "Where does the driver wait at the mill?"},
        {**good, "options": options[:4]},
        {**good, "question": "Where does the driver wait then?", "quote": "sleeps at the mill"},
        {**good, "question": "Where does the driver wait?"},
        {**good, "question": "Where does the guide wait?", "answer": "C", "quote": "Rain begins"},
    ]
    name = "Places" if "Places" in text else "Reasons"
    return json.dumps({"questions": [{**good, "template": name, "start": 9, "end": 12}, *bad]})


def scenes(path: Path) -> Path:
    rows: list[Any] = [
        {"id": "s1", "context": CONTEXT, "start": 0, "end": 20, "question": "Why does Ann run?", "split": "test"},
        {"id": "s2", "context": " "},
        "broken",
    ]
    path.write_text(
        "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in rows), encoding="utf-8"
    )
    return path


def reader() -> Counted:
    return knowing({"the mill"}, "reader")


def test_questions_are_written_from_templates_and_their_keys_checked(tmp_path: Path) -> None:
    lm, checker = Counted(author, "writer"), reader()
    config = QuestionsConfig(templates=TEMPLATES, per_scene=8)
    data = scenes(tmp_path / "s.jsonl")
    result = build_questions(data, tmp_path / "out", Authors(lm, checker), config, engine=QUIET)
    assert result.complete
    assert len(lm.asked) == 2
    assert len(checker.asked) == 4
    (row,) = Dataset(tmp_path / "out").rows()
    assert row["question"] == "Where does the driver wait?"
    assert row["options"][row["answer"]] == "the mill"
    assert (row["category"], row["style"], row["split"]) == (STORY[2], "lm/Places", "test")
    assert row["evidence"]["span"] == [9.0, 12.0]
    assert row["evidence"]["quote"] == "waits at the mill"
    assert row["scores"]["judge"] == 1.0
    refused = sorted(one.reason for one in Dataset(tmp_path / "out").rejects())
    wrong = "answer-in-question option-count quote-not-in-context repeated-question key-refused no-context broken-line"
    assert refused == sorted(wrong.split())
    again = build_questions(data, tmp_path / "out", Authors(lm, checker), config, engine=QUIET)
    assert again.work_done == 0


def test_32_questions_are_asked_for_in_portions_over_different_templates(tmp_path: Path) -> None:
    many = tuple(Template(name=f"Kind {n}", prototype="?") for n in range(6))

    def answer(request: Request) -> str:
        if "Which of them" in request.messages[-1].text:
            return json.dumps({"names": [one.name for one in many]})
        return author(request)

    lm = Counted(answer, "writer")
    config = QuestionsConfig(templates=many)
    build_questions(scenes(tmp_path / "s.jsonl"), tmp_path / "out", Authors(lm), config, engine=QUIET)
    asked = [r.messages[-1].text for r in lm.asked if r.messages[-1].text.startswith("Write ")]
    assert [int(text.split()[1]) for text in asked] == [8, 8, 8, 8]
    kinds = [set(re.findall(r"Kind \d", text)) for text in asked]
    assert set().union(*kinds) == {one.name for one in many}
    assert sum(map(len, kinds)) == 6


def test_templates_are_derived_written_down_and_read_again(tmp_path: Path) -> None:
    data = scenes(tmp_path / "s.jsonl")

    def answer(request: Request) -> str:
        said = author(request)
        return json.dumps({"names": ["Why kind"]}) if '"names"' in said else said

    build_questions(data, tmp_path / "out", Authors(Scripted(answer, "writer")), engine=QUIET)
    (template,) = read_templates(tmp_path / "out" / "templates.json")
    assert template.name == "Why kind"
    run = Dataset(tmp_path / "out").run
    assert run.models == {"writer": "writer", "verifier": "writer", "embedder": "tf-idf"}
    assert QuestionsConfig.model_validate(run.config).templates == (template,)
    for bad in ("[]", "{}", "no", '[{"name": 1}]'):
        (tmp_path / "bad.json").write_text(bad, encoding="utf-8")
        with pytest.raises(InputError):
            read_templates(tmp_path / "bad.json")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("no", "unusable-reply"), ('{"names": []}', "no-template-fits"), (None, "writer-failed")],
)
def test_a_scene_without_templates_is_refused_by_name(tmp_path: Path, reply: str | None, reason: str) -> None:
    failed = Reply(error="timeout", finish="error")
    lm = Scripted(lambda _: failed if reply is None else reply, "writer")
    config = QuestionsConfig(templates=TEMPLATES)
    build_questions(scenes(tmp_path / "s.jsonl"), tmp_path / "out", Authors(lm), config, engine=QUIET)
    assert reason in {one.reason for one in Dataset(tmp_path / "out").rejects()}


def test_who_may_not_check_and_what_needs_a_writer(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Authors(constant(name="a"), constant(name="a"))
    with pytest.raises(InputError, match="need a model"):
        build_questions(scenes(tmp_path / "s.jsonl"), tmp_path / "out", engine=QUIET)


def scene(n: int, *pairs: tuple[str, str, str]) -> Scene:
    return Scene(id=f"s{n}", text="text", seeds=tuple(Seed(*pair) for pair in pairs), group=f"g{n // 2}", source=SOURCE)


def test_wrong_options_are_other_answers_of_the_same_kind() -> None:
    days = [(f"On which day was part {n} sent?", f"{n + 1} March 2024", "date") for n in range(6)]
    sums = [("What is the fee?", "84.00 EUR", "amount"), ("What is the rent?", "1,200 EUR", "amount")]
    same_day = ("When was it signed?", "March 1, 2024", "date")
    pages = [scene(0, *days[:3], sums[0]), scene(1, *days[3:], same_day), scene(2, sums[1])]
    step = OptionsFromAnswers(PairsConfig(options=5))
    out = list(step.all(pages))
    kept = [one for one in out if not hasattr(one, "reason")]
    assert len(kept) == 7
    for one in kept:
        assert len({kind_of_answer(option) for option in one.options}) == 1
        assert "1 March 2024" not in one.options or "March 1, 2024" not in one.options
    assert [one.reason for one in out if hasattr(one, "reason")] == ["too-few-alike-answers"] * 2
    assert list(step.all(pages)) == out
    assert [one.reason for one in step.all([scene(5)])] == ["no-pairs"]


def test_keys_stand_in_each_place_about_as_often() -> None:
    days = [
        (f"On which day was part {n} sent?", f"{n % 28 + 1} {m} 2024", "date")
        for n in range(50)
        for m in ("May", "June")
    ]
    out = list(OptionsFromAnswers(PairsConfig()).all([scene(0, *days)]))
    places = [one.answer for one in out if not hasattr(one, "reason")]
    assert len(places) > 80
    assert all(abs(places.count(place) / len(places) - 0.2) < 0.13 for place in range(5))


def test_documents_to_questions_to_refined_offline(built_examples: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, [str(built_examples), "--out", str(tmp_path / "q")], catch_exceptions=False)
    assert ran.exit_code == 0
    rows = list(Dataset(tmp_path / "q").rows())
    pairs = {(row["texts"][0]["user"], row["texts"][0]["assistant"]) for row in Dataset(built_examples).rows()}
    assert len(rows) >= 10
    for row in rows:
        assert (row["question"], row["options"][row["answer"]]) in pairs
        assert row["evidence"]["boxes"]
        assert row["images"][0]["bytes"].startswith(b"\x89PNG")
        assert row["provenance"]["recipe"] == "questions"


def test_a_page_that_two_chunks_share_is_one_scene(tmp_path: Path) -> None:
    pdf = canvas.Canvas(str(tmp_path / "halls.pdf"))
    halls = [f"{name} Hall" for name in ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord")]
    for page in range(3):
        for line in range(2):
            pdf.drawString(72, 700 - 40 * line, f"Part {2 * page + line} was kept in {halls[2 * page + line]}.")
        pdf.showPage()
    pdf.save()

    def says(request: Request) -> str:
        """Of the second page the first chunk's writer asks one thing, the second one's the other."""
        there = [n for n, hall in enumerate(halls) if hall in request.messages[-1].text]
        some = [n for n in there if n != (3 if 0 in there else 2)]
        return "\n".join(f"Q{n}: Where was part {n} kept?\nA{n}: {halls[n]}" for n in some)

    config = DocumentQAConfig(chunk=ChunkConfig(pages_per_chunk=2, overlap=1))
    models = Models(Scripted(says, "writer"))
    build_documents([tmp_path / "halls.pdf"], tmp_path / "d", config, models=models, engine=QUIET)
    assert len({row["provenance"]["parents"][0] for row in Dataset(tmp_path / "d").rows(["provenance"])}) == 2
    scenes = [scene for scene in read_scenes(tmp_path / "d", Pictures()) if isinstance(scene, Scene)]
    assert [sorted(seed.answer for seed in scene.seeds) for scene in scenes] == [halls[:2], halls[2:4], halls[4:]]


def test_the_dataset_they_are_made_of_is_never_written_over(built_examples: Path) -> None:
    before = sorted((path.name, path.read_bytes()) for path in (built_examples / "data").iterdir())
    with pytest.raises(InputError, match="holds results of the recipe 'document_qa'"):
        build_questions(built_examples, built_examples)
    assert sorted((path.name, path.read_bytes()) for path in (built_examples / "data").iterdir()) == before


def test_the_work_for_one_question_does_not_grow_with_the_document() -> None:
    drawn = Counter[int]()

    def counted(*parts: object) -> int:
        drawn["rank" in parts] += 1
        return seeded(*parts)  # type: ignore[arg-type]

    names = [f"{first}{second} Hall" for first in "ABCDEFGH" for second in "abcdefgh"]
    scenes = [
        scene(n, (f"Where was part {n} kept?", name, "place")).model_copy(update={"group": "g"})
        for n, name in enumerate(names)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.recipes.adversarial_qa.pairs.seeded", counted)
        patch.setattr("sightline.recipes.adversarial_qa.pairs.DRAWN", 10)
        made = list(OptionsFromAnswers(PairsConfig()).all(scenes))
    assert drawn[True] <= len(made) * (2 * 10 + 1)


def test_wrong_flags_say_what_to_do(built_examples: Path, tmp_path: Path) -> None:
    for flags in (
        ["--from", "templates"],
        ["--from", "pairs", "--writer", "x:y"],
        ["--templates", str(tmp_path / "no")],
    ):
        with pytest.raises(InputError):
            CliRunner().invoke(
                command, [str(built_examples), "--out", str(tmp_path / "q"), *flags], catch_exceptions=False
            )
    with pytest.raises(InputError, match="no such dataset"):
        CliRunner().invoke(command, [str(tmp_path / "none"), "--out", str(tmp_path / "q")], catch_exceptions=False)
