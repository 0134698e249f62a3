from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sightline.core.errors import InputError
from sightline.core.message import Message, Request
from sightline.lm import Endpoint, EndpointConfig, Scripted, open_lm

MODULE = """
from sightline.lm import Scripted
ready = Scripted(lambda request: "ready", name="ready")
def factory(): return Scripted(lambda request: "made", name="made")
def named(model): return Scripted(lambda request: "named", name=model)
def wrong(): return 5
number = 5
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch) -> str:
    (tmp_path / "their_models.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "their_models"
    sys.modules.pop("their_models", None)


def test_an_address_is_an_endpoint() -> None:
    config = EndpointConfig(concurrency=3)
    lm = open_lm("http://localhost:8000/v1/", "some-model", config=config, key_variable="none")
    assert isinstance(lm, Endpoint)
    assert (lm.name, lm.base_url, lm.config) == ("some-model", "http://localhost:8000/v1", config)
    with pytest.raises(InputError, match="--model"):
        open_lm("http://localhost:8000/v1", key_variable="none")


def test_an_object_a_factory_or_a_factory_with_a_name(module: str) -> None:
    assert open_lm(f"{module}:ready").name == "ready"
    assert open_lm(f"{module}:factory").name == "made"
    assert open_lm(f"{module}:named", "theirs").name == "theirs"
    assert isinstance(open_lm(f"{module}:ready"), Scripted)


def test_a_name_that_would_not_be_heeded_is_refused(module: str, tmp_path: Path) -> None:
    for spec in (f"{module}:ready", str(tmp_path), "hub:some-org/some-model"):
        with pytest.raises(InputError, match="needs no name"):
            open_lm(spec, "theirs")


@pytest.mark.parametrize(
    "spec", ["nowhere", "their_models:number", "their_models:wrong", "their_models:named", "their_models:absent", "a:b"]
)
def test_what_is_no_language_model(module: str, spec: str) -> None:
    with pytest.raises(InputError):
        open_lm(spec)


def test_a_class_is_called_not_taken_for_an_object(module: str) -> None:
    with pytest.raises(InputError, match="cannot be called"):
        open_lm("sightline.lm.scripted:Scripted")


def test_replies_flow(module: str) -> None:
    request = Request(messages=(Message.of("user", "hello"),))
    assert next(open_lm(f"{module}:ready").replies([request])).text == "ready"
