"""Other people's policies leave no trace: not in jobs, not in comparisons, not in the cycle."""

import asyncio
from collections.abc import Callable
from uuid import UUID

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job, JobState, TaskPhase
from evenflow.common.domain.plugins.policy import JobKey, Policy, Rank, Ranking
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.common.testing.suites.policy import QUEUE
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.ordering.plugin_policies import (
    PolicyFailed,
    checked_choice,
    checked_key,
)
from evenflow.policy_engine.core.ordering.policies import BUILT_IN
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import Plugins

RANKING = Ranking(SchedulerSettings(), 0)


def some(count: int = 3) -> list[Job]:
    return [
        Job(a_spec(number, resources={"cpu": 1000}), number, number)
        for number in range(1, count + 1)
    ]


def first(job: Job) -> Rank:
    return (0,)


def moving(job: Job) -> None:
    job.position = 99


def ending(job: Job) -> None:
    job.state = JobState.FAILED


def starting(job: Job) -> None:
    job.phases.append(TaskPhase.PLACED)


def shrinking(job: Job) -> None:
    assert isinstance(job.spec.resources, dict)
    job.spec.resources["cpu"] = 0


def emptying(job: Job) -> None:
    del job.position


CHANGES = [
    pytest.param(moving, "position", id="position"),
    pytest.param(ending, "state", id="state"),
    pytest.param(starting, "phases", id="phases"),
    pytest.param(shrinking, "resources", id="request"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_a_job_that_a_rank_changed_is_put_back_and_its_policy_fails(
    change: Callable[[Job], None], told: str
) -> None:
    def rank(job: Job) -> Rank:
        change(job)
        return (0,)

    (job,) = some(1)
    with pytest.raises(PolicyFailed, match=f"changed {told}"):
        checked_key(Policy("theirs", rank), job, RANKING)
    assert job == some(1)[0]


@pytest.mark.parametrize(
    ("change", "told"), [*CHANGES, pytest.param(emptying, "position", id="a field that is gone")]
)
def test_a_job_that_a_choice_changed_is_put_back_and_its_policy_fails(
    change: Callable[[Job], None], told: str
) -> None:
    def select(_: object, jobs: object) -> Job:
        assert isinstance(jobs, tuple)
        change(jobs[1])
        chosen: Job = jobs[0]
        return chosen

    jobs = some()
    with pytest.raises(PolicyFailed, match=f"changed {told}.*-000000000002"):
        checked_choice(Policy("theirs", first, selects=select), QUEUE, jobs)
    assert jobs == some()


def test_a_job_is_put_back_when_the_policy_raises_after_it_changed_it() -> None:
    def rank(job: Job) -> Rank:
        moving(job)
        raise LookupError

    (job,) = some(1)
    with pytest.raises(PolicyFailed, match="LookupError"):
        checked_key(Policy("theirs", rank), job, RANKING)
    assert job.position == 1


def test_a_policy_that_changes_jobs_does_not_spoil_what_the_next_one_is_asked() -> None:
    seen: list[int] = []

    def spoiling(job: Job) -> Rank:
        moving(job)
        return (0,)

    def watching(job: Job) -> Rank:
        seen.append(job.position)
        return (0,)

    with pytest.raises(PolicyFailed):
        checked_key(Policy("spoiling", spoiling), some(1)[0], RANKING)
    checked_key(Policy("watching", watching), some(1)[0], RANKING)
    assert set(seen) == {1}


class Contrary(tuple[int, ...]):
    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        raise RuntimeError("I do not compare")


def test_a_rank_of_another_class_compares_like_any_tuple() -> None:
    policy = Policy("theirs", lambda job: Contrary((job.position,)))
    one, other = (checked_key(policy, job, RANKING) for job in some(2))
    assert type(one[0]) is tuple
    assert one < other


class Lying(Policy):
    def key(self, job: Job, ranking: Ranking | None = None) -> JobKey:  # noqa: ARG002
        return ((0,), -1, "no such job")


def test_position_and_id_of_a_key_are_the_jobs_whatever_a_policy_says() -> None:
    (job,) = some(1)
    assert checked_key(Lying("theirs", first), job, RANKING) == ((0,), 1, job.spec.id)


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_ordinary_error_is_contained_too(error: type[BaseException]) -> None:
    def rank(job: Job) -> Rank:
        raise error

    with pytest.raises(PolicyFailed, match=error.__name__):
        checked_key(Policy("theirs", rank), some(1)[0], RANKING)


def test_a_failure_is_that_of_the_policy_that_was_asked_whatever_it_raises() -> None:
    def blaming(job: Job) -> Rank:
        raise PolicyFailed("fifo", "not me")

    with pytest.raises(PolicyFailed) as failed:
        checked_key(Policy("theirs", blaming), some(1)[0], RANKING)
    assert failed.value.policy == "theirs"


def test_a_policy_may_read_the_ids_of_jobs() -> None:
    (job,) = some(1)
    by_time = Policy("theirs", lambda job: (UUID(job.spec.id).int >> 80,))
    assert checked_key(by_time, job, RANKING)[0] == (UUID(job.spec.id).int >> 80,)


def test_a_queue_whose_policy_changes_jobs_is_ordered_by_fifo_and_its_jobs_are_whole() -> None:
    def rank(job: Job) -> Rank:
        moving(job)
        return (-job.position,)

    shard = Shard().with_leader().with_queues(a_queue("p/q", policy="theirs"))
    shard.with_nodes(a_node(cpu=1000))
    ids = [shard.submit(queue="p/q").id for _ in range(3)]
    plugins = Plugins({**BUILT_IN, "theirs": Policy("theirs", rank)})
    decision = run_cycle(EngineState(shard.state, plugins), shard.state.settings, T0)
    assert [placement.job_id for placement in decision.placements] == ids[:1]
    assert [shard.state.jobs[job_id].position for job_id in ids] == [1, 2, 3]
