"""Categories: always a leaf or `unmatched`."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import InputError
from sightline.recipes.video_annotation.revision import proposed_revision
from sightline.recipes.video_annotation.taxonomy import (
    UNMATCHED,
    default_taxonomy,
    parse_taxonomy,
    read_taxonomy,
)

TAXONOMY = default_taxonomy()


def test_the_published_shape() -> None:
    leaves = TAXONOMY.leaves
    assert (len(TAXONOMY.roots), len(leaves)) == (9, 126)
    assert Counter(len(leaf.path) for leaf in leaves) == {3: 122, 2: 4}
    names = Counter(leaf.path[-1] for leaf in leaves)
    assert {name for name, count in names.items() if count > 1} == {"Short Films", "Game Reviews", "Travel Vlogs"}
    by_root = Counter(leaf.path[0] for leaf in leaves)
    assert by_root == {
        "Entertainment": 20, "Education": 17, "Lifestyle": 18, "News & Politics": 11, "Sports": 8,
        "Art & Creativity": 12, "Science & Technology": 13, "Automotive": 6, "Hobbies & Interests": 21,
    }  # fmt: skip
    assert all(leaf.description for leaf in leaves)


def test_every_leaf_is_found_by_its_path() -> None:
    for leaf in TAXONOMY.leaves:
        assert TAXONOMY.leaf_of(leaf.text) == leaf.text
        assert TAXONOMY.leaf_of(f'"{leaf.text.upper()}".') == leaf.text


@pytest.mark.parametrize(
    ("said", "leaf"),
    [
        ("Astronomy", "Science & Technology > Space Exploration > Astronomy"),
        ("12. Astronomy\nbecause of the telescope", "Science & Technology > Space Exploration > Astronomy"),
        ("Category: Entertainment > Short Films", "Entertainment > Movies & Trailers > Short Films"),
        ("Short Films", UNMATCHED),
        ("Art & Creativity / Photography & Film / Short Films", "Art & Creativity > Photography & Film > Short Films"),
        ("Entertainment", UNMATCHED),
        ("Sports > Astronomy", UNMATCHED),
        ("It might be astronomy", UNMATCHED),
        ("", UNMATCHED),
    ],
)
def test_answers(said: str, leaf: str) -> None:
    assert TAXONOMY.leaf_of(said) == leaf


@given(st.text(max_size=60))
def test_any_answer_is_a_leaf_or_unmatched(said: str) -> None:
    assert TAXONOMY.leaf_of(said) in {leaf.text for leaf in TAXONOMY.leaves} | {UNMATCHED}


@pytest.mark.parametrize(
    "text",
    ["", "- a\n- b", "a: [1, 2]", "a: 3", "1: x", "a: {b: c", "a > b: x", "A: x\na : y", "!!python/object:os.x {}"],
)
def test_broken_taxonomies_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_taxonomy(text)


def test_own_taxonomy(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("동물:\n  고양이: 집에서\n  개:\n")
    assert read_taxonomy(path).leaf_of("동물 > 개") == "동물 > 개"
    with pytest.raises(InputError):
        read_taxonomy(tmp_path / "none.yaml")


def test_revision_is_proposed_not_applied() -> None:
    """Two videos are "Drones", one names two leaves at once, one goes on below a leaf, one fits."""
    said = [("a", ["Drones"]), ("b", ["Drones", "Hiking"]), ("c", ["Short Films"]), ("d", ["Sports > Surfing"]),
            ("e", [TAXONOMY.leaves[0].text] * 2), ("f", ["unmatched"])]  # fmt: skip
    told = yaml.safe_load(proposed_revision(said, TAXONOMY))
    assert told["unmatched"]["Drones"] == {"videos": 2, "examples": ["a", "b"], "because": "no leaf bears this name"}
    assert "several leaves" in told["unmatched"]["Short Films"]["because"]
    assert told["proposed"] == {"Drones": "", "Sports": {"Surfing": ""}}
    assert "Hiking" not in str(told["unmatched"])
    assert parse_taxonomy(yaml.safe_dump(told["proposed"])).leaf_of("Surfing") == "Sports > Surfing"


def test_confused_leaves_are_told() -> None:
    one, two = TAXONOMY.leaves[0].text, TAXONOMY.leaves[1].text
    said = [("a", [one, two]), ("b", [two, one]), ("c", [one, one])]
    (pair,) = yaml.safe_load(proposed_revision(said, TAXONOMY))["confused"]
    assert pair == {"leaves": sorted([one, two]), "videos": 2, "examples": ["a", "b"]}
    assert proposed_revision(said[2:], TAXONOMY) == ""
    assert proposed_revision(said, TAXONOMY, least=3) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A:\n  x: one\nB:\nA:\n  y: two\n", "'A' stands twice"),
        ("A:\n  x: one\n  x: two\n", "'x' stands twice"),
        ("A: &a\n  x: *a\n", "written out"),
        ("{a: " * 3000, "no YAML"),
    ],
)
def test_no_leaf_is_lost_by_a_name_that_stands_twice(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        parse_taxonomy(text)
