"""The tiny random parts of tests/vlm."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

_PLACE = Path(__file__).parents[1] / "vlm" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("tiny_parts", _PLACE)
_PARTS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_PARTS)


@pytest.fixture(scope="session")
def tiny():
    return _PARTS.Tiny
