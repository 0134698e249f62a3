"""Flags that name language models, turned into LMs with one price and one cap."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from sightline.core.door import require
from sightline.core.errors import InputError
from sightline.core.ports import LM
from sightline.lm import Budgeted, EndpointConfig, Price, Purse, open_lm
from sightline.lm.cached import ReplyStore
from sightline.recipes.document_qa.models import Models

KEY_VARIABLE = "SIGHTLINE_KEY_VARIABLE"
"""Names the variable that holds the key; "none" where the server wants none."""
DEVICE = "SIGHTLINE_DEVICE"
"""Names the device of models in folders."""
_ENDPOINT = {
    "SIGHTLINE_LM_TIMEOUT": "timeout_s",
    "SIGHTLINE_LM_RETRIES": "retries",
    "SIGHTLINE_LM_CONCURRENCY": "concurrency",
}

SERVERS = """\b
Servers, by the environment:
  SIGHTLINE_LM_TIMEOUT      seconds until an attempt is given up (120)
  SIGHTLINE_LM_RETRIES      attempts after the first (5)
  SIGHTLINE_LM_CONCURRENCY  requests in flight (32)
  SIGHTLINE_KEY_VARIABLE    variable that holds the key (OPENAI_API_KEY); none: no key

\b
Models in folders:
  SIGHTLINE_DEVICE          where they run: cpu, cuda, cuda:1 (cpu)
"""
"""Closes the help of each command that opens models."""


def price_of(text: str | None) -> Price | None:
    """ "0.5,1.5" -> USD per million input and output tokens. Raises InputError for anything else."""
    if text is None:
        return None
    try:
        used, said = (float(part) for part in text.split(","))
        return Price(input=used, output=said)
    except ValueError as error:
        raise InputError(
            "not a price", subject=text, remedy="give USD per million tokens as INPUT,OUTPUT, for example 0.5,1.5"
        ) from error


def purse_for(out: Path, price: Price | None, max_cost: float | None) -> Purse:
    """One cap for all models of a run; begins at what earlier runs into `out` have paid."""
    if max_cost is not None and price is None:
        raise InputError("--max-cost needs the price", remedy="add --price INPUT,OUTPUT in USD per million tokens")
    replies = out / ".sightline" / "replies.sqlite"
    return Purse(max_cost, spent=ReplyStore(replies).paid if replies.is_file() else 0.0)


def endpoint_from_environment() -> EndpointConfig:
    """How long to wait for a server and how hard to press it, where the environment says so. Raises InputError."""
    stated = {field: os.environ[name] for name, field in _ENDPOINT.items() if os.environ.get(name)}
    try:
        return EndpointConfig.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        name = next(name for name, field in _ENDPOINT.items() if field == first["loc"][0])
        raise InputError(
            f"{name}: {first['msg'].lower()}", subject=first["input"], remedy="set it to a number"
        ) from error


def reached(spec: str, model: str | None) -> LM:
    """The model at `spec`, asked as the environment says (see `SERVERS`). The folder of a vision-language model is
    opened as `train vlm` and `chat` open it."""
    device = os.environ.get(DEVICE, "cpu")
    if device != "cpu":
        require("sightline.generate.processes", "local").usable(device)
    if model is None and _sees(Path(spec)):
        return require("sightline.vlm.chat", "train").VLMChat.open(Path(spec), device=device)  # type: ignore[no-any-return]
    return open_lm(
        spec,
        model,
        config=endpoint_from_environment(),
        key_variable=os.environ.get(KEY_VARIABLE, "OPENAI_API_KEY"),
        device=device,
    )


def _sees(folder: Path) -> bool:
    """Whether a vision-language model lies there: one of ours, or of a family that has an adapter."""
    if not (folder / "config.json").is_file():
        return False
    require("transformers", "train")
    kind: str = require("sightline.vlm.chat", "train").kind_of(folder)
    return kind in ("sightline_vlm", *require("sightline.vlm.ready.families", "train").FAMILIES)


def opened(spec: str | None, model: str | None, price: Price | None, purse: Purse) -> LM | None:
    """The model that a pair of flags names, with its cost counted where a price is known."""
    if spec is None:
        return None
    lm = reached(spec, model)
    return lm if price is None else Budgeted(lm, price, purse)


def models_of(
    writer: tuple[str | None, str | None],
    judge: tuple[str | None, str | None],
    blind: tuple[str | None, str | None],
    price: Price | None,
    purse: Purse,
) -> Models:
    """Each role as (address or import string, model name)."""
    return Models(*(opened(spec, model, price, purse) for spec, model in (writer, judge, blind)))
