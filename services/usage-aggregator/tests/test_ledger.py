"""Decay and sums: always the closed form, however the samples come."""

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.testing.builders import T0
from evenflow.usage_aggregator.core.decay import Decay
from evenflow.usage_aggregator.core.ledger import REMEMBERED, Ledger, Verdict, dump, load

FAR = T0 * 2


def a_sample(number: int, end: int, amount: float = 10.0, **fields) -> UsageSample:
    entry = UsageEntry("job", "vision/train", "vision", "ann", {"gpu": amount})
    sample = UsageSample(
        f"s{number}", T0 + (end - 60) * SECOND, T0 + end * SECOND, (entry,), {"gpu": 8.0}
    )
    return replace(sample, **fields)


def gpu_seconds(ledger: Ledger, at: int, path: str = "vision") -> float:
    return ledger.queues[path]["gpu"] * ledger.scale_at(T0 + at * SECOND)


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
    before = dump(ledger, "x")
    assert ledger.fold(a_sample(1, 0), latest=FAR) is Verdict.DUPLICATE
    assert ledger.fold(a_sample(2, 6), latest=T0 + 5 * SECOND) is Verdict.FUTURE
    assert dump(ledger, "x") == before


def test_a_late_sample_counts_at_its_own_end():
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 60), latest=FAR)
    ledger.fold(a_sample(2, 0), latest=FAR)
    assert gpu_seconds(ledger, 60) == 15
    assert ledger.data_until == T0 + 60 * SECOND


def test_usage_counts_for_the_queue_its_ancestors_the_project_and_the_user():
    ledger = Ledger(60 * SECOND)
    ledger.fold(a_sample(1, 0), latest=FAR)
    assert set(ledger.queues) == {"vision", "vision/train"}
    assert ledger.projects == {"vision": {"gpu": 10}}
    assert ledger.users == {"ann": {"gpu": 10}}
    assert ledger.queue_users == {"vision/train:ann": {"gpu": 10}}
    assert ledger.capacity_seconds["cluster"]["gpu"] == 8 * 60


def test_a_ledger_reads_back_bit_by_bit_and_no_other_is_taken_for_it():
    ledger = Ledger(7 * SECOND)
    for number in range(50):
        ledger.fold(a_sample(number, 17 * number, 0.1 * number), latest=FAR)
    text = dump(ledger, "log-1")
    assert load(text, "log-1", 7 * SECOND) == ledger
    assert load(text, "log-2", 7 * SECOND) is None
    assert load(text, "log-1", 8 * SECOND) is None
    assert load(text[:-5], "log-1", 7 * SECOND) is None
    assert load("[]", "log-1", 7 * SECOND) is None
    before_users_of_queues = text.replace('"format":2', '"format":1')
    assert before_users_of_queues != text
    assert load(before_users_of_queues, "log-1", 7 * SECOND) is None


def test_what_faded_away_is_forgotten_and_ids_are_bounded():
    ledger = Ledger(1 * SECOND)
    for number in range(REMEMBERED + 10):
        ledger.fold(a_sample(number, 0), latest=FAR)
    assert len(ledger.seen) == REMEMBERED
    ledger.forget_nothings(T0 + 10 * SECOND)
    assert ledger.users
    ledger.forget_nothings(T0 + 100 * SECOND)
    assert not ledger.users
    assert not ledger.queue_users
    assert not ledger.queues


def test_decay_of_nothing_is_whole():
    assert Decay(5).factor(T0, T0) == 1
    assert Decay(5).factor(T0, T0 + 10) == 0.25
    assert Decay(1).factor(0, FAR) < 1e-300
