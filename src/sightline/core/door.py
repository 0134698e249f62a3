"""Lazy doors: a package's `__init__` names what it offers without importing it (PEP 562), and a missing
optional package is answered with the pip line that brings it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from sightline.core.errors import InputError, MissingExtra

EXTRAS = {
    "accelerate": "train", "av": "video", "datasets": "hub", "diffusers": "generate", "fsspec": "remote",
    "onnxruntime": "ocr", "openpyxl": "sheets", "peft": "train", "rapidocr": "ocr", "ray": "ray",
    "safetensors": "local", "scipy": "evaluate", "skimage": "generate", "sklearn": "generate", "torch": "local",
    "transformers": "local", "yaml": "video",
}  # fmt: skip
"""Packages that the base install does not have -> the extra that brings them."""


def lazy_door(package: str, table: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`(__getattr__, __dir__)` for a package whose public names stand in `table` as `"pkg.module:name"`.

    >>> __getattr__, __dir__ = lazy_door(__name__, {"Box": "sightline.core.media:Box"})
    """

    def getattr_(name: str) -> Any:
        if name not in table:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load(table[name])

    return getattr_, lambda: sorted(table)


def load(target: str) -> Any:
    """The object that `"pkg.module:name"` names; the form outsiders use on the command line too.

    Raises InputError where the text has another form, the module cannot be found or the name is not in it, and
    MissingExtra where the module needs a package that an extra brings.
    """
    module, colon, name = target.partition(":")
    if not (colon and name and all(part.isidentifier() for part in module.split("."))):
        raise InputError("not of the form package.module:name", subject=target)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        needed = (error.name or "").partition(".")[0]
        if needed in EXTRAS:
            raise _missing(needed, EXTRAS[needed]) from error
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise InputError(f"module {module} imports {error.name}, which is not installed", subject=target) from error
        raise InputError("no such module", subject=module, remedy="is its folder on PYTHONPATH?") from error
    if not hasattr(found, name):
        raise InputError(f"module {module} has no name {name!r}", subject=target)
    return getattr(found, name)


def require(module: str, extra: str) -> ModuleType:
    """Import an optional `module`, or say which extra brings it. Raises MissingExtra."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _missing((error.name or module).partition(".")[0], extra) from error


def _missing(package: str, extra: str) -> MissingExtra:
    return MissingExtra(
        f"this needs the package {package!r}", remedy=f"in sightline's clone: pip install -e '.[{extra}]'"
    )
