"""A trained model as an `LM`: it writes, judges and is evaluated wherever an endpoint can."""

# mypy: disable-error-code="no-untyped-call"
# transformers and torch leave many of their functions untyped.

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from sightline.core.errors import InputError, ModelError, Reject
from sightline.core.fingerprint import model_name
from sightline.core.message import Clip, Reply, Request, Usage
from sightline.vlm.config import context_of
from sightline.vlm.model import VLM
from sightline.vlm.reader import Encoded, VLMReader
from sightline.vlm.ready.kit import ReadyReader, ReadyRow, ready
from sightline.vlm.weights import UNREADABLE, unreadable, whole_weights

Row = Encoded | ReadyRow
OURS: Final = "sightline_vlm"
SURROGATE_FREE = str.maketrans({"\x00": "\ufffd"})


def kind_of(folder: Path) -> str:
    """The `model_type` of a model folder. Raises InputError where there is none."""
    config = folder / "config.json"
    try:
        return str(json.loads(config.read_text(encoding="utf-8"))["model_type"])
    except FileNotFoundError as error:
        inner = folder / "model"
        remedy = f"name {inner}" if (inner / "config.json").is_file() else "name what `train vlm` wrote"
        raise InputError("no model in this folder", subject=folder, remedy=remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("config.json is not readable", subject=config) from error


def loaded(folder: Path) -> tuple[VLM, VLMReader]:
    """Model and reader of a folder, in evaluation mode. Raises InputError where a file is missing, broken or of another
    model."""
    kind = kind_of(folder)
    if kind != OURS:
        raise InputError(f"a model of type {kind!r}, not one of ours", subject=folder)
    reader = _reader(folder)
    model = whole_weights(AutoModelForImageTextToText, folder, local_files_only=True, exact=True)
    return model.eval(), reader


def whole_model(name: str | Path) -> tuple[Any, VLMReader | ReadyReader]:
    """Model and reader, in evaluation mode, of a folder that `train vlm` wrote, or of a ready model: a folder or a hub
    id that the user names. Raises InputError as `loaded` and `ready`."""
    return loaded(Path(name)) if _is_ours(name) else ready(name)


def whole_reader(name: str | Path) -> tuple[Any, VLMReader | ReadyReader]:
    """The same without its weights: config and reader."""
    if _is_ours(name):
        return AutoConfig.from_pretrained(name, local_files_only=True), _reader(Path(name))
    model, reader = ready(name, weights=False)
    return model.config, reader


def _is_ours(name: str | Path) -> bool:
    folder = Path(name)
    return (folder / "config.json").is_file() and kind_of(folder) == OURS


def _reader(folder: Path) -> VLMReader:
    try:
        reader = AutoProcessor.from_pretrained(folder, local_files_only=True)
    except UNREADABLE as error:
        raise unreadable(folder, error) from error
    if not isinstance(reader, VLMReader):
        raise InputError("the reader of another model", subject=folder, remedy="processor_config.json is missing")
    return reader


class VLMChat:
    """Answers requests with a `VLM` or a ready model; greedy at temperature 0, otherwise each request draws by its
    own seed.

    Errors of replies: "cannot-see" (clips), "too-long" (prompt and `max_tokens` pass the model's context), and the
    reader's reasons ("unreadable-picture", "aspect-ratio", ...).
    """

    def __init__(self, model: Any, reader: VLMReader | ReadyReader, *, name: str = "vlm", batch_size: int = 8) -> None:
        self.model, self.reader, self._name, self.batch_size = model.eval(), reader, name, batch_size
        self._context = context_of(model.config)

    @classmethod
    def open(cls, folder: Path, *, device: str = "cpu", batch_size: int = 8) -> VLMChat:
        """The model of a folder, ours or a ready one; raises InputError as `loaded` and `ready`."""
        kind_of(folder)
        model, reader = whole_model(folder)
        return cls(model.to(device), reader, name=model_name(folder), batch_size=batch_size)

    @property
    def name(self) -> str:
        return self._name

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """One reply per request, in order."""
        source = iter(requests)
        while window := list(islice(source, self.batch_size)):
            made: dict[int, Reply] = {}
            rows: dict[int, Row] = {}
            for index, request in enumerate(window):
                row = self._row(request)
                if isinstance(row, str):
                    made[index] = Reply(error=row, finish="error", model=self.name)
                else:
                    rows[index] = row
            if rows:
                answered = self._batch([window[index] for index in rows], list(rows.values()))
                made |= zip(rows, answered, strict=True)
            yield from (made[index] for index in range(len(window)))

    def _row(self, request: Request) -> Row | str:
        """The encoded prompt, or why there is none."""
        if any(isinstance(part, Clip) for message in request.messages for part in message.parts):
            return "cannot-see"
        try:
            row = self.reader.encode(request.messages, prompt=True)
        except Reject as refused:
            return refused.reason
        return "too-long" if len(row.ids) + request.max_tokens > self._context else row

    @torch.inference_mode()
    def _batch(self, requests: Sequence[Request], rows: Sequence[Row]) -> list[Reply]:
        """Prefill once, then one token a step until every row has ended."""
        begin = time.perf_counter()
        reader: Any = self.reader  # takes the rows that it made
        batch: dict[str, Any] = reader.collate(rows, left=True)
        batch.pop("labels")
        batch = {key: value.to(self.model.device) for key, value in batch.items()}
        mask = batch["attention_mask"]
        batch["position_ids"] = self.reader.positions(batch)
        carried = self.reader.carried(batch)
        draws = [torch.Generator().manual_seed(request.seed or 0) for request in requests]
        made: list[list[int]] = [[] for _ in requests]
        done = [False] * len(requests)
        try:
            for _ in range(max(request.max_tokens for request in requests)):
                out = self.model(**batch, use_cache=True, logits_to_keep=1)
                out.logits[..., self.reader.never] = float("-inf")
                greedy = out.logits[:, -1].argmax(-1).tolist()  # of all rows at once: each asks the device only once
                chosen = [
                    self._drawn(out.logits[i, -1], request, draws[i]) if request.temperature else greedy[i]
                    for i, request in enumerate(requests)
                ]
                for i, (token, request) in enumerate(zip(chosen, requests, strict=True)):
                    if not done[i]:
                        made[i].append(token)
                        done[i] = token in self.reader.ends or len(made[i]) >= request.max_tokens
                if all(done):
                    break
                mask = torch.cat([mask, mask.new_ones(len(requests), 1)], dim=1)
                batch = {
                    "input_ids": torch.tensor(chosen, device=mask.device)[:, None],
                    "attention_mask": mask,
                    "position_ids": batch["position_ids"][..., -1:] + 1,
                    "cache": out.cache,
                    **carried,
                }
        except torch.OutOfMemoryError as error:
            raise ModelError("not enough memory for a batch", remedy=f"batch_size < {len(requests)}") from error
        seconds = (time.perf_counter() - begin) / len(requests)
        return [self._reply(*each, seconds) for each in zip(requests, rows, made, strict=True)]

    def _drawn(self, logits: Tensor, request: Request, draw: torch.Generator) -> int:
        chances = (logits.float().cpu() / request.temperature).softmax(-1)
        ordered, places = chances.sort(descending=True)
        ordered[(ordered.cumsum(-1) - ordered) >= request.top_p] = 0
        return int(places[torch.multinomial(ordered, 1, generator=draw)])

    def _reply(self, request: Request, row: Row, ids: list[int], seconds: float) -> Reply:
        ended = bool(self.reader.ends.intersection(ids[-1:]))
        text = self.reader.tokenizer.decode(ids[:-1] if ended else ids, skip_special_tokens=True)
        text = text.encode("utf-8", "replace").decode("utf-8").translate(SURROGATE_FREE)
        cuts = [at for stop in request.stop if (at := text.find(stop)) >= 0]
        return Reply(
            text=text[: min(cuts)] if cuts else text,
            model=self.name,
            usage=Usage(input_tokens=len(row.ids), output_tokens=len(ids)),
            finish="stop" if ended or cuts else "length",
            seconds=seconds,
        )
