"""Compute the golden values of tests/golden/test_official_scorers.py with the scorers' own published programs.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install anls==0.0.2
    /tmp/golden/bin/python benchmarks/golden_official.py --official PATH --out tests/golden/data/official.json

PATH holds the files below, fetched by you (none of them enters this repository):

    amber/inference.py, amber/data/metrics.txt    github.com/junyangwang0410/AMBER    5e1fd52f
    pope/evaluate.py                              github.com/AoiDragon/POPE           f3ec6043
    vqa/vqaEval.py                                PythonEvaluationTools of github.com/GT-Vision-Lab/VQA, the rule
                                                  of 2021, from its fork TimerChen/VQA 208f196b, where print is
                                                  Python 3's
    rrc/infographicsvqa_eval.py                   the RRC's script (rrc.cvc.uab.es, task 17) as kept in
                                                  github.com/QwenLM/Qwen-VL e6bbb9dd, eval_mm/

The files run unchanged. What they cannot find is put beside them: AMBER's tagger, lemmatiser and word vectors are
replaced by modules named nltk and spacy that read one table of nouns and one of similar words; sightline's scorer is
given the same two tables. All texts and annotations are made here from a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from anls import anls_score

FILES = {
    "amber/inference.py": "junyangwang0410/AMBER@5e1fd52f8ea69150c70f0ba15de70af3a907a1fd",
    "amber/data/metrics.txt": "junyangwang0410/AMBER@5e1fd52f8ea69150c70f0ba15de70af3a907a1fd",
    "pope/evaluate.py": "AoiDragon/POPE@f3ec604337f1d1c9723ef8d01b4accacf8badb3d",
    "vqa/vqaEval.py": "TimerChen/VQA@208f196bd0565c749d6463e8f6dad80b63052e8b (fork of GT-Vision-Lab/VQA)",
    "rrc/infographicsvqa_eval.py": "QwenLM/Qwen-VL@e6bbb9dd9e9fc44a4498d372e83b3b172dc1d808",
}

NLTK = """
import json, os, re
TABLE = json.load(open(os.environ["GOLDEN_TABLES"]))["nouns"]
word_tokenize = re.compile(r"[A-Za-z]+|[^\\sA-Za-z]").findall
pos_tag = lambda tokens: [(token, "NN" if token in TABLE else "XX") for token in tokens]
"""
STEM = """
from nltk import TABLE
class WordNetLemmatizer:
    def lemmatize(self, word):
        return TABLE[word]
"""
SPACY = """
import json, os
SIMILAR = {frozenset(pair) for pair in json.load(open(os.environ["GOLDEN_TABLES"]))["similar"]}
class Word(str):
    def similarity(self, other):
        return 1.0 if str(self) == str(other) or frozenset((str(self), str(other))) in SIMILAR else 0.1
load = lambda name: Word
"""

THINGS = ["dog", "cat", "car", "tree", "bench", "sky", "boat", "child", "hat", "grass", "lamp", "road", "cup", "leaf"]
PLURALS = {"dogs": "dog", "cats": "cat", "cars": "car", "trees": "tree", "children": "child", "leaves": "leaf"}
KINDS = [
    "discriminative-hallucination", "discriminative-relation", "relation", "discriminative-attribute-state",
    "discriminative-attribute-number", "discriminative-attribute-action",
]  # fmt: skip


def amber_case(rng: random.Random, path: Path, told: int, asked: int, answers: list[str]) -> dict[str, object]:
    """One run of inference.py over `told` generative and `asked` discriminative items."""
    heads = THINGS[:10]
    association = {w: rng.sample([x for x in THINGS if x != w], rng.choice([0, 1, 2])) for w in heads}
    similar = [sorted(rng.sample(THINGS, 2)) for _ in range(7)]
    nouns = {w: w for w in [*THINGS, "man", "idea"]} | PLURALS
    notes: list[dict[str, Any]] = []
    responses = []
    for i in range(1, told + asked + 1):
        if i <= told:
            truth, hallu = (rng.sample(heads, rng.choice([0, 1, 3, 5])) for _ in "ab")
            notes.append({"id": i, "type": "generative", "truth": truth, "hallu": hallu})
            words = rng.choices([*nouns, "sits", "near", "a"], k=rng.choice([0, 2, 6, 12]))
            responses.append({"id": i, "response": " ".join(words)})
        else:
            kind = rng.choice(KINDS)
            truth = "no" if kind == KINDS[0] else rng.choice(["yes", "no"])
            notes.append({"id": i, "type": kind, "truth": truth})
            responses.append({"id": i, "response": rng.choice([*answers, truth.capitalize()])})
    rng.shuffle(responses)
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        (at / "nltk").mkdir()
        (at / "nltk" / "__init__.py").write_text(NLTK)
        (at / "nltk" / "stem.py").write_text(STEM)
        (at / "spacy.py").write_text(SPACY)
        (at / "tqdm.py").write_text("tqdm = list\n")
        given = {"relation": association, "annotations": notes, "responses": responses}
        given["tables"] = {"nouns": nouns, "similar": similar}
        for key, value in given.items():
            (at / f"{key}.json").write_text(json.dumps(value))
        (at / "safe.txt").write_text("sky\ngrass\n")
        flags = [
            "--word_association",
            "relation.json",
            "--safe_words",
            "safe.txt",
            "--inference_data",
            "responses.json",
        ]
        flags += ["--annotation", "annotations.json", "--metrics", str(path.parent / "data" / "metrics.txt")]
        said = subprocess.run(
            [sys.executable, str(path), *flags, "--evaluation_type", "a" if told and asked else "g" if told else "d"],
            cwd=at, capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONPATH": name, "GOLDEN_TABLES": str(at / "tables.json")},
        ).stdout  # fmt: skip
    printed: dict[str, dict[str, str]] = {}
    for line in said.splitlines():
        if line.rstrip().endswith(":"):
            part = printed.setdefault(line.rstrip(" :"), {})
        elif ":" in line:
            key, _, value = line.partition(":")
            part[key] = value.strip()
    return {"annotations": notes, "association": association, "safe": ["sky", "grass"], "nouns": nouns,
            "similar": similar, "responses": responses, "printed": printed}  # fmt: skip


def amber_values(rng: random.Random, path: Path) -> list[dict[str, object]]:
    mixed = ["Yes", "No", "Perhaps", "yes", "No.", ""]
    return [
        amber_case(rng, path, 80, 240, mixed),
        amber_case(rng, path, 7, 23, mixed),
        amber_case(rng, path, 40, 0, mixed),
        amber_case(rng, path, 0, 60, ["Yes", "No"]),
        amber_case(rng, path, 3, 30, ["Yes"]),
    ]


REPLIES = [
    "Yes", "No", "yes", "no", "NO", "Yes.", "No.", "Nope", "There are none", "I cannot see one",
    "Yes, there is no doubt", "No, there is not.", "There is a dog. No cat.", "not sure", "It does not",
    "Not at all", "", ".", " no", "no,yes", "Yes\nno", "I do not,", "...no", "아니요", "네", "No way",
    "yes not", "nothing", "No? Yes", "N o",
]  # fmt: skip


def pope_values(rng: random.Random, path: Path) -> dict[str, object]:
    replies = REPLIES + [rng.choice([*REPLIES, "Yes", "No"]) for _ in range(270)]
    labels = [rng.choice(["yes", "no"]) for _ in replies]
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        (at / "answers").write_text("".join(json.dumps({"answer": reply}) + "\n" for reply in replies))
        (at / "labels").write_text("".join(json.dumps({"label": label}) + "\n" for label in labels))
        program = path.read_text()
        for key in ("ans_file", "label_file"):
            program = program.replace(
                f"{key} = ''", f"{key} = {str(at / {'ans_file': 'answers'}.get(key, 'labels'))!r}"
            )
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(program, str(path), "exec"), {})
    lines = out.getvalue().splitlines()
    printed = dict(line.split(": ") for line in lines[2:]) | {"counts": lines[1].split()}
    return {"replies": replies, "labels": labels, "printed": printed}


ANSWERS = [
    "yes", "Yes", "YES", "no", "2", "two", "Two dogs", "2 dogs", "the dog", "dog", "a dog.", "an", "dont know",
    "don't know", "3,000", "3,000 a-b", "1 / 2", "t-shirt", "t -shirt", "it's red", "5.", "5.5", ".5",
    "on, off", "what ?", "what?", "thats it", "none", "None", "mr. lee", "black/white", "black and white",
    "wouldnt've", "yes\n", "a\tb", " padded ", "", ".", "{x}", "x_y", "100%", "ten.", "a . b", "." * 40,
    "a." * 40, "somebody'd", "Id've", "Im", "lets", "let's", "네", "café", "$5", "U.S.A.", "12:30", "o'clock",
    "oclock", "she's", "shes", "youre!", "ain't", "aint;", "\\", "`tis", "9,9,9", "e=mc2",
]  # fmt: skip


def vqa_values(rng: random.Random, path: Path) -> dict[str, object]:
    spec = importlib.util.spec_from_file_location("vqaEval", path)
    assert spec is not None
    assert spec.loader is not None
    official = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    cases = []
    for at in range(400):
        few = rng.sample(ANSWERS, rng.choice([1, 1, 2, 3, 5]))
        if at % 5 == 0:
            few = [rng.choice(ANSWERS)] * 2
        cases.append((rng.choice([*few, rng.choice(ANSWERS)]), [rng.choice(few) for _ in range(10)]))
    table = official.VQAEval(SimpleNamespace(getQuesIds=list), None).contractions
    cases += [(short, [long] * 4 + ["other"] * 6) for short, long in table.items()]
    panels = {
        i: {"question_type": "q", "answer_type": "a",
            "answers": [{"answer_id": k, "answer": answer} for k, answer in enumerate(panel)]}
        for i, (_, panel) in enumerate(cases)
    }  # fmt: skip
    mine = {i: {"answer": prediction} for i, (prediction, _) in enumerate(cases)}
    found = {}
    for digits in (2, 12):
        fresh = json.loads(json.dumps(list(panels.values())))
        data = SimpleNamespace(qa=dict(enumerate(fresh)), getQuesIds=lambda: list(panels))
        run = official.VQAEval(data, SimpleNamespace(qa=mine), n=digits)
        with contextlib.redirect_stdout(io.StringIO()):
            run.evaluate()
        found[digits] = run
    return {
        "rows": [[prediction, panel, found[12].evalQA[i] / 100] for i, (prediction, panel) in enumerate(cases)],
        "overall": found[2].accuracy["overall"],
    }


TEXTS = [
    "$1,234.50", "$1,234.5", "Invoice No. 7", "invoice no 7", "7", "12%", "March 2, 2021", "March 02, 2021",
    "Paris ", "par is", "PARIS", "", " ", "   ", "Total  due", "total due", "straße", "STRASSE", "ab", "ax",
    "abcd", "abxy", "홍길동", "홍길동입니다", "서울", "서울시", "\u1112\u1169\u11bc", "홍", "İstanbul",
    "tab\there", "a" * 300, "a" * 200 + "b" * 100, "é", "e\u0301",
]  # fmt: skip


def anls_values(rng: random.Random, path: Path) -> dict[str, object]:
    pairs = [(a, [b]) for a in TEXTS for b in TEXTS if rng.random() < 0.25]
    pairs += [(rng.choice(TEXTS), [rng.choice(TEXTS) for _ in range(3)]) for _ in range(120)]
    with tempfile.TemporaryDirectory() as name:
        at = Path(name)
        truth = [{"questionId": i, "question": "?", "answers": answers} for i, (_, answers) in enumerate(pairs)]
        (at / "truth.json").write_text(json.dumps({"dataset_name": "made", "data": truth}))
        given = [{"questionId": i, "answer": prediction} for i, (prediction, _) in enumerate(pairs)]
        (at / "given.json").write_text(json.dumps(given))
        said = subprocess.run(
            [sys.executable, str(path), "-g", "truth.json", "-s", "given.json", "-o", "out"],
            cwd=at, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        script = json.loads((at / "out" / "results.json").read_text())["per_sample_result"]
    plain = [(p, r) for p, r in pairs if all(len(t.upper()) == len(t) for t in (p, *r))]
    overall = re.search(r"Overall ANLS: (\S+)", said)
    assert overall is not None
    return {
        "script": [[p, r, script[str(i)]["score"]] for i, (p, r) in enumerate(pairs)],
        "script-overall": overall[1],
        "paper": [[p, r, anls_score(p, r, threshold=0.5)] for p, r in plain],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--official", type=Path, required=True, help="folder with the official files")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = random.Random(0)
    hashes = {name: hashlib.sha256((args.official / name).read_bytes()).hexdigest() for name in FILES}
    golden = {
        "made_by": {name: {"from": where, "sha256": hashes[name]} for name, where in FILES.items()}
        | {"anls": version("anls")},
        "amber": amber_values(rng, (args.official / "amber/inference.py").resolve()),
        "pope": pope_values(rng, args.official / "pope/evaluate.py"),
        "vqa": vqa_values(rng, args.official / "vqa/vqaEval.py"),
        "anls": anls_values(rng, (args.official / "rrc/infographicsvqa_eval.py").resolve()),
    }
    args.out.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
