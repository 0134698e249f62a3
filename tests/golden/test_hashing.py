"""pHash against imagehash, MinHash against exact Jaccard similarity and against datasketch."""

from __future__ import annotations

import random

import datasketch
import imagehash
import numpy as np
import pytest
from PIL import Image

from sightline.verify.minhash import signature, similarity
from sightline.verify.picture_hashing import phash


def pictures() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    noise = [draw.integers(0, 256, (128 + n, 140), np.uint8) for n in range(20)]
    blocks = [np.kron(draw.integers(0, 256, (8, 9)), np.ones((16, 16))).astype(np.uint8) for _ in range(20)]
    plain = [np.full((130, 150), grey, np.uint8) for grey in (0, 3, 128, 255)]
    ramps = [np.tile(np.linspace(0, 255, 160).astype(np.uint8), (150, 1)), np.eye(140, dtype=np.uint8) * 255]
    return noise + blocks + plain + ramps


def test_phash_equals_imagehash() -> None:
    found = [phash(Image.fromarray(one)) for one in pictures()]
    assert found == [str(imagehash.phash(Image.fromarray(one))) for one in pictures()]


@pytest.mark.parametrize("shared", [0, 100, 250, 400, 500])
def test_minhash_estimates_jaccard_similarity_as_datasketch_does(shared: int) -> None:
    draw = random.Random(shared)
    errors, peers = [], []
    for _ in range(30):
        words = [f"{draw.getrandbits(48):x}".encode() for _ in range(1000 - shared)]
        first, second = set(words[:500]), set(words[500 - shared : 1000 - shared])
        exact = len(first & second) / len(first | second)
        errors.append(similarity(signature(first), signature(second)) - exact)
        one, other = datasketch.MinHash(128), datasketch.MinHash(128)
        one.update_batch(first)
        other.update_batch(second)
        peers.append(one.jaccard(other) - exact)
    spread = np.sqrt(exact * (1 - exact) / 128)
    assert abs(np.mean(errors)) <= 4 * spread / np.sqrt(30)
    assert np.std(errors) <= 1.5 * spread
    assert np.std(errors) <= 1.7 * np.std(peers) + 1e-9


def test_numbered_strings_hash_as_well_as_random_ones() -> None:
    """CRC-32 is linear: strings that differ in one digit must still be spread."""
    first = {f"row {n} value {n % 7}".encode() for n in range(600)}
    second = {f"row {n} value {n % 7}".encode() for n in range(300, 900)}
    assert similarity(signature(first), signature(second)) == pytest.approx(1 / 3, abs=0.17)


def test_the_empty_set_is_like_itself() -> None:
    assert similarity(signature([]), signature([])) == 1.0
    assert similarity(signature([]), signature([b"a"])) == 0.0
