"""What every reader gives and how its rows become a batch: our own reader and those of ready models agree here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import torch
from torch import Tensor

from sightline.core.message import Message, Picture

IGNORED: Final = -100
"""Label of a token that is not trained."""


class TokenRow(Protocol):
    """One conversation as token ids."""

    @property
    def ids(self) -> Tensor:
        """(L,) int64."""

    @property
    def labels(self) -> Tensor:
        """(L,) int64: the id where it is trained, -100 elsewhere."""


class Reader(Protocol):
    """Words and pictures -> rows -> keywords of the model that it was made for."""

    def encode(
        self,
        messages: Sequence[Message],
        *,
        prompt: bool = False,
        picture_budget: int | None = None,
        longest: int | None = None,
    ) -> Any:
        """One conversation. Raises Reject."""

    def taken(self, picture: Picture, budget: int | None = None) -> int:
        """Tokens of a picture that may take at most `budget`. Raises Reject."""

    def collate(self, rows: Sequence[Any], *, left: bool = False) -> dict[str, Tensor]:
        """Rows padded to the longest, on the right for training, on the left for generation."""


def padded(rows: Sequence[TokenRow], pad: int, *, left: bool = False) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` and `labels`, each (B, longest)."""
    length = max(len(row.ids) for row in rows)
    out = {
        "input_ids": torch.full((len(rows), length), pad),
        "attention_mask": torch.zeros(len(rows), length, dtype=torch.int64),
        "labels": torch.full((len(rows), length), IGNORED),
    }
    for i, row in enumerate(rows):
        place = slice(length - len(row.ids), None) if left else slice(0, len(row.ids))
        out["input_ids"][i, place] = row.ids
        out["attention_mask"][i, place] = 1
        out["labels"][i, place] = row.labels
    return out
