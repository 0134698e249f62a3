"""A ready model of transformers with everything it needs: it reads conversations as our own reader does, so that
trainer, packer, planner and evaluation take it as they take a `VLM`."""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jinja2.exceptions import TemplateError
from PIL import Image
from torch import Tensor
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer
from transformers.initialization import no_init_weights

from sightline.core.errors import InputError, Reject
from sightline.core.message import Message, Picture, Text
from sightline.vlm.pixels import opened
from sightline.vlm.ready.families import FAMILIES, family_of, parts_of
from sightline.vlm.ready.tower import Tower
from sightline.vlm.resolution import Strategy
from sightline.vlm.rows import IGNORED, padded
from sightline.vlm.weights import UNREADABLE, unreadable, whole_weights

SHRINK = 0.9
"""Of both sides, again and again, until a picture fits its budget."""
WORD = "\ue000{}\ue001"
"""Stands for the words of a part while the template is filled (private-use characters: in no text that is read)."""


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """One conversation as the model takes it."""

    ids: Tensor
    """(L,) int64."""
    labels: Tensor
    """(L,) int64: the id where it is trained, -100 elsewhere."""
    pictures: tuple[dict[str, Tensor], ...]
    """What the image processor gave for each."""


class ReadyReader:
    """Words and pictures -> keywords of a ready model.

    The checkpoint's own chat template is filled with stand-ins, so that we know which characters are answers. The whole
    is then tokenized at once, as the stock processor does it. Trained: every token that holds a letter of an assistant
    turn (in "Assistant: cat" the first is " cat" for many tokenizers), and the control token that ends the turn (the
    end-of-sequence token after the last one where the template writes none). Words that spell a control token are
    refused, as they could not be told apart.
    """

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any) -> None:
        self.model, self.tokenizer, self.image_processor = model, tokenizer, image_processor
        self.config = model.config
        self.family = FAMILIES[family_of(self.config)]
        self.parts = parts_of(self.config)
        self.template = tokenizer.chat_template or self.family.template
        if not self.template:
            raise InputError("the tokenizer has no chat template", remedy="set tokenizer.chat_template")
        self.image_token_id = int(self.config.image_token_id)
        self.never = [i for i in (self.image_token_id,) if i < self.config.get_text_config().vocab_size]
        generation = getattr(model, "generation_config", None)
        ends = getattr(generation, "eos_token_id", None)
        listed = ends if isinstance(ends, list) else [ends]
        self.ends = frozenset(int(end) for end in (*listed, tokenizer.eos_token_id) if end is not None)
        self._pad = next(i for i in (tokenizer.pad_token_id, tokenizer.eos_token_id, 0) if i is not None)

    def tower(self) -> Tower | None:
        """The encoder alone, where this family's can run view by view."""
        return Tower(self.model, self.family) if self.family.tower else None

    def spelled(self, width: int, height: int) -> str:
        """A picture of this size as tokens. Raises `Reject("aspect-ratio")`, `Reject("empty-picture")`."""
        Strategy().checked(width, height)
        return self.family.spell(self.config, self.image_processor, width, height)

    def count(self, width: int, height: int) -> int:
        """Tokens that a picture takes in the sequence."""
        return len(self.tokenizer.encode(self.spelled(width, height), add_special_tokens=False))

    def taken(self, picture: Picture, budget: int | None = None) -> int:
        """Tokens of a picture that may take at most `budget`. Raises Reject as `encode`."""
        return self.count(*self._fitted(picture, budget).size)

    def encode(
        self,
        messages: Sequence[Message],
        *,
        prompt: bool = False,
        picture_budget: int | None = None,
        longest: int | None = None,
    ) -> ReadyRow:
        """As `VLMReader.encode`, with its reasons of refusal, and "control-token-in-words", "template-refused"."""
        pieces = list(self._pieces(messages, prompt))
        pictures = [
            self._fitted(part, picture_budget) for m in messages for part in m.parts if isinstance(part, Picture)
        ]
        wanted = sum(text.count(self.family.placeholder) for text, answer in pieces if answer is None)
        if wanted != len(pictures):
            raise Reject("template-refused", placeholders=wanted, pictures=len(pictures))
        spelled = iter([self.spelled(*picture.size) for picture in pictures])
        text, answers = "", []
        for piece, answer in pieces:
            if answer is None:
                head, *tail = piece.split(self.family.placeholder)
                text += head + "".join(next(spelled) + after for after in tail)
            else:
                text += piece
                if answer:
                    answers.append((len(text) - len(piece), len(text)))
        if answers and not prompt and not any(self._ends(text, stop) for _, stop in answers[-1:]):
            text += self.tokenizer.eos_token or ""
        made = self.tokenizer(text, add_special_tokens=self._adds(text), return_offsets_mapping=True)
        ids = torch.tensor(made["input_ids"])
        spans = [(start, self._ends(text, stop) or stop) for start, stop in answers]
        trained = [any(low < stop and start < high for start, stop in spans) for low, high in made["offset_mapping"]]
        labels = torch.where(torch.tensor(trained), ids, IGNORED)
        if longest is not None and len(ids) > longest:
            raise Reject("row-too-long", tokens=len(ids), limit=longest)
        if not prompt and not any(trained):
            raise Reject("nothing-to-train")
        return ReadyRow(ids, labels, tuple(self._pixels(picture) for picture in pictures))

    def collate(self, rows: Sequence[ReadyRow], *, left: bool = False) -> dict[str, Tensor]:
        """Rows padded to the longest, on the right for training, on the left for generation."""
        out = padded(rows, self._pad, left=left)
        out |= self.family.batch([row.pictures for row in rows], list(out["input_ids"]), self.config)
        return out | self._types(out)

    def packed(self, rows: Sequence[ReadyRow]) -> dict[str, Tensor]:
        """One row (1, sum of lengths) in which positions restart; see `sightline.train.packing` for who may."""
        labels = [torch.cat([row.labels.new_tensor([IGNORED]), row.labels[1:]]) for row in rows]
        ids = torch.cat([row.ids for row in rows])
        out = {
            "input_ids": ids[None],
            "labels": torch.cat(labels)[None],
            "position_ids": torch.cat([torch.arange(len(row.ids)) for row in rows])[None],
        }
        out |= self.family.batch([[picture for row in rows for picture in row.pictures]], [ids], self.config)
        out |= self._types(out)
        if hasattr(self.model.model, "get_rope_index"):
            alone = [self.positions(self.collate([row])) for row in rows]
            out["position_ids"] = torch.cat([out["position_ids"][None], torch.cat(alone, dim=-1)])
        return out

    def positions(self, batch: dict[str, Tensor]) -> Tensor:
        """(B, L), or (3, B, L) where the family turns by time, row and column."""
        if hasattr(self.model.model, "get_rope_index"):
            names = ("input_ids", "mm_token_type_ids", "image_grid_thw", "attention_mask")
            found: Tensor = self.model.model.get_rope_index(**{name: batch.get(name) for name in names})[0]
            return found
        first = int(self.config.model_type == "paligemma")
        return (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0) + first

    def carried(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Keywords of a step of decoding beyond ids, mask, positions and cache."""
        mask = batch.get("cross_attention_mask")
        return {} if mask is None else {"cross_attention_mask": mask[:, -1:]}

    def save_pretrained(self, folder: Path) -> None:
        """Tokenizer, template and image processor beside the weights."""
        self.tokenizer.save_pretrained(folder)
        self.image_processor.save_pretrained(folder)

    def _pieces(self, messages: Sequence[Message], prompt: bool) -> Iterator[tuple[str, bool | None]]:
        """(text of the template, None), (words, whether they are an answer)."""
        if not messages:
            raise Reject("empty-conversation")
        words: list[tuple[str, bool]] = []
        turns: list[dict[str, Any]] = []
        for message in messages:
            content: list[dict[str, str]] = []
            for part in message.parts:
                if isinstance(part, Picture):
                    content.append({"type": "image"})
                elif isinstance(part, Text):
                    content.append({"type": "text", "text": WORD.format(len(words))})
                    words.append((part.text, message.role == "assistant"))
                else:
                    raise InputError("a clip must be sampled into pictures first", remedy="see resolution.frame_times")
            turns.append({"role": message.role, "content": content})
        for text, _ in words:
            if found := [token for token in self.tokenizer.all_special_tokens if token in text]:
                raise Reject("control-token-in-words", token=found[0])
        try:
            filled = self.tokenizer.apply_chat_template(
                turns, chat_template=self.template, tokenize=False, add_generation_prompt=prompt
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise Reject("template-refused", error=str(error)[:200]) from error
        head, *tail = filled.split("\ue000")
        yield head, None
        for one in tail:
            number, _, after = one.partition("\ue001")
            yield words[int(number)]
            yield after, None

    def _adds(self, text: str) -> bool:
        """Whether the tokenizer is to set its own mark of the beginning, as the stock processors have it do where the
        checkpoint's template writes none (LLaVA 1.5)."""
        begin = self.tokenizer.bos_token
        return not self.family.template and not (begin and text.startswith(begin))

    def _ends(self, text: str, at: int) -> int:
        """Where the control token stops that ends an answer at `at`; 0 where there is none."""
        rest = text[at:].lstrip(" \n")
        found = [token for token in self.tokenizer.all_special_tokens if rest.startswith(token)]
        return len(text) - len(rest) + len(max(found, key=len)) if found else 0

    def _fitted(self, picture: Picture, budget: int | None) -> Image.Image:
        """Decoded, and shrunk until it takes at most `budget` tokens."""
        if picture.data is None:
            raise Reject("picture-without-bytes", sha256=picture.ref.sha256)
        image = opened(picture.data)
        size = image.size
        while budget is not None and (need := self.count(*size)) > budget:
            size = (int(size[0] * SHRINK), int(size[1] * SHRINK))
            if min(size) < 1:
                raise Reject("over-budget", width=image.width, height=image.height, tokens=need, budget=budget)
        return image if size == image.size else image.resize(size, Image.Resampling.BICUBIC)

    def _pixels(self, picture: Image.Image) -> dict[str, Tensor]:
        made = self.image_processor(images=[picture], return_tensors="pt")
        return {key: made[key] for key in self.family.keys}

    def _types(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self.family.types:
            return {}
        if self.config.model_type == "paligemma":
            return {self.family.types: (batch["labels"] != IGNORED).long()}
        return {self.family.types: (batch["input_ids"] == self.image_token_id).long()}


def ready(name: str | Path, *, weights: bool = True) -> tuple[Any, ReadyReader]:
    """Model and reader of a folder or of a hub id that the user names, in evaluation mode; safetensors only, never code
    of the checkpoint. Without `weights` the model is on the meta device: for counting and planning. Raises InputError
    for unknown families and for what cannot be read."""
    kind = AutoModelForImageTextToText
    try:
        config = AutoConfig.from_pretrained(name)
        family_of(config)
        if weights:
            model = whole_weights(kind, name)
        else:
            with torch.device("meta"), no_init_weights():
                model = kind.from_config(config)
        tokenizer = AutoTokenizer.from_pretrained(name)
        processor = AutoImageProcessor.from_pretrained(name, backend="pil")
    except UNREADABLE as error:
        raise unreadable(name, error) from error
    return model.eval(), ReadyReader(model, tokenizer, processor)
