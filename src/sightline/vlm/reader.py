"""Words and pictures -> what the model takes. A transformers processor with Pillow alone: no torchvision.

Two doors: `encode` for conversations in our own type (training, chat), safe against control tokens in documents; and
the call that transformers and TRL make with rendered text and pictures.
"""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from PIL import Image
from pydantic import TypeAdapter
from torch import Tensor
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from sightline.core.errors import InputError, Reject
from sightline.core.message import Message, Picture
from sightline.vlm.config import VLMConfig
from sightline.vlm.encoder import check_size
from sightline.vlm.picture_plan import PicturePlan
from sightline.vlm.pixels import MEAN, STD, cut, opened, sizes_of, stacked
from sightline.vlm.resolution import (
    IMAGE,
    SEEN,
    Crops,
    Fixed,
    FusionKind,
    Resolution,
    Tiles,
    count,
    fitted,
    layout,
    special_tokens,
)
from sightline.vlm.rows import IGNORED, padded
from sightline.vlm.template import CONTROL, FINISH, PAD, TEMPLATE, joined, pieces
from sightline.vlm.weights import unremarked

RESOLUTION: TypeAdapter[Resolution] = TypeAdapter(Resolution)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation as the model takes it."""

    ids: Tensor
    """(L,) int64."""
    labels: Tensor
    """(L,) int64: the id where it is trained, -100 elsewhere."""
    views: tuple[Tensor, ...]
    """Each (3, height, width) float32."""
    sizes: tuple[tuple[int, int, int], ...]
    """(height, width, 1 where reached by cross-attention) of each view."""


class VLMReader(ProcessorMixin):
    """Tokenizer, resolution and fusion in one; saved as processor_config.json beside the tokenizer.

    `resolution` is a strategy or its JSON. Raises InputError for a tokenizer without our control tokens: make one fit
    with `reader_for`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        resolution: Resolution | dict[str, Any] | None = None,
        fusion: FusionKind = "embed",
        mean: Sequence[float] = MEAN,
        std: Sequence[float] = STD,
        chat_template: str | None = None,
    ) -> None:
        strategy = RESOLUTION.validate_python(resolution)
        self.strategy = strategy
        self.resolution = strategy.model_dump()
        self.fusion = fusion
        self.mean, self.std = list(mean), list(std)
        super().__init__(tokenizer, chat_template=chat_template or TEMPLATE)
        wanted = (*CONTROL, *special_tokens(strategy))
        vocabulary = tokenizer.get_vocab()
        if missing := [token for token in wanted if token not in vocabulary]:
            raise InputError(
                "the tokenizer lacks control tokens", subject=missing[:4], remedy="use reader_for(model, ...)"
            )
        self._control = {token: vocabulary[token] for token in wanted}
        self.image_token, self.image_token_id = IMAGE, self._control[IMAGE]
        self.never = [self._control[IMAGE], self._control[SEEN]]
        self.ends = frozenset({self._control[FINISH]})

    @property
    def model_input_names(self) -> list[str]:
        return ["input_ids", "attention_mask", "pixel_values", "image_sizes"]

    def plan(self, width: int, height: int, budget: int | None = None) -> PicturePlan:
        """How a picture of this size is seen, within `budget` tokens where one is given."""
        if budget is None:
            return self.strategy.plan(width, height)
        return fitted(width, height, self.strategy, budget, self.fusion)

    def encode(
        self,
        messages: Sequence[Message],
        *,
        prompt: bool = False,
        picture_budget: int | None = None,
        longest: int | None = None,
    ) -> Encoded:
        """One conversation; every picture within `picture_budget` tokens. Raises Reject: "empty-conversation",
        "picture-without-bytes", "unreadable-picture", "aspect-ratio", "over-budget", "row-too-long" (more than
        `longest` tokens; nothing is ever cut), "nothing-to-train" (no assistant turn and no `prompt`)."""
        queue = [part for message in messages for part in message.parts if isinstance(part, Picture)]
        ids: list[int] = []
        labels: list[int] = []
        views: list[Tensor] = []
        sizes: list[tuple[int, int, int]] = []
        at = iter(queue)
        for piece in joined(pieces(messages, prompt=prompt)):
            if piece.is_picture:
                picture = self.decoded(next(at))
                plan = self.plan(*picture.size, picture_budget)
                views += cut(picture, plan, self.mean, self.std)
                sizes += sizes_of(plan, self.fusion)
                new = [self._control[token] for token, times in layout(plan, self.fusion) for _ in range(times)]
            elif piece.control:
                new = [self._control[piece.text]]
            else:
                new = self.tokenizer.encode(piece.text, add_special_tokens=False, split_special_tokens=True)
            ids += new
            labels += new if piece.trained else [IGNORED] * len(new)
        if longest is not None and len(ids) > longest:
            raise Reject("row-too-long", tokens=len(ids), limit=longest)
        if not prompt and all(label == IGNORED for label in labels):
            raise Reject("nothing-to-train")
        return Encoded(torch.tensor(ids), torch.tensor(labels), tuple(views), tuple(sizes))

    def collate(self, rows: Sequence[Encoded], *, left: bool = False) -> dict[str, Tensor]:
        """Rows padded to the longest, on the right for training, on the left for generation."""
        out = padded(rows, self._control[PAD], left=left)
        views = [view for row in rows for view in row.views]
        if views:
            if views[0].ndim == 2:  # a frozen encoder's features (T, C) in place of pixels
                out["vision_features"] = torch.cat(views)
            else:
                out["pixel_values"] = stacked(views)
            out["image_sizes"] = torch.tensor([size for row in rows for size in row.sizes])
        return out

    def positions(self, batch: dict[str, Tensor]) -> Tensor:
        """(B, L) of rows padded on the left."""
        return (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)

    def carried(self, _: dict[str, Tensor]) -> dict[str, Tensor]:
        """Keywords of a step of decoding beyond ids, mask, positions and cache: none."""
        return {}

    def __call__(self, images: Any = None, text: Any = None, **options: Any) -> BatchFeature:
        """As processors are called: `text` with one `<image>` per picture, `images` flat or one list per text. Raises
        InputError where their numbers differ."""
        single = isinstance(text, str)
        texts: list[str] = [text] if single else list(text)
        flat = _flat(images)
        wanted = sum(one.count(IMAGE) for one in texts)
        if wanted != len(flat):
            raise InputError(f"{wanted} image placeholders in the text for {len(flat)} pictures")
        for name in ("images_kwargs", "videos_kwargs", "return_mm_token_type_ids", "sanitize_control_tokens"):
            options.pop(name, None)
        offsets = options.pop("return_text_replacement_offsets", options.get("return_offsets_mapping", False))
        tensors = options.pop("return_tensors", None)
        pictures = [picture.convert("RGB") for picture in flat]
        plans = [self.plan(*picture.size) for picture in pictures]
        spelled = iter(["".join(token * times for token, times in layout(plan, self.fusion)) for plan in plans])
        expanded, replaced = zip(*(_replaced(one, spelled) for one in texts), strict=True)
        data: dict[str, Any] = dict(self.tokenizer(list(expanded), **options))
        if offsets:
            data["text_replacement_offsets"] = list(replaced)
        out = BatchFeature(data, tensor_type=tensors, skip_tensor_conversion=["text_replacement_offsets"])
        if plans:
            pairs = zip(pictures, plans, strict=True)
            out["pixel_values"] = stacked([view for p, plan in pairs for view in cut(p, plan, self.mean, self.std)])
            out["image_sizes"] = torch.tensor([size for plan in plans for size in sizes_of(plan, self.fusion)])
        return out

    def coloured(self, row: Encoded) -> str:
        """What is trained, for a terminal: trained tokens green, the rest dim, runs of `<image>` counted."""
        out = []
        pairs = zip(row.ids.tolist(), (row.labels != IGNORED).tolist(), strict=True)
        for (image, trained), run in groupby(pairs, key=lambda pair: (pair[0] == self.image_token_id, pair[1])):
            tokens = [token for token, _ in run]
            words = f"{IMAGE}x{len(tokens)}" if image else self.tokenizer.decode(tokens)
            out.append(f"\x1b[{'32' if trained else '2'}m{words}\x1b[0m")
        return "".join(out)

    def taken(self, picture: Picture, budget: int | None = None) -> int:
        """Tokens of a picture that may take at most `budget`. Raises Reject as `encode`."""
        return count(self.plan(*self.decoded(picture).size, budget), self.fusion)

    def decoded(self, picture: Picture) -> Image.Image:
        """RGB. Raises Reject: "picture-without-bytes", "unreadable-picture"."""
        if picture.data is None:
            raise Reject("picture-without-bytes", sha256=picture.ref.sha256)
        return opened(picture.data)


def reader_for(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    resolution: Resolution,
    mean: Sequence[float] = MEAN,
    std: Sequence[float] = STD,
) -> VLMReader:
    """Fit a tokenizer and a `VLM` to each other: control tokens are added, the embedding table grows where needed, and
    the model learns the ids. `mean` and `std` are the encoder's, per channel of pixels in 0..1. Raises InputError where
    resolution and model disagree on patch, merge or the size of squares."""
    config = model.config
    if resolution.patch != config.patch or resolution.merge != config.connector["merge"]:
        raise InputError(
            f"the resolution states patch {resolution.patch} and merge {resolution.merge}, "
            f"the model has {config.patch} and {config.connector['merge']}"
        )
    if isinstance(resolution, Fixed | Tiles | Crops):
        check_size(config.vision, resolution.tile if isinstance(resolution, Tiles) else resolution.size)
    tokens = (*CONTROL, *special_tokens(resolution))
    tokenizer.add_special_tokens({"additional_special_tokens": list(tokens)}, replace_extra_special_tokens=False)
    tokenizer.pad_token, tokenizer.eos_token = PAD, FINISH
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        with unremarked():
            model.resize_token_embeddings(len(tokenizer))
    reader = VLMReader(tokenizer, resolution, config.fusion["kind"], mean, std)
    vocabulary = tokenizer.get_vocab()
    for holder in (config, model.model.config):
        holder.image_token_id, holder.seen_token_id = vocabulary[IMAGE], vocabulary[SEEN]
        holder.crops = resolution.crops
    model.generation_config.eos_token_id = vocabulary[FINISH]
    model.generation_config.pad_token_id = vocabulary[PAD]
    # a model that writes a placeholder would ask for a picture that nobody gave
    model.generation_config.suppress_tokens = [vocabulary[IMAGE], vocabulary[SEEN]]
    return reader


def _flat(images: Any) -> list[Image.Image]:
    if images is None:
        return []
    if isinstance(images, Image.Image):
        return [images]
    return [one for image in images for one in _flat(image)]


def _replaced(text: str, spelled: Iterable[str]) -> tuple[str, list[dict[str, tuple[int, int]]]]:
    """The text with each placeholder spelled out, and where each stood and stands."""
    out, replaced, at, source = "", [], 0, iter(spelled)
    while (found := text.find(IMAGE, at)) >= 0:
        out += text[at:found]
        new = next(source)
        start = len(out)
        out += new
        at = found + len(IMAGE)
        replaced.append({"span": (found, at), "new_span": (start, len(out))})
    return out + text[at:], replaced


AutoProcessor.register(VLMConfig, VLMReader, exist_ok=True)
