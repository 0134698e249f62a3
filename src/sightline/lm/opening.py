"""From what a person writes on the command line to a language model."""

from __future__ import annotations

import inspect
from pathlib import Path

from sightline.core.door import load, require
from sightline.core.errors import InputError
from sightline.core.ports import LM
from sightline.lm.endpoint import Endpoint, EndpointConfig

NAMELESS = "name it with the flag that --help lists beside this one (--model-name, --judge-model, ...)"
REMEDY = "give http://host:port/v1 with a model name, package.module:object, or a folder with a model"


def open_lm(
    spec: str,
    model: str | None = None,
    *,
    config: EndpointConfig | None = None,
    key_variable: str = "OPENAI_API_KEY",
    device: str = "cpu",
) -> LM:
    """`spec` is one of

    - "http://..." or "https://...": an `Endpoint` for `model`, which must be named;
    - "package.module:object": an LM, or a function or class that makes one (called with `model` where that is given);
    - a folder with a model in safetensors, or "hub:some-org/some-model" (may be downloaded): `Local`, on `device`.

    Raises InputError for anything else and for a `model` that would not be heeded, MissingExtra where a folder is named
    and torch is not installed.
    """
    if spec.startswith(("http://", "https://")):
        if not model:
            raise InputError("an endpoint needs the name of a model", remedy=NAMELESS)
        return Endpoint(model, spec, config=config, key_variable=key_variable)
    if spec.startswith("hub:") or Path(spec).is_dir():
        _refuse(model, spec)
        require("transformers", "local")
        local = require("sightline.lm.local", "local")
        found = local.Local(spec, local.LocalConfig(device=device))
        assert isinstance(found, LM)
        return found
    if ":" in spec:
        return _made(spec, load(spec), model)
    raise InputError("neither an address nor an object nor a folder", subject=spec, remedy=REMEDY)


def _made(spec: str, found: object, model: str | None) -> LM:
    if isinstance(found, LM) and not isinstance(found, type):
        _refuse(model, spec)
        return found
    arguments = () if model is None else (model,)
    if callable(found):
        try:
            inspect.signature(found).bind(*arguments)
        except TypeError as error:
            raise InputError(f"cannot be called to make a language model ({error})", subject=spec) from error
        made = found(*arguments)
        if isinstance(made, LM) and not isinstance(made, type):
            return made
    raise InputError("is no language model and makes none", subject=spec, remedy="it needs `name` and `replies`")


def _refuse(model: str | None, spec: str) -> None:
    if model is not None:
        raise InputError(f"{spec} is one model, which needs no name", subject=model, remedy="leave the name out")
