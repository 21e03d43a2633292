"""Instants as REST shows them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.gateway.values.instants import iso

YEAR_10000 = 253_402_300_800 * SECOND


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_shown_to_the_microsecond_and_read_back(moment: datetime) -> None:
    at = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    shown = iso(at)
    assert shown.endswith("Z")
    assert datetime.fromisoformat(shown) == moment


@pytest.mark.parametrize("at", [YEAR_10000 + 7, 10**30 + 7, -(10**30) + 7])
def test_what_no_calendar_has_is_cut_there(at: int) -> None:
    assert iso(at) == "9999-12-31T23:59:59.000007Z"
