"""Draw pairs of a documents dataset by seed, to be read by a person against their pages.

    python benchmarks/draw_pairs.py DATASET --language ko --number 60 --seed 2026

Prints one pair a line: file, page (counted from 0), style, question, answer. The same seed draws the same pairs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from sightline.recipes.dataset import Dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--language", required=True)
    parser.add_argument("--number", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    columns = ["id", "texts", "evidence", "style", "source", "language"]
    rows = [row for row in Dataset(wanted.dataset).rows(columns) if row["language"] == wanted.language]
    rows.sort(key=lambda row: str(row["id"]))
    for row in Random(wanted.seed).sample(rows, min(wanted.number, len(rows))):
        text = row["texts"][0]
        page = row["evidence"][0]["page"]
        print(f"{row['source']['name']} p{page} {row['style']} | {text['user']} -> {text['assistant']}")


if __name__ == "__main__":
    main()
