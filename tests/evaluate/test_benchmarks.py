"""Each benchmark's layout is read, asked and scored; a wrong layout is named."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from sightline.core.door import load
from sightline.core.errors import InputError
from sightline.evaluate.benchmarks import BENCHMARKS
from sightline.evaluate.benchmarks.benchmark import metric


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG" if path.suffix == ".jpg" else "PNG")
    path.write_bytes(out.getvalue())


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = isinstance(value, list) and path.suffix == ".jsonl"
    path.write_text("".join(json.dumps(v) + "\n" for v in value) if lines else json.dumps(value))
    return path


def docvqa(at: Path) -> Path:
    picture(at / "documents" / "a.png")
    row = {"questionId": 7, "question": "Total?", "image": "documents/a.png", "docId": 3, "answers": ["5", "five"]}
    return write(at / "val.json", {"data": [row, row | {"questionId": 8}]})


def chartqa(at: Path) -> Path:
    picture(at / "png" / "c.png")
    return write(at / "test_human.json", [{"imgname": "c.png", "query": "How many?", "label": "10"}] * 2)


def vqav2(at: Path) -> Path:
    picture(at / "val2014" / "COCO_val2014_000000000042.jpg")
    write(at / "v2_questions.json", {"questions": [{"question_id": 1, "question": "Dog?", "image_id": 42}]})
    note = {
        "question_id": 1,
        "answer_type": "yes/no",
        "answers": [{"answer": "yes", "answer_id": i} for i in range(10)],
    }
    write(at / "v2_annotations.json", {"annotations": [note]})
    return at


def mcq(at: Path) -> Path:
    picture(at / "f.png")
    row = {"question": "Who?", "options": ["a man", "a dog"], "answer": 1, "category": "CRD", "images": ["f.png"]}
    return write(at / "m.jsonl", [row | {"id": 1, "hard": True}, row | {"id": 2, "hard": False, "language": "ko"}])


def pope(at: Path) -> Path:
    picture(at / "i.jpg")
    rows = [
        {"question_id": i, "image": "i.jpg", "text": "Is there a dog?", "label": "yes" if i else "no"} for i in (0, 1)
    ]
    return write(at / "coco_pope_random.jsonl", rows)


def grounding(at: Path) -> Path:
    picture(at / "i.jpg")
    row = {"id": "g", "question": "the dog", "images": ["i.jpg"], "size": [200, 100], "boxes": [[50, 50, 150, 100]]}
    return write(at / "g.jsonl", [row, row | {"id": "h"}])


def amber(at: Path) -> Path:
    picture(at / "image" / "AMBER_1.jpg")
    notes = [{"id": 1, "type": "generative", "truth": ["dog"], "hallu": ["cat"]},
             {"id": 2, "type": "discriminative-hallucination", "truth": "no"}]  # fmt: skip
    write(at / "data" / "annotations.json", notes)
    write(at / "data" / "relation.json", {"dog": ["puppy"], "cat": [], "tree": []})
    (at / "data" / "safe_words.txt").write_text("sky\n")
    queries = [
        {"id": 1, "image": "AMBER_1.jpg", "query": "Describe."},
        {"id": 2, "image": "AMBER_1.jpg", "query": "Cat?"},
    ]
    write(at / "data" / "query" / "query_all.json", queries)
    return at


def questions(at: Path) -> Path:
    return write(
        at / "q.jsonl",
        [{"id": 1, "question": "Total?", "references": ["5"]}, {"id": 2, "question": "?", "references": ["6"]}],
    )


def table(at: Path) -> Path:
    picture(at / "i.png")
    data = (at / "i.png").read_bytes()
    rows = [{"question": "Total?", "answers": ["5", "five"], "image": {"bytes": data, "path": None}, "docId": 3}] * 2
    (at / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), at / "data" / "test-00000-of-00001.parquet")
    pq.write_table(pa.table({"question": ["no"]}), at / "data" / "train-00000-of-00001.parquet")
    return at


CASES: dict[str, tuple[Any, list[str], str, float]] = {
    "docvqa": (docvqa, ["Five", "6"], "anls", 0.5),
    "chartqa": (chartqa, ["10.3", "12"], "relaxed", 0.5),
    "vqav2": (vqav2, ["yes"], "vqa", 1.0),
    "mcq": (mcq, ["Answer: B", "정답: A"], "accuracy", 0.5),
    "pope": (pope, ["No.", "No, there isn't"], "accuracy", 0.5),
    "grounding": (grounding, ["[250, 500, 750, 1000]", "none"], "acc@0.5", 0.5),
    "amber": (amber, ["A dog and a tree.", "no."], "chair", 50.0),
    "table": (table, ["Five", "6"], "anls", 0.5),
    "questions": (questions, ["5", "7"], "exact", 0.5),
}


@pytest.mark.parametrize("name", CASES)
def test_a_benchmark_reads_asks_and_scores(name: str, tmp_path: Path) -> None:
    make, replies, metric, value = CASES[name]
    benchmark = load(BENCHMARKS[name])
    examples = list(benchmark.read(make(tmp_path)))
    assert len(examples) == len(replies)
    assert all(benchmark.prompt(example) for example in examples)
    assert name == "questions" or all(len(example.pictures) == 1 for example in examples)
    scores = {score.name: score.value for score in benchmark.score(examples, replies).scores}
    assert scores[metric] == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"amber", "vqav2", "table"}))
def test_a_wrong_layout_is_named(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", [{"something": "else"}])
    with pytest.raises(InputError):
        list(load(BENCHMARKS[name]).read(path))
    with pytest.raises(InputError, match="no such file"):
        list(load(BENCHMARKS[name]).read(tmp_path / "gone.json"))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("docvqa", {"answers": "5"}), ("docvqa", {"question": None}), ("docvqa", {"image": 5}),
        ("chartqa", {"query": 7}), ("vqav2", {"question": None}), ("pope", {"text": None}), ("amber", {"query": None}),
        ("questions", {"images": "i.png"}), ("questions", {"images": [5]}), ("mcq", {"question": None}),
    ],
)  # fmt: skip
def test_a_field_of_another_kind_is_named(name: str, change: dict[str, Any], tmp_path: Path) -> None:
    path = CASES[name][0](tmp_path)
    files = [file for file in tmp_path.rglob("*.json*") if "annotations" not in file.name]
    for file in files:
        text = file.read_text(encoding="utf-8")
        lined = file.suffix == ".jsonl"
        found = [json.loads(line) for line in text.splitlines()] if lined else json.loads(text)
        write(file, changed(found, change))
    with pytest.raises(InputError):
        list(load(BENCHMARKS[name]).read(path))


def changed(value: Any, change: dict[str, Any]) -> Any:
    """`change` wherever a dict has all of its names."""
    if isinstance(value, dict):
        inner = {name: changed(one, change) for name, one in value.items()}
        return inner | (change if change.keys() <= value.keys() or {"id", "references"} <= value.keys() else {})
    return [changed(one, change) for one in value] if isinstance(value, list) else value


def test_images_may_be_null_and_a_missing_document_is_no_document(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", [{"id": 1, "question": "?", "references": ["a"], "images": None}])
    assert [one.pictures for one in load(BENCHMARKS["questions"]).read(path)] == [()]
    pq.write_table(
        pa.table({"question": ["?", "?"], "answer": ["a", "b"], "docId": [None, "d"]}), tmp_path / "x.parquet"
    )
    assert [one.group for one in load(BENCHMARKS["table"]).read(tmp_path)] == [None, "d"]


def test_a_table_without_the_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no Parquet"):
        list(load(BENCHMARKS["table"]).read(tmp_path))
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no question and answers"):
        list(load(BENCHMARKS["table"]).read(tmp_path))


def test_a_picture_outside_the_folder_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "secret.png")
    path = write(
        tmp_path / "in" / "q.jsonl", [{"id": 1, "question": "?", "references": ["a"], "images": ["../secret.png"]}]
    )
    with pytest.raises(InputError, match="picture"):
        list(load(BENCHMARKS["questions"]).read(path))


def test_a_metric_of_ones_own_gives_a_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_metrics.py").write_text(
        "from sightline.core.score import Score\n"
        "def right(predictions, references, *, groups=None): return Score(name='n', value=2.0, n=len(predictions))\n"
        "def bare(predictions, references, *, groups=None): return 0.5\n"
        "number = 5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert metric("their_metrics:right")(["a"], [["a"]], groups=None).value == 2.0
    with pytest.raises(InputError, match="the metric gave a float"):
        metric("their_metrics:bare")(["a"], [["a"]])
    with pytest.raises(InputError, match="is no metric"):
        metric("their_metrics:number")
