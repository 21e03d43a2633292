"""Decay and sums: always the closed form, however the samples come."""

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.testing.builders import T0
from evenflow.usage_aggregator.core.decay import Decay
from evenflow.usage_aggregator.core.ledger import REMEMBERED, Ledger, Verdict

FAR = T0 * 2


def a_sample(number: int, end: int, amount: float = 10.0, **fields) -> UsageSample:
    entry = UsageEntry("job", "vision/train", "vision", "ann", {"gpu": amount})
    sample = UsageSample(
        f"s{number}", T0 + (end - 60) * SECOND, T0 + end * SECOND, (entry,), {"gpu": 8.0}
    )
    return replace(sample, **fields)


def tables_at(ledger: Ledger, at: int):
    return ledger.groups.tables(ledger.sums_at(T0 + at * SECOND))


def gpu_seconds(ledger: Ledger, at: int, path: str = "vision") -> float:
    table = tables_at(ledger, at)["queues"]
    summed = table.columns["gpu"][table.names.index(path)]
    return float(summed) * ledger.scale_at(T0 + at * SECOND)


def test_three_samples_a_half_life_apart_give_10_15_and_17_5():
    ledger, seen = Ledger(60 * SECOND), []
    for number in range(3):
        ledger.fold(a_sample(number, 60 * number), latest=FAR)
        seen.append(gpu_seconds(ledger, 60 * number))
    assert seen == [10, 15, 17.5]


def test_without_a_half_life_usage_never_fades():
    ledger = Ledger(0)
    for number in range(3):
        ledger.fold(a_sample(number, 60 * number), latest=FAR)
    assert gpu_seconds(ledger, 10**9) == 30


_SAMPLES = st.lists(
    st.tuples(st.integers(0, 10**7), st.floats(0.001, 1e15)), min_size=1, max_size=40
)


@given(_SAMPLES, st.integers(1, 10**6), st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_ledger_equals_the_closed_form_in_any_order(samples, half_life, later, random: Random):
    # Half-lives from a second on, so that far more than 256 may lie between two samples.
    now = max(end for end, _ in samples) + later
    told = [a_sample(n, end, amount) for n, (end, amount) in enumerate(samples)]
    random.shuffle(told)
    ledger = Ledger(half_life * SECOND)
    for sample in told:
        assert ledger.fold(sample, latest=FAR) is Verdict.FOLDED
    rate = math.log(2) / half_life
    closed = math.fsum(amount * math.exp(-rate * (now - end)) for end, amount in samples)
    newest = max(end for end, _ in samples)
    if (now - newest) / half_life < 500:  # beyond that both are nothing
        assert gpu_seconds(ledger, now) == pytest.approx(closed, rel=1e-9)


def test_a_known_sample_and_one_from_the_future_change_nothing():
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 0), latest=FAR)
    before = ledger.sums_at(T0).tolist()
    assert ledger.fold(a_sample(1, 0), latest=FAR) is Verdict.DUPLICATE
    assert ledger.fold(a_sample(2, 6), latest=T0 + 5 * SECOND) is Verdict.FUTURE
    assert ledger.sums_at(T0).tolist() == before


def test_a_late_sample_counts_at_its_own_end():
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 60), latest=FAR)
    ledger.fold(a_sample(2, 0), latest=FAR)
    assert gpu_seconds(ledger, 60) == 15
    assert ledger.data_until == T0 + 60 * SECOND


def test_usage_counts_for_the_queue_its_ancestors_the_project_and_the_user():
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 0), latest=FAR)
    tables = tables_at(ledger, 0)
    assert {name: table.names for name, table in tables.items()} == {
        "queues": ["vision", "vision/train"],
        "projects": ["vision"],
        "users": ["ann"],
        "queue_users": ["vision/train:ann"],
    }
    assert all((table.columns["gpu"] == 10).all() for table in tables.values())
    assert ledger.groups.capacity(ledger.sums_at(T0)) == {"gpu": 8 * 60}


def test_who_it_was_may_be_unknown():
    ledger = Ledger(60 * SECOND)
    entry = UsageEntry("", "vision/train", "", "", {"gpu": 3.0})
    ledger.fold(a_sample(1, 0, entries=(entry,)), latest=FAR)
    tables = tables_at(ledger, 0)
    assert tables["projects"].names == ["vision"]
    assert tables["users"].names == tables["queue_users"].names == []


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_no_amount_is_read_as_nothing(amount):
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 0, amount, capacity={"gpu": amount}), latest=FAR)
    ledger.fold(a_sample(2, 0, 4.0), latest=FAR)
    assert gpu_seconds(ledger, 0) == 4
    assert np.isfinite(ledger.sums_at(T0)).all()
    assert ledger.capacity == {"gpu": 8.0}


def test_what_faded_away_is_forgotten_and_ids_are_bounded():
    ledger = Ledger(1 * SECOND)
    for number in range(REMEMBERED + 10):
        ledger.fold(a_sample(number, 0), latest=FAR)
    assert len(ledger.seen) == REMEMBERED
    ledger.forget_unused(T0 + 10 * SECOND)
    assert tables_at(ledger, 10)["users"].names == ["ann"]
    ledger.forget_unused(T0 + 100 * SECOND)
    assert not any(table.names for table in tables_at(ledger, 100).values())


def test_a_number_that_was_given_back_is_another_series_afterwards():
    ledger = Ledger(1 * SECOND)
    ledger.fold(a_sample(1, 0), latest=FAR)
    ledger.forget_unused(T0 + 100 * SECOND)
    entry = UsageEntry("job", "speech/a", "speech", "bob", {"cpu": 7.0})
    ledger.fold(a_sample(2, 100, entries=(entry,)), latest=FAR)
    assert len(ledger.series) == 2
    assert tables_at(ledger, 100)["users"].names == ["bob"]


def test_decay_of_nothing_is_whole():
    assert Decay(5).factor(T0, T0) == 1
    assert Decay(5).factor(T0, T0 + 10) == 0.25
    assert Decay(1).factor(0, FAR) < 1e-300
