"""The one power that a core computes: as exact as it says, and never out of order."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evenflow.common.domain.plugins.policy import PARTS
from evenflow.policy_engine.core.ordering.fixed_point import two_to_minus

EXPONENTS = st.integers(0, 40 * PARTS)


@given(EXPONENTS)
@example(1)
@example(PARTS - 1)
def test_it_is_the_power_to_a_hundred_millionth(exponent):
    assert abs(two_to_minus(exponent) / PARTS - math.exp2(-exponent / PARTS)) < 1e-8


@given(EXPONENTS, st.integers(0, PARTS))
@example(PARTS - 1, 1)
@example(PARTS // 2 - 1, 1)
def test_it_never_grows(exponent, more):
    assert two_to_minus(exponent + more) <= two_to_minus(exponent)


@pytest.mark.parametrize("whole", range(40))
def test_it_halves_at_whole_numbers(whole):
    assert two_to_minus(whole * PARTS) == PARTS >> whole


@given(EXPONENTS)
def test_one_more_is_half_as_much(exponent):
    assert two_to_minus(exponent + PARTS) == two_to_minus(exponent) // 2


def test_known_values_are_the_same_everywhere():
    assert [two_to_minus(x) for x in (PARTS // 2, PARTS // 3, 777_777_777, 29_500_000_000)] == [
        707_106_781,
        793_700_526,
        583_264_520,
        1,
    ]
