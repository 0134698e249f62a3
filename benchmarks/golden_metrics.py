"""Compute the golden values of tests/golden/test_metrics.py from the reference packages, and write JSON.

Run in an environment of its own (pycocoevalcap brings GPL jars and needs Java; no dependency of sightline):

    python -m venv /tmp/golden && /tmp/golden/bin/pip install pycocoevalcap==1.2 anls_star==1.0.1 scipy numpy
    pip download --no-deps lmms_eval==0.7.3 && unzip -d /tmp/lmms lmms_eval-*.whl
    /tmp/golden/bin/python benchmarks/golden_metrics.py --lmms-eval /tmp/lmms --out tests/golden/data/metrics.json

The texts are made here from a word list, so that no caption of anybody's data set enters the repository.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import statistics
from importlib.metadata import version
from pathlib import Path

import anls_star
import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer
from pycocoevalcap.cider.cider_scorer import CiderScorer
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
from scipy.linalg import sqrtm

WHO = [
    "a man",
    "two women",
    "The dog",
    "a small child's hand",
    "Mr. Lee",
    "someone in a t-shirt",
    "3 boys",
    "the U.S. team",
]
DOES = ["is riding", "isn't holding", "sits next to", "can't see", "cannot reach", "stands, slowly, by", "won't eat"]
WHAT = [
    "a horse",
    'a sign that says "Stop"',
    "an old bus (red)",
    "1/2 of a pizza",
    "the well-lit street",
    "a 5-year-old tv",
]
WHERE = [
    "on Main St.",
    "at 5 p.m.",
    "in the park...",
    "near the men's room",
    "- outside -",
    "for $5.00",
    "by the o'clock sign",
]
END = [".", "", "!", " .", "?", "..", ";"]
HARD = [
    "",
    " ",
    ".",
    "...",
    "a.b",
    "it's John's dogs' bones",
    'He said: "hello"; then left!',
    "really?! yes!!! no???",
    "gonna wanna gotta gimme lemme cannot",
    "'tis 'twas 'em 'til 'cause '90s",
    "rock'n'roll 'n' more",
    "y'all ma'am o'clock",
    "they'll we've I'm you'd could've wouldn't've",
    "£5 €5 $5 5¢ US$5 50% #1",
    "e.g. this, i.e. that etc. and so on",
    "AT&T R&B A&W q&a",
    "3.14 10:30 10:30am 1,000,000 12-15 .5 -5 +5 1/2 3 1/2",
    "well-to-do man-made a--b a - b",
    "and/or he/she/it w/o w/",
    "(a) [b] {c} <d> <e f>",
    ":) ;-) :( =D <3",
    "naïve café Zürich coöperate",
    "½ cup ⅓ m²",
    "“curly” ‘quotes’ it’s don’t – dash — em … dots",
    "smile 😀 heart ♥ star ★ bullet •",
    "no. 5 No.5 nos. 3 fig. 2 no.",
    "St. Ave. Blvd. Rd. dr. mr. mrs. inc. corp. co. jr. vs.",
    "Ph.D. U.S.A. a.m. P.M. u.k. t.v.",
    "#tag @user me@x.com",
    "http://a.b/c?d=e www.foo.com foo.com bar.org",
    "&amp; &lt; &gt; &quot;",
    "a_b __c__ x=y x+y x*y x^y ~z |w \\v",
    '6\'2" 5\'5 3"x4"',
    "drag'n'drop d'accord l'eau O'Neil",
    "A/B/C/D one-two-three-four",
    "x...y x..y etc... U.S...",
    "the end ,really ;yes :no",
    "4x4 5x 10am 21st 1990s 20's",
    "hello.World This.Is.It",
    "tab\tand  blanks",
    "$.50 5.50$ 100 %",
]


def captions(rng: random.Random, count: int) -> list[str]:
    """Short made-up captions with the quirks that tokenizers stumble over."""
    return [
        " ".join(rng.choice(part) for part in (WHO, DOES, WHAT, WHERE)[: rng.choice([2, 3, 3, 4, 4])]) + rng.choice(END)
        for _ in range(count)
    ]


def tokenized(texts: list[str]) -> list[str]:
    """One neutral line between two texts: the Java program reads across line ends."""
    lines = [line for text in texts for line in (text, "x")]
    table = PTBTokenizer().tokenize({i: [{"caption": line}] for i, line in enumerate(lines)})
    return [table[2 * i][0] for i in range(len(texts))]


def caption_values(rng: random.Random) -> dict[str, object]:
    predictions = captions(rng, 120)
    references = [captions(rng, rng.choice([1, 2, 4, 5])) for _ in predictions]
    for i in range(0, 120, 6):
        predictions[i] = references[i][0]
    predictions[7], predictions[13] = "", "yes"
    flat = iter(tokenized(predictions + [text for texts in references for text in texts]))
    hypotheses = [next(flat) for _ in predictions]
    truths = [[next(flat) for _ in texts] for texts in references]
    clipped, plain, bleu = CiderScorer(), CiderScorer(sigma=1e12), BleuScorer(n=4)
    for hypothesis, texts in zip(hypotheses, truths, strict=True):
        clipped += (hypothesis, texts)
        plain += (hypothesis, texts)
        bleu += (hypothesis, texts)
    # a prediction scaled towards zero is never clipped and has the same cosine: CIDEr without the -D
    plain.ctest = [{gram: count * 1e-6 for gram, count in counts.items()} for counts in plain.ctest]
    cider_d, cider = clipped.compute_score(), plain.compute_score()
    corpus, sentences = bleu.compute_score(option="closest", verbose=0)
    rouge = [Rouge().calc_score([h], t) for h, t in zip(hypotheses, truths, strict=True)]
    return {
        "predictions": predictions,
        "references": references,
        "tokens": [[text, words] for text, words in zip(HARD, tokenized(HARD), strict=True)]
        + [[text, words] for text, words in zip(predictions, hypotheses, strict=True)],
        "cider-d": [float(cider_d[0]), [float(v) for v in cider_d[1]]],
        "cider": [float(cider[0]), [float(v) for v in cider[1]]],
        "bleu": [[float(v) for v in corpus], [[float(v) for v in row] for row in sentences]],
        "rouge-l": [float(np.mean(rouge)), rouge],
    }


def functions(path: Path, *names: str) -> dict[str, object]:
    """Single functions and classes of a file, without importing its package."""
    tree = ast.parse(path.read_text())
    wanted = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name in names]
    for node in wanted:
        node.decorator_list = []
    scope: dict[str, object] = {"re": re}
    exec(compile(ast.Module(wanted, []), str(path), "exec"), scope)
    return scope


def answer_values(rng: random.Random, lmms: Path) -> dict[str, object]:
    found = functions(lmms / "lmms_eval/api/metrics.py", "anls", "levenshtein_distance")
    words = [
        "$1,234.50",
        "Invoice No. 7",
        "7",
        "12%",
        "March 2, 2021",
        "Paris ",
        "par is",
        "",
        " ",
        "Total  due",
        "straße",
    ]
    pairs = [(rng.choice(words), [rng.choice(words) for _ in range(rng.choice([1, 1, 3]))]) for _ in range(150)]
    pairs += [("abcd", ["abxy"]), ("ab", ["ax"]), ("   ", ["a"]), ("Paris", ["paris", "London"]), ("", [""])]
    script = [found["anls"](references, [prediction])["anls"] for prediction, references in pairs]
    relaxed = functions(lmms / "lmms_eval/tasks/chartqa/utils.py", "relaxed_correctness")["relaxed_correctness"]
    numbers = [
        "10",
        "10.5",
        "10.51",
        "9.5",
        "0",
        "0.0",
        "5%",
        "0.05",
        "1,234",
        "$5",
        "nan",
        "inf",
        "2019",
        "1920",
        "Yes",
        "yes",
        "-3",
        "",
    ]
    cases = [(p, t) for p in numbers for t in numbers]
    nested = [
        (["b", "a"], ["a", "b", "c"]),
        ({"a": "x", "b": "y"}, {"a": "x"}),
        ("hello!", ("hello", "world")),
        ([], ["a"]),
        ({"a": ["this", "be"], "b": None}, {"a": ["this", "is", "a"]}),
        (None, None),
        ("", None),
        ("x", None),
        ("x", ["x", "y"]),
        ({"a": {"b": "cat"}}, {"a": {"b": ("dog", "cats")}}),
        ([{"n": "pen", "p": "1"}], [{"n": "pen", "p": "2"}, {"n": "ink"}]),
        ("text", {"a": "text"}),
        (["a", ["b", "c"]], ["a", ["c"]]),
        (5, "5"),
        ({}, {"a": None}),
    ]
    return {
        "anls-script": [[p, r, s] for (p, r), s in zip(pairs, script, strict=True)],
        "relaxed": [[p, t, bool(relaxed(p, t))] for p, t in cases],
        "anls-star": [
            [p, r if not isinstance(r, tuple) else {"or": r}, anls_star.anls_score(r, p)] for p, r in nested[:-6]
        ]
        + [[p, encode(r), anls_star.anls_score(r, p)] for p, r in nested[-6:]],
        "vqa": vqa_values(
            rng, functions(lmms / "lmms_eval/tasks/_task_utils/vqa_eval_metric.py", "EvalAIAnswerProcessor")
        ),
    }


def encode(value: object) -> object:
    """Tuples, which JSON has not, as {"or": [...]}."""
    if isinstance(value, tuple):
        return {"or": [encode(v) for v in value]}
    if isinstance(value, list):
        return [encode(v) for v in value]
    return {k: encode(v) for k, v in value.items()} if isinstance(value, dict) else value


def vqa_values(rng: random.Random, found: dict[str, object]) -> list[list[object]]:
    """The cleaning functions of the package, joined by the official rule of 2021 and by "always"."""
    clean = found["EvalAIAnswerProcessor"]()
    words = [
        "yes",
        "Yes",
        "no",
        "2",
        "two",
        "the dog",
        "dog",
        "a dog.",
        "dont know",
        "don't know",
        "3,000",
        "1 / 2",
        "t-shirt",
        "it's red",
        "5.",
        "5.5",
        "on, off",
        "what ?",
        "thats it",
        "none",
        "mr. lee",
        "black/white",
        "wouldnt've",
        "yes\n",
    ]

    def tidy(text: str) -> str:
        return clean.process_digit_article(clean.process_punctuation(text))

    out = []
    for _ in range(200):
        few = rng.sample(words, rng.choice([1, 2, 3, 4]))
        panel = [rng.choice(few) for _ in range(10)]
        prediction = rng.choice([*few, rng.choice(words)])
        row: list[object] = [prediction, panel]
        for always in (False, True):
            mine, answers = flat(prediction), [flat(a) for a in panel]
            if always or len(set(answers)) > 1:
                mine, answers = tidy(mine), [tidy(a) for a in answers]
            others = [answers[:i] + answers[i + 1 :] for i in range(10)]
            row.append(statistics.mean(min(1, o.count(mine) / 3) for o in others))
        out.append(row)
    return out


def flat(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def amber_values(rng: random.Random, lmms: Path) -> dict[str, object]:
    """Sums of the package's own AMBER functions, with nouns and a table of pairs in place of tagger and vectors."""
    path = lmms / "lmms_eval/tasks/amber_g/utils.py"
    found = functions(path, "process_generative_task", "process_discriminative_task")
    words = ["dog", "cat", "car", "tree", "bench", "sky", "boat", "child", "hat", "grass", "lamp", "road"]
    association = {w: rng.sample([x for x in words if x != w], rng.choice([0, 1, 2])) for w in words[:8]}
    known = sorted({*association, *(w for around in association.values() for w in around)})
    same = [sorted(rng.sample(words, 2)) for _ in range(6)]
    found["extract_nouns"] = str.split
    found["check_synonyms_word"] = lambda a, b, _: a == b or sorted([a, b]) in same
    kinds = ["discriminative-hallucination", "relation", "discriminative-relation"]
    kinds += [f"discriminative-attribute-{kind}" for kind in ("state", "number", "action")]
    sums: dict[str, float] = dict.fromkeys(
        ["chair_score", "safe_cover_score", "hallu_cover_score", "non_hallu_score"], 0
    )
    sums |= dict.fromkeys(["chair_num", "safe_cover_num", "hallu_cover_num", "non_hallu_num"], 0.001)
    for kind in ("", "ha_", "as_", "an_", "aa_", "asso_"):
        for part in ("correct", "no", "ans_no"):
            sums |= {f"{kind}qa_{part}_score": 0, f"{kind}qa_{part}_num": 0.001}
    notes, responses = [], []
    for i in range(1, 201):
        if i <= 60:
            note = {"id": i, "type": "generative", "truth": rng.sample(words[:8], 3), "hallu": rng.sample(words[:8], 2)}
            said = " ".join(rng.choice(words) for _ in range(rng.choice([0, 3, 6])))
            row = {"question_id": i, "text": said}
            found["process_generative_task"](row, note, association, set(known), ["sky", "grass"], 0.8, sums)
        else:
            kind = rng.choice(kinds)
            truth = "no" if kind == kinds[0] else rng.choice(["yes", "no"])
            note = {"id": i, "type": kind, "truth": truth}
            said = rng.choice(["Yes", "No", truth.capitalize(), truth.capitalize(), "Perhaps"])
            found["process_discriminative_task"]({"question_id": i, "text": said}, note, sums)
        notes.append(note)
        responses.append({"id": i, "response": said})
    return {"annotations": notes, "association": association, "safe": ["sky", "grass"], "same": same,
            "responses": responses, "sums": sums}  # fmt: skip


def frechet_values() -> list[list[float]]:
    """[seed, n, d, distance] by scipy's sqrtm, as pytorch-fid computes it."""
    out = []
    for seed, n, d in ((0, 200, 8), (1, 400, 32), (2, 50, 64)):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=(n, d)), rng.normal(0.3, 1.4, size=(n + 10, d))
        s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = sqrtm(s1 @ s2)
        delta = a.mean(axis=0) - b.mean(axis=0)
        out.append([seed, n, d, float(delta @ delta + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real))])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lmms-eval", type=Path, required=True, help="folder of the unpacked lmms_eval 0.7.3 wheel")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = random.Random(0)
    packages = ["pycocoevalcap", "anls_star", "scipy", "numpy"]
    golden = {
        "made_by": {name: version(name) for name in packages} | {"lmms_eval": "0.7.3", "stanford-corenlp": "3.4.1"},
        "captions": caption_values(rng),
        "answers": answer_values(rng, args.lmms_eval),
        "frechet": frechet_values(),
        "amber": amber_values(rng, args.lmms_eval),
    }
    args.out.write_text(json.dumps(golden, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
