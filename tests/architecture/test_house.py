"""House rules that can be a test are one: weight of imports, line budgets, names, broad excepts, doors."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sightline"
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = {"torch", "ray", "transformers", "PIL", "pyarrow", "numpy", "pydantic", "openai", "matplotlib", "rich"}
FILE_LINES, FUNCTION_LINES, LOOP_LINES, PARAMETERS = 400, 50, 90, 7
LOOPS = {"forward", "run", "train", "command"}
"""Functions that may be as long as a loop: a forward pass, an executor's loop, a click command with its flags."""


def loaded(code: str) -> set[str]:
    """Names in sys.modules after `code`, in a fresh interpreter."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_import_is_light() -> None:
    modules = loaded("import sightline")
    assert len(modules) <= 100
    assert not HEAVY & modules


def test_help_loads_nothing_heavy() -> None:
    modules = loaded(
        "import contextlib, io, sys\nsys.argv = ['sightline', '--help']\nfrom sightline.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    main()"
    )
    assert not HEAVY & modules


def test_help_is_quick_in_modules() -> None:
    help_modules = loaded("import sightline.cli.main")
    assert len(help_modules) <= 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_file_budget(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= FILE_LINES, f"{lines} lines: one idea each"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_function_budget(path: Path) -> None:
    for function in functions(path):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= (LOOP_LINES if function.name in LOOPS else FUNCTION_LINES), f"{function.name}: {length} lines"
        if function.name in ("command", "forward"):
            continue  # one parameter per flag of a command, and those that transformers passes to a forward
        named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        count = len([a for a in named if a.arg not in ("self", "cls")])
        assert count <= PARAMETERS, f"{function.name}: {count} parameters"


def test_names_say_something() -> None:
    empty = {"utils", "common", "helpers", "base", "misc", "manager"}
    assert [path for path in FILES if path.stem in empty] == []
    named = [
        f"{path.name}:{node.name}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ClassDef) and re.search(r"(Manager|Handler|Processor|Wrapper|Base|Utils)$", node.name))
        or (isinstance(node, ast.FunctionDef) and node.name.startswith("get_") and node.name not in GIVEN)
    ]
    assert named == []


GIVEN = {"get_command", "get_input_embeddings", "get_output_embeddings", "get_image_features"}
"""Names that a framework's own interface prescribes."""


def test_one_broad_except() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)  # undoes, and lets it pass on
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    ]
    assert len(found) <= 1, found
    assert all(entry.startswith("pipeline/") for entry in found)


def test_no_absolute_path_in_the_source() -> None:
    pattern = re.compile(r"""["'](/(home|root|work|Users|mnt|data)/)""")
    assert [path for path in FILES if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_weights_are_never_pickled_and_remote_code_never_trusted() -> None:
    text = {path: path.read_text(encoding="utf-8") for path in FILES}
    assert [p for p, t in text.items() if re.search(r"\btorch\.load\(", t)] == []
    assert [p for p, t in text.items() if re.search(r"trust_remote_code\s*=\s*True", t)] == []


def test_every_verb_stands_where_the_table_says() -> None:
    from sightline.cli import verbs

    tables = [value for name, value in vars(verbs).items() if name.isupper()]
    targets = [entry[0] for table in tables for entry in table.values()]
    assert targets
    for target in targets:
        module, _, name = target.partition(":")
        assert importlib.util.find_spec(module) is not None, target
        assert name == "command"


def test_doors_offer_what_they_name() -> None:
    import importlib

    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.name != "__init__.py" or "lazy_door" not in path.read_text(encoding="utf-8"):
            continue
        assert tree.body, path
        package = importlib.import_module(".".join(("sightline", *path.parent.relative_to(SOURCE).parts)))
        assert set(package.__all__) == set(package.__dir__()), path


def test_a_door_never_offers_a_name_that_is_also_a_module_of_its_package() -> None:
    """Python would give the module once it is imported, and the function before: two things under one name."""
    import importlib

    for path in FILES:
        if path.name == "__init__.py" and "lazy_door" in path.read_text(encoding="utf-8"):
            package = importlib.import_module(".".join(("sightline", *path.parent.relative_to(SOURCE).parts)))
            assert not {file.stem for file in path.parent.glob("*.py")} & set(package.__all__), path
