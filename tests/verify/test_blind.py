from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.core.errors import InputError
from sightline.verify.blind import (
    flagged_by,
    flagged_by_chance,
    is_weak,
    passes_by_luck,
    rotated,
    rotations,
    share_right,
)


@given(st.integers(2, 10), st.integers(2, 12))
def test_the_key_stands_in_a_new_place_each_time(options: int, k: int) -> None:
    orders = rotations(options, k)
    assert len(orders) == min(k, options)
    for key in range(options):
        assert len({order.index(key) for order in orders}) == len(orders)
    assert all(sorted(order) == list(range(options)) for order in orders)


@given(st.integers(2, 10), st.integers(2, 12), st.data())
def test_a_constant_letter_is_never_weak_and_an_oracle_always(options: int, k: int, data: st.DataObject) -> None:
    orders = rotations(options, k)
    key, letter = data.draw(st.integers(0, options - 1)), data.draw(st.integers(0, options - 1))
    assert is_weak([order[letter] == key for order in orders]) is False
    assert is_weak([True for _ in orders]) is True


def test_two_of_five_are_not_weak_and_three_are() -> None:
    for right in range(6):
        assert is_weak([i < right for i in range(5)]) is (right >= 3)
    assert is_weak([True, True, None, None, False]) is True
    assert is_weak([True, False, None]) is False
    assert is_weak([None] * 5) is None
    assert share_right([None]) is None


@pytest.mark.parametrize(("options", "votes"), [(2, 2), (3, 3), (4, 4), (5, 5), (5, 4), (5, 1)])
def test_chance_is_what_counting_all_outcomes_gives(options: int, votes: int) -> None:
    outcomes = list(product(range(options), repeat=votes))
    weak = sum(is_weak([chosen == 0 for chosen in outcome]) is True for outcome in outcomes)
    assert flagged_by_chance(options, votes) == Fraction(weak, len(outcomes))


def test_published_chance_rates() -> None:
    assert flagged_by_chance(5, 5) == Fraction(181, 3125)
    assert f"{float(flagged_by_chance(5, 5)):.1%}" == "5.8%"
    assert [round(100 * float(flagged_by(Fraction(n, 10), 5))) for n in (4, 5, 6)] == [32, 50, 68]


def test_luck_agrees_with_simulation() -> None:
    draw = random.Random(0)
    runs = [any(not is_weak([draw.random() < 0.6 for _ in range(5)]) for _ in range(5)) for _ in range(4000)]
    assert abs(sum(runs) / len(runs) - float(passes_by_luck(Fraction(3, 5), 5, 5))) < 0.02


def test_one_option_or_one_order_is_refused() -> None:
    for options, k in ((1, 5), (5, 1)):
        with pytest.raises(InputError):
            rotations(options, k)
    assert rotated("abc", (1, 2, 0)) == ("b", "c", "a")
