"""Windows: what counts at an instant, after any history."""

from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenflow.common.domain.clock import HOUR, SECOND
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.testing.builders import T0
from evenflow.usage_aggregator.adapters.cron import CronCalendar
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.window import Period, Recurring, Sliding, Tumbling, Window
from tests.usage.histories import QUEUES, STEPS, History


def tumbling(size: int, anchor: int = T0 - 10**6 * SECOND) -> Recurring:
    return Recurring(Tumbling(size * SECOND, anchor), (("type", "tumbling"),))


def cron(expression: str, zone: str = "UTC") -> Recurring:
    return Recurring(CronCalendar(expression, zone), (("type", "cron"),))


WINDOWS = [
    pytest.param(Sliding.of(300 * SECOND, SECOND), id="sliding, many slots"),
    pytest.param(Sliding.of(300 * SECOND, 60 * SECOND), id="sliding, slots of a poll"),
    pytest.param(Sliding.of(60 * SECOND, 60 * SECOND), id="sliding, one slot"),
    pytest.param(tumbling(300), id="tumbling"),
    pytest.param(tumbling(17), id="tumbling, shorter than samples"),
    pytest.param(cron("*/5 * * * *", "Europe/Berlin"), id="cron"),
]


@pytest.mark.parametrize("window", WINDOWS)
@given(steps=STEPS, half_life=st.sampled_from([0, 1, 30, 86400]))
@settings(max_examples=150, deadline=None)
def test_the_vector_is_the_closed_form_after_any_history(window: Window, steps, half_life):
    history = History(half_life * SECOND, window)
    for step in [*steps, ("poll", 1)]:
        if history.play(step):
            for queue in QUEUES:
                expected = history.closed_form(queue)
                assert history.summed(queue) == pytest.approx(expected, rel=1e-9, abs=1e-200)


@given(st.lists(st.integers(1, 400), min_size=30, max_size=60))
def test_a_window_that_moves_for_long_keeps_no_more_than_it_shows(gaps):
    history = History(0, Sliding.of(300 * SECOND, SECOND))
    for number, gap in enumerate(gaps):
        history.play(("sample", 0, 10, 1.5, f"q{number}"))
        history.play(("poll", gap))
    assert len(history.ledger.slots) <= 302
    kept = [name for name in history.store.pieces if name != "series"]
    assert len(kept) == 2 * len(history.ledger.slots)
    alive = [key for key in history.ledger.series.keys if key is not None]
    assert len(alive) <= len(history.ledger.slots) + 1  # of capacity


def a_sample(begin: int, end: int, amount: float, number: int = 0) -> UsageSample:
    entry = UsageEntry("job", "a", "a", "ann", {"gpu": amount})
    return UsageSample(f"{number}.{end}", T0 + begin, T0 + end, (entry,), {})


def gpu(ledger: Ledger, at: int) -> float:
    ledger.forget_unused(T0 + at)
    table = ledger.groups.tables(ledger.sums_at(T0 + at))["queues"]
    return float(table.columns["gpu"].sum()) if table.names else 0.0


def test_a_sample_exactly_as_old_as_the_window_still_counts():
    ledger = Ledger(0, Sliding.of(HOUR, SECOND))
    ledger.fold(a_sample(0, SECOND, 5.0), latest=T0 * 2)
    assert gpu(ledger, SECOND + HOUR) == 5
    assert gpu(ledger, SECOND + HOUR + 1) == 0


def test_a_finished_window_stands_at_its_end_and_the_reset_shows_right_after():
    ledger = Ledger(0, tumbling(3600, anchor=T0))
    ledger.fold(a_sample(0, HOUR // 2, 5.0), latest=T0 * 2)
    ledger.fold(a_sample(HOUR - SECOND, HOUR + 3 * SECOND, 8.0), latest=T0 * 2)
    assert gpu(ledger, HOUR) == 5 + 2
    assert gpu(ledger, HOUR + 1) == 6
    assert gpu(ledger, 9 * HOUR) == 0  # several resets during a gap are one


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**10), st.integers(0, 10**13))
def test_tumbling_periods_are_found_by_division(anchor, size, at):
    period = Tumbling(size, anchor).period(at)
    if at <= anchor:
        assert period is None
    else:
        assert period is not None
        assert period.opened_at < at <= period.closes_at
        assert (period.opened_at - anchor) % size == 0
        assert period.closes_at - period.opened_at == size


def test_before_an_anchor_in_the_future_nothing_counts():
    ledger = Ledger(0, tumbling(3600, anchor=T0 + HOUR))
    ledger.fold(a_sample(0, SECOND, 5.0), latest=T0 * 2)
    assert gpu(ledger, HOUR) == 0
    ledger.fold(a_sample(HOUR - SECOND, HOUR + SECOND, 6.0), latest=T0 * 2)
    assert gpu(ledger, HOUR + SECOND) == 3


BERLIN = ZoneInfo("Europe/Berlin")


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


@pytest.mark.parametrize(
    ("expression", "day", "expected"),
    [
        pytest.param(
            "30 2 * * *", (2026, 3, 29), datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
            id="an hour that is skipped in spring: at its end",
        ),
        pytest.param(
            "30 2 * * *", (2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            id="an hour that comes twice in autumn: the first time",
        ),
        pytest.param(
            "30 2 * * *", (2026, 7, 1), datetime(2026, 7, 1, 0, 30, tzinfo=UTC), id="in summer"
        ),
    ],
)  # fmt: skip
def test_a_reset_keeps_to_the_time_of_its_zone(expression, day, expected):
    period = CronCalendar(expression, "Europe/Berlin").period(
        us(datetime.combine(date(*day), time(12), tzinfo=BERLIN))
    )
    assert period is not None
    assert period.opened_at == us(expected)


@given(
    st.sampled_from(["30 2 * * *", "0 * * * *", "*/20 * * * *", "0 0 * * MON", "0 3 1 * *"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.integers(us(datetime(2026, 1, 1, tzinfo=UTC)), us(datetime(2027, 1, 1, tzinfo=UTC))),
)
def test_periods_of_a_cron_expression_meet_without_gap_or_overlap(expression, zone, at):
    calendar = CronCalendar(expression, zone)
    found: list[Period] = []
    for _ in range(4):
        period = calendar.period(at)
        assert period is not None
        assert period.opened_at < at <= period.closes_at
        found.append(period)
        at = period.closes_at + 1
    assert all(one.closes_at == after.opened_at for one, after in pairwise(found))


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "0 0 31 2 *", "* * * * * *"])
def test_what_is_no_cron_expression_is_named(expression):
    with pytest.raises(InvalidValue) as refused:
        CronCalendar(expression).check()
    assert (refused.value.field, refused.value.value) == ("usage.window_cron", expression)
