"""Sampling whose draws belong to a row, not to a batch: a request's answer does not depend on its neighbours.

Gumbel-max (Gumbel 1954): argmax(logits / temperature + Gumbel noise) is a draw from softmax(logits / temperature), so a
greedy decoder samples when each row's scores are given noise from that row's own generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from sightline.core.message import Request


class RowSampling(LogitsProcessor):
    """Temperature, top-p and seed of each row's own request; temperature 0 leaves the row greedy."""

    def __init__(self, requests: Sequence[Request], device: str) -> None:
        self._requests = requests
        self._generators = [_generator(request, device) for request in requests]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """scores: (rows, vocabulary), as logits."""
        out = scores.float().clone()
        for row, (request, generator) in enumerate(zip(self._requests, self._generators, strict=True)):
            if request.temperature > 0:
                kept = nucleus(out[row] / request.temperature, request.top_p)
                noise = torch.empty_like(kept).exponential_(generator=generator)
                out[row] = kept - noise.log()
        return out


def nucleus(logits: Tensor, top_p: float) -> Tensor:
    """-inf outside the smallest set of tokens whose probability reaches `top_p` (Holtzman et al. 2020, section 3.1).

    logits: (vocabulary,).
    """
    if top_p >= 1.0:
        return logits
    ordered, order = logits.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    outside = order[before >= top_p]
    return logits.index_fill(0, outside[outside != order[0]], float("-inf"))


class RowEnds(StoppingCriteria):
    """A row is done at its own `max_tokens` or once its text holds one of its own stop strings."""

    def __init__(self, requests: Sequence[Request], tokenizer: PreTrainedTokenizerBase, prompt: int) -> None:
        self._requests = requests
        self._tokenizer = tokenizer
        self._prompt = prompt

    def __call__(self, input_ids: Tensor, scores: Tensor | None, **unused: object) -> Tensor:
        """input_ids: (rows, prompt + made so far); gives (rows,) bool."""
        made = input_ids.shape[1] - self._prompt
        return torch.tensor(
            [made >= request.max_tokens or self._stops(request, input_ids[row]) for row, request in self._rows()],
            device=input_ids.device,
        )

    def _rows(self) -> enumerate[Request]:
        return enumerate(self._requests)

    def _stops(self, request: Request, ids: Tensor) -> bool:
        if not request.stop:
            return False
        text = self._tokenizer.decode(ids[self._prompt :], skip_special_tokens=True)
        return any(stop in text for stop in request.stop)


def _generator(request: Request, device: str) -> torch.Generator:
    generator = torch.Generator(device)
    if request.seed is None:
        generator.seed()
    else:
        generator.manual_seed(request.seed % 2**63)
    return generator
