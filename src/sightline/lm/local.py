"""A transformers model in this process, as an LM. Weights only from safetensors; code from a model's folder never runs;
the network is used only where a model of the hub is named as such."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    GenerationConfig,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from sightline.core.errors import InputError, ModelError
from sightline.core.fingerprint import model_name
from sightline.core.message import Clip, Message, Picture, Reply, Request, Text, Usage
from sightline.lm.answer import failed
from sightline.lm.cleaning import clean
from sightline.lm.sampling import RowEnds, RowSampling

HUB = "hub:"
"""Before the name of a model that may be downloaded: "hub:some-org/some-model"."""
WINDOW = 4
"""Batches over which requests are sorted by length, so that little is padded; the look-ahead, too."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class LocalConfig(BaseModel):
    """Where and how the model runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = "cpu"
    """As torch names it: "cpu", "cuda", "cuda:1"."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Of the weights. Below float32 a padded batch may differ from single requests in the last digits."""
    batch_size: int = Field(default=8, ge=1)
    """Requests computed together; bounded by memory."""


class Local:
    """The model in a folder, or "hub:NAME". Models that see pictures are recognised by their type. `name` holds a hash
    of the weights: kept answers are not taken for those of the same folder trained further.

    Greedy at temperature 0; otherwise each request draws by its own seed, whatever it is batched with. Replies carry
    the errors "cannot-see" (pictures or clips for a model that takes none) and "too-long" (prompt and `max_tokens` pass
    the model's context). Raises InputError for a folder without a usable model, ModelError where memory runs out.
    """

    def __init__(self, model: str | Path, config: LocalConfig | None = None) -> None:
        self.config = config or LocalConfig()
        named = str(model)
        hub = named.startswith(HUB)
        place = named.removeprefix(HUB)
        if not hub and not Path(place).is_dir():
            raise InputError("no such folder", subject=place, remedy=f'for a model of the hub write "{HUB}{place}"')
        self.name = place if hub else model_name(Path(place))
        self._sees, self._processor, self._model = _loaded(place, self.config, local_files_only=not hub)
        self._tokenizer = self._processor.tokenizer if self._sees else self._processor
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._ends = _end_ids(self._model.generation_config.eos_token_id, self._tokenizer.eos_token_id)
        self._context = int(getattr(self._model.config.get_text_config(), "max_position_embeddings", 0)) or 2**31
        self._model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=False, eos_token_id=self._ends, pad_token_id=self._tokenizer.pad_token_id
        )

    def __repr__(self) -> str:
        return f"Local({self.name!r}, {self.config!r})"

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order; reads 4 batches ahead."""
        source = iter(requests)
        while window := list(islice(source, WINDOW * self.config.batch_size)):
            replies: dict[int, Reply] = {}
            seen, blind = [], []
            for index, request in enumerate(window):
                if not _has_media(request):
                    blind.append(index)
                elif self._sees and not _has_clip(request):
                    seen.append(index)
                else:
                    replies[index] = failed("cannot-see", model=self.name)
            for group in (blind, seen):
                group.sort(key=lambda index: sum(len(message.text) for message in window[index].messages))
                for at in range(0, len(group), self.config.batch_size):
                    batch = group[at : at + self.config.batch_size]
                    replies |= zip(batch, self._batch([window[index] for index in batch]), strict=True)
            yield from (replies[index] for index in range(len(window)))

    def _batch(self, requests: Sequence[Request]) -> list[Reply]:
        inputs = self._inputs(requests)
        lengths = inputs["attention_mask"].sum(1).tolist()
        fits = [n + request.max_tokens <= self._context for n, request in zip(lengths, requests, strict=True)]
        if not all(fits):
            kept = [request for request, fit in zip(requests, fits, strict=True) if fit]
            rest = iter(self._batch(kept) if kept else [])
            return [next(rest) if fit else failed("too-long", model=self.name) for fit in fits]
        begin = time.perf_counter()
        prompt = inputs["input_ids"].shape[1]
        made = self._generate(inputs, requests)[:, prompt:].tolist()
        seconds = (time.perf_counter() - begin) / len(requests)
        return [
            self._reply(request, ids, length, seconds)
            for request, ids, length in zip(requests, made, lengths, strict=True)
        ]

    def _inputs(self, requests: Sequence[Request]) -> Any:
        """Token ids (rows, longest), left-padded, and what else the model takes."""
        chats = [[_chat_message(message, self._sees) for message in request.messages] for request in requests]
        padding: dict[str, Any] = {"processor_kwargs": {"padding": True}} if self._sees else {"padding": True}
        inputs = self._processor.apply_chat_template(
            chats,
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            sanitize_control_tokens=True,  # a document that spells <|im_end|> is text, not the end of its message
            **padding,
        )
        return inputs.to(self.config.device)

    def _generate(self, inputs: Any, requests: Sequence[Request]) -> Tensor:
        prompt = inputs["input_ids"].shape[1]
        try:
            with torch.inference_mode():
                out = self._model.generate(
                    **inputs,
                    max_new_tokens=max(request.max_tokens for request in requests),
                    logits_processor=[RowSampling(requests, self.config.device)],
                    stopping_criteria=[RowEnds(requests, self._tokenizer, prompt)],
                )
        except torch.OutOfMemoryError as error:
            raise ModelError(
                "not enough memory for a batch", subject=self.name, remedy=f"batch_size < {len(requests)}"
            ) from error
        assert isinstance(out, Tensor)
        return out

    def _reply(self, request: Request, ids: list[int], length: int, seconds: float) -> Reply:
        """Cut at the row's own end: what follows it is padding."""
        ids = ids[: request.max_tokens]
        end = next((i for i, token in enumerate(ids) if token in self._ends), None)
        count = len(ids) if end is None else end + 1
        text = clean(self._tokenizer.decode(ids[:end], skip_special_tokens=True))
        cuts = [at for stop in request.stop if (at := text.find(stop)) >= 0]
        done = end is not None or bool(cuts)
        return Reply(
            text=text[: min(cuts)] if cuts else text,
            model=self.name,
            usage=Usage(input_tokens=length, output_tokens=count),
            finish="stop" if done else "length",
            seconds=seconds,
        )


def _loaded(place: str, config: LocalConfig, *, local_files_only: bool) -> tuple[bool, Any, Any]:
    """(sees pictures, processor or tokenizer, model)."""
    try:
        kind = AutoConfig.from_pretrained(place, local_files_only=local_files_only).model_type
        sees = kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
        reader = (AutoProcessor if sees else AutoTokenizer).from_pretrained(place, local_files_only=local_files_only)
        model: Any = (AutoModelForImageTextToText if sees else AutoModelForCausalLM).from_pretrained(
            place, dtype=DTYPES[config.dtype], use_safetensors=True, local_files_only=local_files_only
        )
    except (OSError, ValueError, KeyError) as error:
        what = " ".join(str(error).split())[:200]
        remedy = "it needs config.json, a tokenizer and weights in safetensors"
        raise InputError(f"no usable model ({what})", subject=place, remedy=remedy) from error
    if reader.chat_template is None:
        raise InputError("the model has no chat template", subject=place, remedy="use its instruction-tuned form")
    return sees, reader, model.to(config.device).eval()


def _chat_message(message: Message, sees: bool) -> dict[str, Any]:
    """As chat templates take it: a string for text models, a list of parts for those that see."""
    if not sees:
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_chat_part(part) for part in message.parts]}


def _chat_part(part: Text | Picture | Clip) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    assert isinstance(part, Picture)
    if part.data is None:
        raise InputError("a picture without its bytes cannot be seen", subject=part.ref.sha256)
    return {"type": "image", "image": ImageOps.exif_transpose(Image.open(BytesIO(part.data))).convert("RGB")}


def _has_media(request: Request) -> bool:
    return any(not isinstance(part, Text) for message in request.messages for part in message.parts)


def _has_clip(request: Request) -> bool:
    return any(isinstance(part, Clip) for message in request.messages for part in message.parts)


def _end_ids(*ends: int | list[int] | None) -> list[int]:
    found: set[int] = set()
    for end in ends:
        found |= set(end) if isinstance(end, list) else set() if end is None else {end}
    return sorted(found)
