"""PDFs in, a verified dataset out, and its line of sight drawn.

    python examples/documents_to_dataset.py [PDF-FOLDER [OUT]]

No model is asked: the questions are made by rules (`writer: layout`). With one, give `build_documents` a
`models=Models(writer=open_lm("http://localhost:8000/v1", "NAME"))`; nothing else changes.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from sightline import Dataset, build_documents
from sightline.core.media import Box
from sightline.recipes.document_audit import audit_documents
from sightline.recipes.document_qa import DocumentQAConfig
from sightline.show import draw_boxes


def main(pdfs: Path, out: Path) -> None:
    # 1. Pages, words with boxes, questions, checks, split. Stop it anywhere: the same call goes on from there.
    result = build_documents([pdfs], out, DocumentQAConfig(pairs_per_page=4, test_share=0.2))
    for step in result.funnel:
        print(f"{step.step:20} took {step.took:5}  gave {step.gave:5}  refused {step.rejected:5}")

    # 2. What was refused, and why: every row is kept with its reason.
    dataset = Dataset(out)
    for reason, count in Counter(row.reason for row in dataset.rejects()).most_common():
        print(f"refused  {count:4} x {reason}")

    # 3. What would the checks miss? Known errors are planted into copies of the accepted pairs.
    for kind, _, caught in audit_documents(out).caught:
        print(f"planted {kind:22} caught {caught}")

    # 4. One answer, where it stands.
    row = next(dataset.rows())
    seen, asked = row["evidence"][0], row["texts"][0]
    scale = row["image_scales"][seen["image"]]
    boxes = [Box(*box).scaled(scale) for box in seen["boxes"]]
    picture = draw_boxes(row["images"][seen["image"]]["bytes"], boxes)
    (out / "line_of_sight.png").write_bytes(picture)
    print(f"{asked['user']} -> {asked['assistant']}  (page {seen['page'] + 1}, {out / 'line_of_sight.png'})")


if __name__ == "__main__":
    here = Path(__file__).parent
    main(*map(Path, (sys.argv[1:] + [str(here / "documents"), "out/documents"][len(sys.argv) - 1 :])))
