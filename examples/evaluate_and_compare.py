"""Two models on one dataset, judged and compared honestly.

    python examples/evaluate_and_compare.py DATASET [OUT]

DATASET: what examples/documents_to_dataset.py made. The models and the judge are scripted, so that all of it runs
offline: they know the flow, not the documents. An address and a name (`open_lm`) stand wherever a script does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sightline import Dataset, Request, Scripted
from sightline.evaluate.benchmarks.sightline import SIGHTLINE_ALL
from sightline.runs.evaluation import EvaluationConfig, evaluate
from sightline.runs.evaluation_compare import compare
from sightline.runs.evaluation_report import write_disagreements, write_report


def main(data: Path, out: Path) -> None:
    # 1. Two models that know the answers by heart and see no page; the second talks too much. (Where two documents
    #    are asked in the same words they can only know one answer.)
    known = {turn["user"]: turn["assistant"] for row in Dataset(data).rows(["texts"]) for turn in row["texts"]}

    def short(request: Request) -> str:
        question, _, _ = request.messages[-1].text.rpartition("\n")
        return known[question]

    def wordy(request: Request) -> str:
        return f"As far as I can read it, the page says: {short(request)}. I hope this helps."

    def judge(request: Request) -> str:
        text = request.messages[-1].text
        reference = text.rpartition("Reference answers: '")[2].partition("'")[0]
        right = reference in text.rpartition("Candidate answer: ")[2]
        return f"Compared with the reference. So rating={3 if right else 1}"

    # 2. Ask, score, judge. Killed and run again, nothing answered is asked twice.
    runs = []
    for model in (Scripted(short, "short"), Scripted(wordy, "wordy")):
        runs.append(out / model.name)
        config = EvaluationConfig(benchmark=SIGHTLINE_ALL.name, data=str(data), metrics=("anls", "exact"))
        found = evaluate(SIGHTLINE_ALL, config, model, runs[-1], judge=Scripted(judge, "scripted-judge"))
        print(model.name, *found.scores, sep="\n  ")
        print(f"  {write_report(runs[-1])}")

    # 3. The difference, paired by question and clustered by document.
    for one in compare(*runs).differences:
        bounds = "" if one.interval is None else f" [{one.interval.low:+.3f}, {one.interval.high:+.3f}]"
        print(f"{one.metric:5} wordy - short {one.difference:+.3f}{bounds}  p (Holm) {one.p_holm:.3f}  {one.test}")

    # 4. Where the string metric says 0 and the judge says right: what to read before believing either.
    page, count = write_disagreements(runs[1])
    print(f"{count} answers that metric and judge see differently: {page}")


if __name__ == "__main__":
    main(*map(Path, (sys.argv[1:] + ["out/documents", "out/evaluation"][len(sys.argv) - 1 :])))
