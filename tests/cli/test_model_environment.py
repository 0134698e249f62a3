from __future__ import annotations

import pytest

from sightline.cli.models import endpoint_from_environment
from sightline.core.errors import InputError


def test_the_environment_says_how_long_to_wait_for_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LM_TIMEOUT", "2.5")
    monkeypatch.setenv("SIGHTLINE_LM_RETRIES", "0")
    config = endpoint_from_environment()
    assert (config.timeout_s, config.retries, config.concurrency) == (2.5, 0, 32)


def test_a_value_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LM_TIMEOUT", "soon")
    with pytest.raises(InputError, match="SIGHTLINE_LM_TIMEOUT"):
        endpoint_from_environment()
