"""What a person should look at in a taxonomy after a run: answers that fit no leaf, and leaves taken for each other.

    unmatched:
      Drones: {videos: 3, examples: [a.mp4, b.mp4, c.mp4], because: no leaf bears this name}
    confused:
    - {leaves: [Lifestyle > Travel Vlogs, Hobbies & Interests > Travel], videos: 2, examples: [d.mp4]}
    proposed:
      Drones: ""

Nothing is changed by it: who agrees copies from `proposed` into a taxonomy file and builds again with `--taxonomy`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from sightline.pipeline import RunResult
from sightline.recipes.dataset_files import write_whole
from sightline.recipes.video_annotation.items import WatchedVideo
from sightline.recipes.video_annotation.taxonomy import APART, SEPARATOR, UNMATCHED, Taxonomy

EXAMPLES = 3
LONGEST = 80
"""Characters of an answer that may become a category's name."""


def write_revision(result: RunResult, out: Path, taxonomy: Taxonomy) -> None:
    """Write DIR/taxonomy_revision.yaml from what the classifier of a run said; no file where nobody was asked or there
    is nothing to look at."""
    path = out / "taxonomy_revision.yaml"
    said: list[tuple[str, Sequence[str]]] = []
    if any(step.name == "classify" for step in result.plan):
        items = (item for item in result.items("classify") if isinstance(item, WatchedVideo))
        said = [(item.source.name, item.category_said) for item in items]
    text = proposed_revision(said, taxonomy)
    if text:
        write_whole(path, text)
    else:
        path.unlink(missing_ok=True)


def proposed_revision(said: Iterable[tuple[str, Sequence[str]]], taxonomy: Taxonomy, *, least: int = 1) -> str:
    """YAML for a person, from (video, answers to the same question); "" where all is well. An answer or a pair of
    leaves that fewer than `least` videos have is left out."""
    missing: dict[str, list[str]] = defaultdict(list)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for video, answers in said:
        leaves = [taxonomy.leaf_of(answer) for answer in answers]
        for answer, leaf in zip(answers, leaves, strict=True):
            if leaf == UNMATCHED and video not in missing[_short(answer)]:
                missing[_short(answer)].append(video)
        known = sorted({leaf for leaf in leaves if leaf != UNMATCHED})
        if len(known) == 2:
            pairs[known[0], known[1]].append(video)
    counts = Counter(leaf.path[-1] for leaf in taxonomy.leaves)
    unmatched = {
        answer: {"videos": len(videos), "examples": videos[:EXAMPLES], "because": _because(answer, counts)}
        for answer, videos in _often(missing, least)
    }
    confused = [
        {"leaves": list(pair), "videos": len(videos), "examples": videos[:EXAMPLES]}
        for pair, videos in _often(pairs, least)
    ]
    if not unmatched and not confused:
        return ""
    proposed = _tree([answer for answer, found in unmatched.items() if found["because"] == NEW], taxonomy)
    whole = {"unmatched": unmatched, "confused": confused, "proposed": proposed}
    text: str = yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=110)
    return HEAD + text


NEW = "no leaf bears this name"
HEAD = """# For a person to decide.
# unmatched: answers that name no leaf. proposed: new leaves from these, to be copied into a taxonomy file.
# confused: leaves that one video was given when asked twice; do their descriptions say what the difference is?
"""


def _because(answer: str, counts: Counter[str]) -> str:
    if answer.casefold() in ("(nothing)", UNMATCHED):
        return "the model itself found none that fits"
    return "several leaves bear this name" if counts[answer] > 1 else NEW


def _short(answer: str) -> str:
    return " ".join(answer.split())[:LONGEST] or "(nothing)"


def _often(found: dict[Any, list[str]], least: int) -> list[tuple[Any, list[str]]]:
    rows = [(what, videos) for what, videos in found.items() if len(videos) >= least]
    return sorted(rows, key=lambda row: (-len(row[1]), row[0]))


def _tree(answers: Sequence[str], taxonomy: Taxonomy) -> dict[str, Any]:
    """The answers as nested names, in the form of a taxonomy; one that goes on below a leaf is left to the person."""
    leaves = {leaf.text for leaf in taxonomy.leaves}
    tree: dict[str, Any] = {}
    for answer in answers:
        path = [part.strip() for part in APART.split(answer) if part.strip()]
        if any(SEPARATOR.join(path[:n]) in leaves for n in range(1, len(path))):
            continue
        here = tree
        for name in path[:-1]:
            below = here.setdefault(name, {})
            here = below if isinstance(below, dict) else {}
        here.setdefault(path[-1], "")
    return tree
