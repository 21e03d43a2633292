"""Whose turn it is under each policy that comes with Evenflow, worked out by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.plugins.policy import PARTS, Policy, Rank, Ranking, Standing
from evenflow.common.testing.builders import T0, a_spec
from evenflow.policy_engine.core.ordering.policies import (
    FAIR_TREE,
    FAIRSHARE,
    MULTIFACTOR,
    SHORTEST_FIRST,
)

HOUR = 3_600_000_000
SETTINGS = SchedulerSettings(
    weight_age=1000,
    weight_fair_share=10_000,
    weight_size=100,
    weight_priority=1000,
    max_age_us=10 * HOUR,
    damping=1,
)


def a_job(position: int = 1, **fields: object) -> Job:
    return Job(a_spec(position, **fields), position, position)


def a_standing(**fields: int) -> Standing:
    given = {"usage": 0, "queue_usage": 0, "allocated": 0, "users": 2} | fields
    return Standing("ann", **given)


def stands(policy: Policy, standing: Standing, ranking: Ranking | None = None) -> Rank:
    assert policy.standing is not None
    ranking = ranking or Ranking(SETTINGS, T0)
    return policy.standing(standing, policy.key(a_job(), ranking)[0], ranking)


def test_shortest_first_goes_by_estimate_then_limit_and_the_unknown_come_last():
    unknown = a_job(1)
    limited = a_job(2, time_limit_us=3 * HOUR)
    estimated = a_job(3, time_limit_us=9 * HOUR, estimated_duration_us=HOUR)
    in_order = sorted((unknown, limited, estimated), key=SHORTEST_FIRST.key)
    assert in_order == [estimated, limited, unknown]


def test_fairshare_asks_what_was_used_before_what_is_held():
    heavy = a_standing(usage=PARTS // 2)
    light_and_busy = a_standing(usage=PARTS // 4, allocated=PARTS)
    light = a_standing(usage=PARTS // 4)
    in_order = sorted((heavy, light_and_busy, light), key=lambda s: stands(FAIRSHARE, s))
    assert in_order == [light, light_and_busy, heavy]


@given(st.lists(st.integers(0, 3 * PARTS), min_size=2, max_size=6), st.integers(1, 50))
def test_fairshare_orders_as_usage_over_target_does(usages, users):
    target = PARTS // users
    by_ratio = sorted(usages, key=lambda usage: usage / target)
    standings = [a_standing(usage=usage, users=users) for usage in usages]
    in_order = sorted(standings, key=lambda s: stands(FAIRSHARE, s))
    assert [s.usage for s in in_order] == by_ratio


def test_fairshare_without_history_goes_by_what_is_held_now():
    assert stands(FAIRSHARE, a_standing()) < stands(FAIRSHARE, a_standing(allocated=1))


def test_fair_tree_looks_at_this_leaf_alone_and_keeps_exact_ties():
    here, elsewhere = a_standing(queue_usage=2), a_standing(queue_usage=1, usage=PARTS)
    assert stands(FAIR_TREE, elsewhere) < stands(FAIR_TREE, here)
    assert stands(FAIR_TREE, a_standing(queue_usage=2, usage=9)) == stands(FAIR_TREE, here)


def priority_of(job: Job, standing: Standing, ranking: Ranking) -> float:
    """The multifactor priority that the ranks stand for."""
    assert MULTIFACTOR.standing is not None
    rank = MULTIFACTOR.key(job, ranking)[0]
    return -MULTIFACTOR.standing(standing, rank, ranking)[0] / PARTS


def test_multifactor_is_the_weighted_sum_of_its_factors():
    job = a_job(1, submitted_at=T0, priority=40, resources={"gpu": 1000, "cpu": 1000}, tasks=4)
    ranking = Ranking(SETTINGS, T0 + 5 * HOUR, {"gpu": 16_000, "cpu": 640_000})
    # age 5h of 10h, F = 2^-(0.25 / 0.5), 4 of 16 GPUs, priority 40 of 100
    expected = 1000 * 0.5 + 10_000 * 2**-0.5 + 100 * 0.25 + 1000 * 0.4
    assert priority_of(job, a_standing(usage=PARTS // 4), ranking) == pytest.approx(expected, 1e-8)


def test_multifactor_age_is_capped_and_starts_at_the_submission():
    ranking = Ranking(replace(SETTINGS, weight_priority=0), T0 + 100 * HOUR)
    nobody = a_standing(usage=100 * PARTS)
    old, new = a_job(1, submitted_at=T0), a_job(2, submitted_at=T0 + 101 * HOUR)
    assert priority_of(old, nobody, ranking) == 1000
    assert priority_of(new, nobody, ranking) == 0


def test_multifactor_damping_forgives_usage():
    job, used = a_job(priority=0, submitted_at=T0), a_standing(usage=PARTS, users=2)
    plain = Ranking(SETTINGS, T0)
    damped = Ranking(replace(SETTINGS, damping=2), T0)
    assert priority_of(job, used, plain) == 10_000 / 4
    assert priority_of(job, used, damped) == 10_000 / 2


def test_multifactor_counts_all_groups_of_a_gang_and_never_more_than_the_cluster():
    ranking = Ranking(replace(SETTINGS, weight_size=100, weight_age=0), T0, {"gpu": 8000})
    nobody = a_standing(usage=100 * PARTS)
    groups = (TaskGroup("a", 1, {"gpu": 2000}), TaskGroup("b", 2, {"gpu": 1000}))
    gang = a_job(resources={}, tasks=3, groups=groups)
    assert priority_of(gang, nobody, ranking) == 50
    assert priority_of(a_job(resources={"gpu": 80_000}), nobody, ranking) == 100


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 3 * PARTS), st.integers(0, PARTS))
def test_multifactor_prefers_the_higher_priority_and_the_lower_usage(low, high, usage, more):
    low, high = sorted((low, high))
    ranking = Ranking(SETTINGS, T0)
    assert (
        MULTIFACTOR.key(a_job(1, priority=high), ranking)[0]
        <= (MULTIFACTOR.key(a_job(1, priority=low), ranking)[0])
    )
    assert stands(MULTIFACTOR, a_standing(usage=usage)) <= (
        stands(MULTIFACTOR, a_standing(usage=usage + more))
    )
