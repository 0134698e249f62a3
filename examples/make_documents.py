"""Writes the example documents: python examples/make_documents.py [FOLDER]

Needs the [dev] extra (reportlab) and, for the Korean notice, the font NanumGothic. The same versions of the libraries
give the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from document_sources import form, invoice, notice_ko, report, scan, slides

DOCUMENTS = {
    "invoice.pdf": invoice.draw,
    "form.pdf": form.draw,
    "report.pdf": report.draw,
    "slides.pdf": slides.draw,
    "notice_ko.pdf": notice_ko.draw,
    "scan.pdf": scan.draw,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in DOCUMENTS.items():
        draw(folder / name)
        print(f"{folder / name}  {(folder / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "documents")
