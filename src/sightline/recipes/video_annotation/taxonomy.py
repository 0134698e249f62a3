"""A tree of categories, and which leaf of it a language model's answer names: always a leaf, or `unmatched`."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from sightline.core.errors import InputError

UNMATCHED = "unmatched"
SEPARATOR = " > "
APART = re.compile(r"\s*(?:>|/|→|»|::)\s*")
_LABEL = re.compile(r"^\W*(?:(?:the\s+)?(?:category|label|path|answer|leaf)(?:\s+is)?\s*[:=-]?\s*)", re.IGNORECASE)


@dataclass(frozen=True)
class Leaf:
    """One category a video can have."""

    path: tuple[str, ...]
    """Root first."""
    description: str

    @property
    def text(self) -> str:
        """ "Automotive > Car Reviews"."""
        return SEPARATOR.join(self.path)


@dataclass(frozen=True)
class Taxonomy:
    """Leaves in the order of the file. Names may repeat, paths never do."""

    leaves: tuple[Leaf, ...]

    @property
    def roots(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(leaf.path[0] for leaf in self.leaves))

    def leaf_of(self, said: str) -> str:
        """Path text of the leaf that `said` names, by its path or, where only one leaf bears it, by its name; else
        `unmatched`. Case, quotes, numbering and blanks do not matter; a whole sentence is not searched for a name.

        >>> default_taxonomy().leaf_of("category: automotive / car reviews.")
        'Automotive > Car Reviews'
        >>> default_taxonomy().leaf_of("Short Films")
        'unmatched'
        """
        line = next((line for line in said.strip().splitlines() if line.strip()), "")
        parts = tuple(_folded(part) for part in APART.split(_LABEL.sub("", line)) if _folded(part))
        if not parts:
            return UNMATCHED
        found = [leaf for leaf in self.leaves if _ends_with(leaf, parts)]
        exact = [leaf for leaf in found if len(leaf.path) == len(parts)]
        only = exact if len(exact) == 1 else found
        return only[0].text if len(only) == 1 else UNMATCHED


def _ends_with(leaf: Leaf, parts: tuple[str, ...]) -> bool:
    """The leaf's own name last, the names before it in order along its path ("Entertainment > Short Films")."""
    path = [_folded(name) for name in leaf.path]
    if path[-1] != parts[-1]:
        return False
    rest = iter(path[:-1])
    return all(part in rest for part in parts[:-1])


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return re.sub(r"^\W*\d+[.)]\s+|^[^\w\[]+|[^\w\])]+$", "", plain).strip()


def default_taxonomy() -> Taxonomy:
    """The one that comes with sightline: 9 roots, 126 leaves."""
    return parse_taxonomy((files("sightline.recipes.video_annotation") / "taxonomy.yaml").read_text(encoding="utf-8"))


def read_taxonomy(path: str | Path | None) -> Taxonomy:
    """From a YAML file of nested names; the default one for None. Raises InputError."""
    if path is None:
        return default_taxonomy()
    try:
        return parse_taxonomy(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the taxonomy cannot be read", subject=path, remedy=str(error)) from error


def parse_taxonomy(text: str) -> Taxonomy:
    """Nested mappings whose ends are descriptions (or nothing). Raises InputError naming the place that is wrong."""
    try:
        tree = yaml.load(text, _Once)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError("the taxonomy is no YAML", subject=str(error).replace("\n", " ")[:200]) from error
    if not isinstance(tree, Mapping) or not tree:
        raise InputError("a taxonomy is a mapping of names", remedy="see taxonomy.yaml of the recipe for the form")
    leaves = tuple(_leaves(tree, ()))
    twice = [path for path, count in Counter(_key(leaf) for leaf in leaves).items() if count > 1]
    if twice:
        raise InputError("two leaves of one path", subject=SEPARATOR.join(twice[0]))
    return Taxonomy(leaves)


class _Once(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a name that stands twice at one place, of which YAML would keep the last, and repetition by reference."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands twice", node.start_mark)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "names are written out", self.peek_event().start_mark)
        return super().compose_node(parent, index)


def _key(leaf: Leaf) -> tuple[str, ...]:
    return tuple(_folded(name) for name in leaf.path)


def _leaves(tree: Mapping[Any, Any], above: tuple[str, ...]) -> Iterator[Leaf]:
    for name, below in tree.items():
        path = (*above, name)
        if not isinstance(name, str) or not _folded(name) or APART.search(name.strip()):
            raise InputError(
                "a category's name must be text without > and /",
                subject=SEPARATOR.join(map(str, path)),
                remedy="quote it",
            )
        if isinstance(below, Mapping) and below:
            yield from _leaves(below, path)
        elif below is None or isinstance(below, str) or below == {}:
            yield Leaf(path, below or "")
        else:
            raise InputError("below a category stand categories or a description", subject=SEPARATOR.join(path))
