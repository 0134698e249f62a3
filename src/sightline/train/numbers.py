"""A dry run on a real batch: what the reader made keeps its numbers, weights and all that comes of them have none.

Classes of transformers ask their inputs (how many placeholders, which grid, is a picture all zeros) before they shape
anything. So an operation on real tensors alone is computed, and one that meets a fake tensor gives a fake one.
"""

from __future__ import annotations

# mypy: disable-error-code="no-untyped-call"
# torch leaves many of its functions untyped.
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten


class Numbers(TorchDispatchMode):
    """Entered inside a `FakeTensorMode` that allows real inputs."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if not any(isinstance(one, FakeTensor) for one in tensors):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        return func(*_without_masks(args) if func is torch.ops.aten.index.Tensor else args, **kwargs)


def _without_masks(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Indices by a real mask as real places: how many there are is then known."""
    leaves, form = tree_flatten(args[1:])
    places: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor) and leaf.dtype == torch.bool and not isinstance(leaf, FakeTensor):
            with unset_fake_temporarily():
                places += [leaf.nonzero(as_tuple=True)]
        else:
            places.append(leaf)
    (indices,) = tree_unflatten(places, form)
    flat: list[Any] = []
    for index in indices:
        flat += index if isinstance(index, tuple) else [index]
    return (args[0], flat)
