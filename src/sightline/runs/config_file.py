"""A person's CONFIG.py: a Python file that is run for what one of its functions gives."""

from __future__ import annotations

import importlib.util
import traceback
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sightline.core.errors import InputError

MISTAKES = (
    SyntaxError,
    ImportError,
    NameError,
    AttributeError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    OSError,
)


def called(path: Path, name: str, *given: Any) -> Any:
    """What the function `name` of this file returns for `given`. Raises InputError that names the line of a mistake."""
    spec = importlib.util.spec_from_file_location("sightline_user_config", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError("no such configuration file", subject=path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        make = getattr(module, name, None)
        if make is not None:
            return make(*given)
    except ValidationError as error:
        raise InputError(first_mistake(error), subject=path) from error
    except MISTAKES as error:
        line = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error}"
        raise InputError(f"the file cannot be run ({what})", subject=f"{line.filename}:{line.lineno}") from error
    raise InputError(f"the file defines no {name}({'...' if given else ''})", subject=path)


def first_mistake(error: ValidationError) -> str:
    """The first thing wrong, in words."""
    one = error.errors()[0]
    place = ".".join(str(step) for step in one["loc"])
    return f"{place}: {one['msg']}" if place else str(one["msg"]).removeprefix("Value error, ")
