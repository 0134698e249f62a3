"""Rows of a video dataset as trainers' layouts begin with them: one per question, with its scenes' pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]


def conversations(rows: Iterable[Row]) -> Iterator[Row]:
    """Each question with its answer; the rest of the row stays."""
    for row in rows:
        pictures = row["thumbnails"]
        for number, pair in enumerate(row["questions"]):
            asked = [{"type": "image", "text": None}] * len(pictures) + [{"type": "text", "text": pair["question"]}]
            yield row | {
                "id": f"{row['id']}-{number}",
                "images": pictures,
                "texts": [{"user": pair["question"], "assistant": pair["answer"], "source": row["source"]["name"]}],
                "messages": [
                    {"role": "user", "content": asked},
                    {"role": "assistant", "content": [{"type": "text", "text": pair["answer"]}]},
                ],
            }
