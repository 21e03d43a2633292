"""Other people's policies: both kinds are used as they are, and nonsense harms nobody else."""

import sys
from dataclasses import dataclass

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import Policy, Ranking, Standing
from evenflow.common.testing.builders import a_spec
from evenflow.common.testing.suites.policy import QUEUE, PolicySuite
from evenflow.policy_engine.config import POLICIES
from evenflow.policy_engine.core.ordering.plugin_policies import (
    PolicyFailed,
    checked_choice,
    checked_key,
    checked_standing,
    policy_of,
)
from evenflow.policy_engine.core.ordering.policies import BUILT_IN, FAIRSHARE, FIFO

RANKING = Ranking(SchedulerSettings(), 0)
USER = Standing("ann", 1, 1, 1, 1)
JOBS = [Job(a_spec(n), n, n) for n in (1, 2, 3)]


def ranking_by(function, name="theirs", **parts) -> Policy:
    return Policy(name, function, **parts)


def alike(job: Job) -> tuple[int, ...]:
    return ()


class NewestFirst:
    """Nothing but the public interface."""

    def select_next_job(self, queue, pending_jobs):  # noqa: ARG002
        return max(pending_jobs, key=lambda job: job.position, default=None)


class Polite(NewestFirst):
    name = "polite"

    def should_preempt(self, running_jobs, new_job):  # noqa: ARG002
        return next(iter(running_jobs), None)


class TestAdapted(PolicySuite):
    @pytest.fixture
    def policy(self) -> Policy:
        found = policy_of("newest", Polite())
        assert isinstance(found, Policy)
        return found


@pytest.mark.parametrize("part", [NewestFirst(), NewestFirst], ids=["object", "class"])
def test_an_object_with_the_public_interface_becomes_a_policy_named_by_its_entry_point(part):
    policy = policy_of("newest", part)
    assert isinstance(policy, Policy)
    assert policy.name == "newest"
    assert checked_choice(policy, QUEUE, JOBS) is JOBS[2]
    assert policy.should_preempt(JOBS[:1], JOBS[1]) is None


def test_its_own_name_and_its_own_preemption_are_kept():
    policy = policy_of("newest", Polite())
    assert isinstance(policy, Policy)
    assert policy.name == "polite", "which the registry refuses, because settings say newest"
    assert policy.should_preempt(JOBS[:1], JOBS[1]) is JOBS[0]


def test_a_policy_stays_what_it_is_and_what_is_none_is_left_to_the_registry():
    assert policy_of("fifo", FIFO) is FIFO
    assert policy_of("x", 5) == 5


def test_the_registry_has_all_that_come_with_evenflow():
    assert POLICIES.names() == tuple(sorted(BUILT_IN))
    assert all(POLICIES.get(name) is policy for name, policy in BUILT_IN.items())


NONSENSE = [
    pytest.param(lambda _: 1 // 0, "ZeroDivisionError", id="raises"),
    pytest.param(lambda _: sys.exit(3), "SystemExit", id="exits"),
    pytest.param(lambda _: None, "not by a tuple of integers", id="nothing"),
    pytest.param(lambda _: 5, "not by a tuple of integers", id="a number"),
    pytest.param(lambda _: (0.5,), "not by a tuple of integers", id="a float"),
    pytest.param(lambda _: (True,), "not by a tuple of integers", id="a boolean"),
    pytest.param(lambda _: [1], "not by a tuple of integers", id="a list"),
    pytest.param(lambda job: (1,) * job.position, "3 parts", id="another length each time"),
]


@pytest.mark.parametrize(("function", "why"), NONSENSE)
def test_a_rank_that_is_none_fails_the_policy_by_name(function, why):
    with pytest.raises(PolicyFailed) as failed:
        checked_key(ranking_by(function), JOBS[2], RANKING)
    assert failed.value.policy == "theirs"
    assert why in failed.value.why


@pytest.mark.parametrize(("function", "why"), NONSENSE[:6])
def test_a_standing_that_is_none_fails_the_policy_by_name(function, why):
    policy = ranking_by(alike, standing=lambda *_: function(JOBS[0]))
    with pytest.raises(PolicyFailed) as failed:
        checked_standing(policy, USER, (), RANKING)
    assert why in failed.value.why


def test_standings_of_another_length_than_before_are_refused():
    policy = ranking_by(alike, standing=lambda user, *_: (0,) * user.users)
    assert checked_standing(policy, USER, (), RANKING) == (0,)
    with pytest.raises(PolicyFailed):
        checked_standing(policy, Standing("ann", 1, 1, 1, 2), (), RANKING)


def test_what_is_refused_does_not_depend_on_who_was_asked_about_first():
    one, other = (
        ranking_by(lambda job, _=number: (0,) if job.position < 3 else (0, 0)) for number in (1, 2)
    )
    for policy, jobs in ((one, JOBS), (other, JOBS[::-1])):
        told: dict[int, tuple[int, ...] | None] = {}
        for job in jobs:
            try:
                told[job.position] = checked_key(policy, job, RANKING)[0]
            except PolicyFailed:
                told[job.position] = None
        assert told == {1: (0,), 2: (0,), 3: None}


def test_a_policy_of_jobs_is_not_asked_how_users_stand():
    with pytest.raises(PolicyFailed):
        checked_standing(ranking_by(alike), USER, (), RANKING)


def test_aging_ranks_are_checked_too():
    policy = ranking_by(lambda _: (1,), aging_rank=lambda *_: ("old",))
    with pytest.raises(PolicyFailed):
        checked_key(policy, JOBS[0], RANKING)


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param(lambda *_: Job(a_spec(1), 1, 1), id="a job that only looks like it"),
        pytest.param(lambda _, jobs: jobs[0].spec.id, id="an id"),
        pytest.param(lambda _, jobs: jobs[9], id="raises"),
    ],
)
def test_a_choice_that_is_not_pending_fails_the_policy(choice):
    with pytest.raises(PolicyFailed):
        checked_choice(ranking_by(alike, selects=choice), QUEUE, JOBS)


def test_choosing_nobody_is_a_choice():
    lazy = ranking_by(alike, selects=lambda *_: None)
    assert checked_choice(lazy, QUEUE, JOBS) is None
    assert checked_choice(FIFO, QUEUE, []) is None


class Sulking(Exception):
    def __str__(self) -> str:
        raise RuntimeError("and its message too")


def sulk(job: Job) -> tuple[int, ...]:
    raise Sulking


def test_an_error_that_cannot_even_be_read_is_contained():
    with pytest.raises(PolicyFailed, match="Sulking"):
        checked_key(ranking_by(sulk), JOBS[0], RANKING)


@dataclass
class Unhashable:
    length: int

    def __call__(self, job: Job) -> tuple[int, ...]:  # noqa: ARG002
        return (0,) * self.length


def test_a_policy_that_cannot_be_remembered_is_refused_and_not_believed():
    with pytest.raises(PolicyFailed, match="remembered"):
        checked_key(ranking_by(Unhashable(1)), JOBS[0], RANKING)


def test_those_that_come_with_evenflow_are_taken_at_their_word():
    assert checked_key(FIFO, JOBS[0], RANKING) == ((), 1, JOBS[0].spec.id)
    assert checked_standing(FAIRSHARE, USER, (), RANKING) == (1, 1)
    impostor = ranking_by(lambda _: ("mine",), name="fifo")
    with pytest.raises(PolicyFailed):
        checked_key(impostor, JOBS[0], RANKING)
