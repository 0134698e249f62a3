"""What is in Korean is asked about in Korean, from the naming of templates to the last try of a rewriting."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from sightline.core.message import Request
from sightline.pipeline import Progress
from sightline.recipes.adversarial_qa.building import Authors, QuestionsConfig, build_questions
from sightline.recipes.adversarial_qa.drafts import problem
from sightline.recipes.adversarial_qa.heuristics import Heuristics
from sightline.recipes.adversarial_qa.judges import Judges
from sightline.recipes.adversarial_qa.refining import refine_questions
from sightline.recipes.adversarial_qa.templates import STORY
from sightline.recipes.dataset import Dataset
from sightline.recipes.running import Engine

sys.path.insert(0, str(Path(__file__).parent))
from choice_scripts import Counted, rewriting, shown_options

QUIET = Engine(progress=Progress("none"))
CONTEXT = "운전사는 방앗간에서 기다린다. 안내원은 다리까지 걸어간다. 비가 와서 모두 강당으로 들어간다."
OPTIONS = ["북쪽 문", "방앗간", "다리", "강당", "마당"]
NEW = ["시장 앞", "역 앞", "강가", "언덕 위", "골목 끝"]


def scenes(path: Path) -> Path:
    rows = [
        {"id": f"s{n}", "context": f"{n}부. {CONTEXT}", "question": f"{n}부에서 누가 기다립니까?"} for n in range(3)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def author(request: Request) -> str:
    text = request.messages[-1].text
    if "하나로 묶은 것" in text:
        return json.dumps({"name": "장소", "prototype": "[누가] 어디에서 기다립니까?", "category": "temporal"})
    if "원형입니다" in text:
        return json.dumps({"names": ["장소"]})
    if "스스로" in text:
        return rewriting("이야기에서 사람이 서 있는 곳은 어디입니까?", NEW, "B", quote="방앗간에서 기다린다")
    said = json.loads(rewriting("운전사는 어디에서 기다립니까?", OPTIONS, "B", quote="방앗간에서 기다린다"))
    return json.dumps({"questions": [said]})


def reader(known: set[str], name: str) -> Counted:
    def answer(request: Request) -> str:
        found = next((n for n, text in enumerate(shown_options(request)) if text in known), 0)
        return f"정답: {'ABCDE'[found]}\n이유: {shown_options(request)[found]} 쪽이 맞아 보입니다."

    return Counted(answer, name)


def test_every_prompt_is_korean(tmp_path: Path) -> None:
    writer, checker = Counted(author, "writer"), reader({"방앗간", "역 앞"}, "reader")
    data = scenes(tmp_path / "s.jsonl")
    config = QuestionsConfig(per_scene=1)
    build_questions(data, tmp_path / "q", Authors(writer, checker), config, engine=QUIET)
    rows = list(Dataset(tmp_path / "q").rows())
    assert [row["language"] for row in rows] == ["ko"] * 3, "told from the words, as no line states it"
    blind, other = reader({"방앗간"}, "blind"), reader({"방앗간", "역 앞"}, "other")
    writer_2 = Counted(author, "writer")
    judges = Judges(blind, writer_2, checker, other)
    refine_questions(tmp_path / "q", tmp_path / "r", judges, engine=QUIET)
    found = Dataset(tmp_path / "r").run.figures["refinement"]
    assert found["weak"] == [3, 3]
    assert found["fixed"] == [3, 3]
    assert found["held_out_weak_after"] == [3, 3]
    for lm in (writer, checker, blind, writer_2, other):
        assert lm.asked
        for request in lm.asked:
            told = request.messages[-1].text.partition("Answer with one JSON object")[0]  # of `structured`, a format
            foreign = re.findall(r"[A-Za-z]{3,}", re.sub(r"[0-9a-f]{20}", "", told))
            known = {"quote", "start", "end", "template", "answer", "rationale", "name", "prototype", "category"}
            story = set(re.findall("[a-z]+", " ".join(STORY)))
            assert not set(foreign) - known - story, (lm.name, foreign)
    again = next(request for request in writer_2.asked).messages[-1].text
    assert "방앗간 쪽이 맞아 보입니다" in again


def test_a_refused_try_is_told_in_korean(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"question": "누가 옵니까?", "options": OPTIONS, "answer": "B", "context": CONTEXT}]
    data = tmp_path / "q.jsonl"
    data.write_text(json.dumps(rows[0], ensure_ascii=False) + "\n", encoding="utf-8")
    writer, checker = Counted(author, "writer"), reader({"시장 앞"}, "reader")
    refine_questions(data, tmp_path / "r", Judges(reader({"방앗간"}, "blind"), writer, checker), engine=QUIET)
    assert len(writer.asked) == 5
    assert "'역 앞' 대신 '시장 앞' 쪽을 골랐습니다" in writer.asked[1].messages[-1].text


def test_the_embedded_judge_reads_the_korean_prompt(tmp_path: Path) -> None:
    rows = [
        {
            "question": "담당자의 이메일은 무엇입니까?",
            "options": ["김하나", "a@b.kr", "서울", "3층", "없음"],
            "answer": 1,
        },
        {"question": "누가 옵니까?", "options": OPTIONS, "answer": 1},
    ]
    data = tmp_path / "q.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    refine_questions(data, tmp_path / "r", Judges(Heuristics()), engine=QUIET)
    assert Dataset(tmp_path / "r").run.figures["refinement"]["weak"] == [1, 2]


def test_a_key_with_a_particle_stands_in_its_question() -> None:
    assert problem("방앗간에서 누가 기다립니까?", OPTIONS, 1, 5) == "answer-in-question"
    assert problem("누가 다리에 옵니까?", OPTIONS, 1, 5) is None


def test_two_languages_have_templates_of_their_own_and_each_scene_is_offered_its_own(tmp_path: Path) -> None:
    english = [{"id": f"e{n}", "context": "The driver waits.", "question": f"Who waits in {n}?"} for n in range(2)]
    path = scenes(tmp_path / "s.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + "".join(json.dumps(row) + "\n" for row in english), "utf-8")

    def both(request: Request) -> str:
        text = request.messages[-1].text
        if "were grouped" in text:
            return json.dumps({"name": "Places", "prototype": "Where is [it]?", "category": "temporal"})
        return json.dumps({"names": ["Places"]}) if "make sound questions" in text else author(request)

    lm = Counted(both, "writer")
    build_questions(path, tmp_path / "out", Authors(lm), QuestionsConfig(), engine=QUIET)
    asked = [request.messages[-1].text for request in lm.asked]
    grouped = [re.findall(r"^- (.*)$", text, re.M) for text in asked if "were grouped" in text or "묶은 것" in text]
    assert sorted(len({"부에서" in question for question in each}) for each in grouped) == [1] * len(grouped)
    picked = {text: "Places" in text for text in asked if "make sound questions" in text or "원형입니다" in text}
    assert all(("make sound questions" in text) == places for text, places in picked.items())
    assert sorted(picked.values()) == [False] * 3 + [True]  # both English scenes read alike: asked once
