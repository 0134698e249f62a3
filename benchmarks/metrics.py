"""Speed of the metrics, side by side with the reference packages where they are installed.

    python benchmarks/metrics.py [--items 2000] [--peer PYTHON]

`--peer` is the Python of an environment with pycocoevalcap (see golden_metrics.py); without it those columns are empty.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sightline.evaluate.features import frechet, moments
from sightline.evaluate.hallucination.amber import Amber, Annotation, amber
from sightline.evaluate.metrics.anls import totals as anls_totals
from sightline.evaluate.metrics.bleu import totals as bleu_totals
from sightline.evaluate.metrics.cider import totals as cider_totals
from sightline.evaluate.metrics.rouge import totals as rouge_totals
from sightline.evaluate.statistics import bootstrap
from sightline.evaluate.totals import Totals

PEER = """
import json, sys, time
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
predictions, references = json.load(open(sys.argv[1]))
out = {}
start = time.perf_counter()
gts = PTBTokenizer().tokenize({i: [{"caption": t} for t in r] for i, r in enumerate(references)})
res = PTBTokenizer().tokenize({i: [{"caption": t}] for i, t in enumerate(predictions)})
out["tokenizer"] = time.perf_counter() - start
for name, scorer in (("cider-d", Cider()), ("rouge-l", Rouge()), ("bleu", Bleu(4))):
    start = time.perf_counter()
    scorer.compute_score(gts, res)
    out[name] = time.perf_counter() - start
print(json.dumps(out))
"""


def captions(count: int) -> tuple[list[str], list[list[str]]]:
    """Made-up captions of about ten words with a vocabulary of natural shape, five references each."""
    rng = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "st", "ll", "ck", "m")]
    weights = [1 / (i + 2) for i in range(len(words))]

    def one() -> str:
        return "A " + " ".join(rng.choices(words, weights, k=rng.randint(7, 11))) + "."

    return [one() for _ in range(count)], [[one() for _ in range(5)] for _ in range(count)]


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--peer", help="Python with pycocoevalcap 1.2")
    args = parser.parse_args()
    predictions, references = captions(args.items)
    ours = {
        "cider-d": seconds(lambda: cider_totals(predictions, references)),
        "rouge-l": seconds(lambda: rouge_totals(predictions, references)),
        "bleu": seconds(lambda: bleu_totals(predictions, references)),
    }
    peer: dict[str, float] = {}
    if args.peer:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "texts.json"
            path.write_text(json.dumps([predictions, references]))
            said = subprocess.run([args.peer, "-c", PEER, str(path)], capture_output=True, text=True, check=True).stdout
            peer = json.loads(said.splitlines()[-1])
    print(f"{args.items:,} items, 5 references, tokenizer included on both sides")
    for name, took in ours.items():
        line = f"{name:10} {args.items / took:10,.0f} items/s"
        if peer:
            theirs = peer[name] + peer["tokenizer"]
            line += f"   pycocoevalcap {args.items / theirs:8,.0f} items/s   ratio {theirs / took:5.1f}"
            line += f"   (its scorer alone {args.items / peer[name]:8,.0f} items/s)"
        print(line + ("" if peer else "   pycocoevalcap missing"))
    pairs = 200_000
    answers = [f"answer {i % 9973} of {i}" for i in range(pairs)]
    took = seconds(lambda: anls_totals(answers, [[text[1:]] for text in answers]))
    print(f"{'anls':10} {pairs / took:10,.0f} pairs/s")
    scores = np.random.default_rng(0).gamma(2, size=5000)
    general = Totals(np.stack([scores, np.ones(5000)], 1), lambda s: s[..., 0] / s[..., 1])
    print(f"{'bootstrap':10} {seconds(lambda: bootstrap(general, resamples=1000)):10.2f} s for 1,000 x 5,000 items")
    print(f"{'amber':10} {seconds(amber_work()):10.2f} s for 15,220 items")
    rng = np.random.default_rng(0)
    a, b = moments([rng.normal(size=(3000, 2048))]), moments([rng.normal(size=(3000, 2048))])
    ours_s = min(seconds(lambda: frechet(a, b), time.process_time) for _ in "ab")
    one = min(seconds(lambda: np.linalg.eigh(a.covariance), time.process_time) for _ in "ab")
    print(f"{'frechet':10} {ours_s:10.2f} CPU s at 2048-d; one numpy eigh {one:.2f} s; ratio {ours_s / one:.2f}")


def amber_work() -> Callable[[], object]:
    """The size of AMBER: 1,004 generative and 14,216 discriminative items, 418 words."""
    words = [f"thing{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(418)]
    association = {w: words[i + 340 : i + 341] for i, w in enumerate(words[:340])}
    notes = [
        Annotation(id=i, type="generative", truth=tuple(words[i % 300 : i % 300 + 7]), hallu=tuple(words[5:10]))
        for i in range(1, 1005)
    ]
    notes += [Annotation(id=i, type="discriminative-hallucination", truth="no") for i in range(1005, 15221)]
    text = " ".join(f"A {w} is near the {w}s." for w in words[:12])
    responses = {n.id: text if n.type == "generative" else "No" for n in notes}
    data = Amber({n.id: n for n in notes}, association, frozenset())
    return lambda: amber(responses, data)


if __name__ == "__main__":
    main()
