"""The scripted server stands one folder up, so that other folders' tests can use it too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripted_endpoint import Script, ScriptedEndpoint, echo


@pytest.fixture
def scripted_endpoint() -> Iterator[Callable[..., ScriptedEndpoint]]:
    """Starts servers: `server = scripted_endpoint(script)`; they stop after the test."""
    with ExitStack() as stack:

        def start(script: Script = echo) -> ScriptedEndpoint:
            return stack.enter_context(ScriptedEndpoint(script))

        yield start
