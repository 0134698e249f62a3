"""Several conversations in one row without one seeing another: positions restart, no mask is given, and the language
model keeps what lies between restarts apart.

Packing is allowed for the language models whose leak test stands in tests/train; others are refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.errors import PlanError
from sightline.train.pack_attention import attend_within_conversations
from sightline.train.stages import Data

TESTED: Final = frozenset({"llama", "qwen2", "qwen3", "mistral", "gemma2", "phi3", "smollm3", "gpt2"})
"""Model types whose packed logits were measured equal to separate ones (<= 1e-5)."""


READY: Final = frozenset({"idefics3", "smolvlm", "llava", "qwen2_vl", "qwen2_5_vl", "internvl", "janus"})
"""Ready families of transformers whose packed logits were measured equal to separate ones (<= 1e-5)."""
LEAKY: Final = {
    "paligemma": "its prompts are seen both ways, so that packed prompts would see each other",
    "gemma3": "its mask for pictures ignores restarting positions (measured: packed logits differ)",
    "mllama": "tokens before a picture look at every picture of the row (measured: packed logits differ)",
}


class Row(Protocol):
    """One conversation as the model takes it."""

    @property
    def ids(self) -> Tensor:
        """(L,)."""

    @property
    def labels(self) -> Tensor:
        """(L,); -100 is not trained."""

    @property
    def views(self) -> Sequence[Tensor]:
        """Each (3, height, width), or (T, C) where the features of a frozen encoder are kept."""

    @property
    def sizes(self) -> Sequence[Sequence[int]]:
        """Per view."""


def make_packable(model: Any) -> None:
    """Has `model` attend within each conversation of a pack alone. Raises PlanError for models on which packing was not
    proven leak-free, with the reason where it is known."""
    family = model.config.model_type
    if family in LEAKY:
        raise PlanError(
            f"packing leaks in this family: {LEAKY[family]}", subject=family, remedy="train without packing"
        )
    kind = model.config.get_text_config().model_type
    if kind not in TESTED and family not in READY:
        raise PlanError(
            "packing is not proven leak-free for this language model",
            subject=kind,
            remedy=f"train without packing, or use one of {', '.join(sorted(TESTED))}",
        )
    attend_within_conversations(model)


def bins(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Indices grouped so that each group's lengths sum to at most `capacity`: longest first, each into the fullest
    group that still holds it. Raises PlanError where one alone does not fit."""
    groups: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        need = lengths[index]
        if need > capacity:
            raise PlanError(f"a row of {need} tokens exceeds a pack of {capacity}", subject=index)
        fitting = [(left, at) for at, left in enumerate(room) if left >= need]
        if fitting:
            _, at = min(fitting)
            groups[at].append(index)
            room[at] -= need
        else:
            groups.append([index])
            room.append(capacity - need)
    return groups


def packed(rows: Sequence[Row], stack: Callable[[Sequence[Tensor]], Tensor]) -> dict[str, Tensor]:
    """One row (1, sum of lengths). The first label of each conversation is dropped: it would be predicted from the last
    token of its neighbour. `stack` lays views of several sizes into one tensor."""
    labels = []
    for row in rows:
        own = row.labels.clone()
        own[0] = -100
        labels.append(own)
    out = {
        "input_ids": torch.cat([row.ids for row in rows])[None],
        "labels": torch.cat(labels)[None],
        "position_ids": torch.cat([torch.arange(len(row.ids)) for row in rows])[None],
    }
    views = [view for row in rows for view in row.views]
    if views:
        if views[0].ndim == 2:
            out["vision_features"] = torch.cat(views)
        else:
            out["pixel_values"] = stack(views)
        out["image_sizes"] = torch.tensor([list(size) for row in rows for size in row.sizes])
    return out


def leak(model: nn.Module, rows: Sequence[Row], stack: Callable[[Sequence[Tensor]], Tensor]) -> float:
    """Largest difference between the logits of a pack and those of its rows alone; run it on your own model."""
    with torch.no_grad():
        together = model(**packed(rows, stack), use_cache=False).logits[0]
        alone = torch.cat([model(**packed([row], stack), use_cache=False).logits[0] for row in rows])
    return float((together - alone).abs().max())


def packed_epochs(rows: Sequence[Row], capacity: int, stack: Callable[[Sequence[Tensor]], Tensor], seed: int) -> Data:
    """`epochs_of_packs` of our own rows."""
    return epochs_of_packs(rows, capacity, lambda group: packed(group, stack), seed)


def epochs_of_packs(
    rows: Sequence[Any], capacity: int, make: Callable[[Sequence[Any]], Mapping[str, Tensor]], seed: int
) -> Data:
    """Step -> what `make` packs. Every epoch each row once, packs in a new order; which rows share a pack changes
    too."""
    lengths = [len(row.ids) for row in rows]

    def epoch(number: int) -> list[list[int]]:
        draw = np.random.default_rng([seed, number])
        order = draw.permutation(len(rows))
        groups = bins([lengths[i] for i in order], capacity)
        return [[int(order[i]) for i in groups[at]] for at in draw.permutation(len(groups))]

    return _by_epoch(epoch, lambda group: make([rows[i] for i in group]))


def epochs(
    rows: Sequence[Row],
    size: int,
    collate: Callable[[Sequence[Any]], Mapping[str, Tensor]],
    seed: int,
    *,
    by_length: bool = True,
) -> Data:
    """Step -> padded batch of `size`. Every epoch each row once. `by_length`: rows of like length share a batch, so
    that little is padded; leave it where the length tells the answer, as "red" against "purple": every batch would
    then hold one answer alone."""
    lengths = [len(row.ids) for row in rows]

    def epoch(number: int) -> list[list[int]]:
        draw = np.random.default_rng([seed, number])
        order = draw.permutation(len(rows)).tolist()
        if by_length:
            order.sort(key=lambda i: lengths[i])
        groups = [order[at : at + size] for at in range(0, len(order), size)]
        return [groups[at] for at in draw.permutation(len(groups))]

    return _by_epoch(epoch, lambda group: collate([rows[i] for i in group]))


def _by_epoch(epoch: Callable[[int], list[list[int]]], make: Callable[[list[int]], Mapping[str, Tensor]]) -> Data:
    """Epochs may differ in length: their starts are remembered as they are first reached, in order."""
    starts = [0]
    held: dict[int, list[list[int]]] = {}

    def groups(number: int) -> list[list[int]]:
        if number not in held:
            held.clear()
            held[number] = epoch(number)
        return held[number]

    def batch(step: int) -> Mapping[str, Tensor]:
        while starts[-1] <= step:
            starts.append(starts[-1] + len(groups(len(starts) - 1)))
        number = next(i for i, start in enumerate(starts) if start > step) - 1
        return make(groups(number)[step - starts[number]])

    return batch
