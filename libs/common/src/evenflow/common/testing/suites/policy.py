# ruff: noqa: D102, S101 - tests, though they live in the library that tests import them from
"""What every scheduling policy promises, as tests that each implementation inherits.

A test class provides the fixture `policy`.
"""

from collections.abc import Sequence

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.plugins.policy import PARTS, Policy, Ranking, Standing
from evenflow.common.testing.builders import T0, a_queue, a_spec

QUEUE = a_queue("p/q")
RANKINGS = (
    Ranking(SchedulerSettings(), as_of=0),
    Ranking(SchedulerSettings(), as_of=T0 + 3_600_000_000, capacity={"cpu": 64_000}),
)
STANDINGS = tuple(
    Standing(user=user, usage=usage, queue_usage=usage // 2, allocated=allocated, users=2)
    for user, usage, allocated in (("ann", 0, PARTS), ("bob", PARTS // 3, 0), ("cat", PARTS, 0))
)


def some_jobs() -> list[Job]:
    """Return jobs that differ in what policies look at, in the order of acceptance."""
    fields = [
        {"priority": priority, "resources": {"cpu": cpu}, "user": user, "tasks": tasks}
        for priority in (0, 90, 50)
        for cpu, user, tasks in ((1000, "ann", 1), (500, "bob", 3))
    ]
    numbers = range(len(fields), 0, -1)  # ids fall while positions rise
    return [
        Job(a_spec(number, queue=QUEUE.path, **each), position, position)
        for position, (number, each) in enumerate(zip(numbers, fields, strict=True), start=1)
    ]


def picked_one_by_one(policy: Policy, pending: Sequence[Job]) -> list[str]:
    """Return the ids in the order in which the policy selects them."""
    left, order = list(pending), []
    while (job := policy.select_next_job(QUEUE, tuple(left))) is not None:
        left.remove(job)
        order.append(job.spec.id)
    return order


class PolicySuite:
    """The promises of SCH-01, and of a key that the engine keeps its queues sorted by."""

    def test_nothing_pending_is_nothing_selected(self, policy: Policy) -> None:
        assert policy.select_next_job(QUEUE, ()) is None

    def test_selecting_again_and_again_gives_every_job_once(self, policy: Policy) -> None:
        jobs = some_jobs()
        assert sorted(picked_one_by_one(policy, jobs)) == sorted(job.spec.id for job in jobs)

    def test_selecting_again_and_again_is_sorting_by_key(self, policy: Policy) -> None:
        if policy.selects is not None:
            return  # it has an order of its own, which no key tells
        jobs = some_jobs()
        in_order = [job.spec.id for job in sorted(jobs, key=policy.key)]
        assert picked_one_by_one(policy, jobs) == in_order

    def test_the_order_of_asking_does_not_matter(self, policy: Policy) -> None:
        jobs = some_jobs()
        assert picked_one_by_one(policy, jobs) == picked_one_by_one(policy, jobs[::-1])

    def test_jobs_of_equal_rank_go_in_the_order_of_acceptance(self, policy: Policy) -> None:
        early, late = (Job(a_spec(n, submitted_at=0), p, p) for n, p in ((2, 1), (1, 2)))
        if policy.selects is None and policy.rank(early) == policy.rank(late):
            assert policy.select_next_job(QUEUE, (late, early)) is early

    def test_ranks_are_whole_numbers_and_equally_many(self, policy: Policy) -> None:
        jobs = some_jobs()
        ranks = [policy.rank(job) for job in jobs]
        ranks += [policy.key(job, ranking)[0] for job in jobs for ranking in RANKINGS]
        assert all(type(part) is int for rank in ranks for part in rank)
        assert len({len(rank) for rank in ranks}) == 1

    def test_standings_are_whole_numbers_and_equally_many(self, policy: Policy) -> None:
        if policy.standing is None:
            return  # it is a policy of jobs
        found = [
            policy.standing(standing, policy.key(job, ranking)[0], ranking)
            for standing in STANDINGS
            for job in some_jobs()
            for ranking in RANKINGS
        ]
        assert all(type(part) is int for rank in found for part in rank)
        assert len({len(rank) for rank in found}) == 1

    def test_who_gives_way_is_one_of_those_that_run(self, policy: Policy) -> None:
        *running, new = some_jobs()
        assert policy.should_preempt((), new) is None
        victim = policy.should_preempt(tuple(running), new)
        assert victim is None or any(victim is job for job in running)
