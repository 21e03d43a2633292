"""Durations are read exactly, and refused with the rule they broke."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.durations import format_duration, parse_duration_us
from evenflow.common.domain.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "expected_us"),
    [
        pytest.param("0", 0, id="nothing"),
        pytest.param("90", 90_000_000, id="a bare number is seconds"),
        pytest.param("0.5", 500_000, id="fractions of seconds"),
        pytest.param("500ms", 500_000, id="milliseconds"),
        pytest.param("1h30m", 5_400_000_000, id="a sum"),
        pytest.param(" 1h 30m ", 5_400_000_000, id="blanks do not matter"),
        pytest.param("2w", 1_209_600_000_000, id="weeks"),
        pytest.param("1.5d", 129_600_000_000, id="fractions of any unit"),
    ],
)
def test_a_duration_is_read_exactly(text: str, expected_us: int) -> None:
    assert parse_duration_us(text, "x") == expected_us


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("-5s", "negative", id="negative"),
        pytest.param("", "must be a duration", id="empty"),
        pytest.param("5 fortnights", "must be a duration", id="unknown unit"),
        pytest.param("1e3", "must be a duration", id="no exponents"),
        pytest.param("0.0001ms", "finer than a microsecond", id="too fine"),
        pytest.param("101000w", "century", id="too long"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidValue, match=rule) as refused:
        parse_duration_us(text, "usage.half_life")
    assert refused.value.field == "usage.half_life"


@given(st.integers(0, 10**15))
def test_what_is_written_reads_back_the_same(duration_us: int) -> None:
    assert parse_duration_us(format_duration(duration_us), "x") == duration_us
