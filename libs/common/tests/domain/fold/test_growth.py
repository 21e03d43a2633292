"""Gangs of several roles, and those that grow while they run: how they start, grow, end."""

from dataclasses import replace

import pytest

from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cluster, cycle, jobs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.placed_tasks import placed_tasks_of
from evenflow.common.domain.jobs.requests import request_between, request_of_task, requests_of
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.shard import Shard

ROLES = (
    TaskGroup("ps", 1, {"cpu": 100}),
    TaskGroup("worker", 4, {"cpu": 1000, "gpu": 1000}, 2),
)
MINUTE = 60_000_000


@pytest.fixture
def shard() -> Shard:
    nodes = a_node("n1", cpu=4000, gpu=4000), a_node("n2", cpu=4000, gpu=4000)
    return Shard().with_leader().with_queues("default/default").with_nodes(*nodes)


def a_gang(shard: Shard, **fields) -> JobSpec:
    return shard.submit(groups=ROLES, tasks=5, resources={}, **fields)


def decide(shard: Shard, at: int = T0, **parts) -> list[str]:
    outcome = shard.tell(cycle.Decided(shard.state.epoch, 0, T0, "1", **parts), at=at)
    assert isinstance(outcome, Folded)
    return [void.reason for void in outcome.voids]


def place(shard: Shard, spec: JobSpec, *nodes: str, at: int = T0) -> list[str]:
    tasks = tuple(TaskPlacement(node) for node in nodes)
    return decide(shard, at, placements=(Placement(spec.id, 1, tasks),))


def grow(shard: Shard, spec: JobSpec, *nodes: str, at: int = T0, attempt: int = 1) -> list[str]:
    tasks = tuple(TaskPlacement(node) for node in nodes)
    return decide(shard, at, growths=(Placement(spec.id, attempt, tasks),))


# --- first placements


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_gang_starts_with_anything_from_its_least_to_all_its_tasks(shard, count):
    spec = a_gang(shard)
    assert place(shard, spec, *["n1", "n1", "n1", "n2", "n2"][:count]) == []
    held = shard.state.ledger.held("default")
    assert held.resources == {"cpu": 100 + 1000 * (count - 1), "gpu": 1000 * (count - 1)}
    assert (held.jobs, held.by_type) == (1, {"training": 1})


@pytest.mark.parametrize("count", [0, 2, 6])
def test_fewer_than_its_least_or_more_than_its_tasks_are_not_right(shard, count):
    spec = a_gang(shard)
    assert place(shard, spec, *["n1"] * count) == [f"{count} tasks placed of 3 to 5"]
    assert shard.job(spec).state is JobState.PENDING


def test_a_rigid_job_takes_exactly_its_tasks(shard):
    spec = shard.submit(tasks=3)
    assert place(shard, spec, "n1", "n1") == ["2 tasks placed of 3"]


def test_room_is_judged_by_each_tasks_own_request(shard):
    shard.with_nodes(a_node("small", cpu=100))
    fits, too_big = a_gang(shard), a_gang(shard)
    assert place(shard, fits, "small", "n1", "n1") == []
    assert place(shard, too_big, "n2", "small", "n2") == ["node small has too little cpu left"]
    assert shard.state.ledger.nodes["small"].resources == {"cpu": 100}
    assert shard.state.ledger.nodes["n1"].resources == {"cpu": 2000, "gpu": 2000}


def test_requests_of_many_tasks_are_those_of_each(shard):
    spec = a_gang(shard)
    assert requests_of(spec, 0, 5) == [request_of_task(spec, index) for index in range(5)]
    assert requests_of(spec, 1, 3) == requests_of(spec, 0, 5)[1:3]
    assert request_between(spec, 0, 2) == {"cpu": 1100, "gpu": 1000}
    plain = shard.submit(tasks=4)
    assert request_between(plain, 1, 4) == {"cpu": 3000}


# --- growth


def a_running_gang(shard: Shard, **fields) -> JobSpec:
    spec = a_gang(shard, **fields)
    place(shard, spec, "n1", "n1", "n1")
    shard.start(spec, at=T0 + 5)
    return spec


def test_a_running_gang_grows_and_stays_running_while_new_tasks_start(shard):
    spec = a_running_gang(shard)
    assert grow(shard, spec, "n2", at=T0 + MINUTE) == []
    job = shard.job(spec)
    assert job.phases == [TaskPhase.RUNNING] * 3 + [TaskPhase.PLACED]
    assert [task.node for task in job.placement] == ["n1", "n1", "n1", "n2"]
    assert [(c.first, c.end, c.since) for c in placed_tasks_of(job)] == [
        (0, 3, T0),
        (3, 4, T0 + MINUTE),
    ]
    assert shard.state.ledger.held("default").resources == {"cpu": 3100, "gpu": 3000}
    assert shard.state.ledger.held("default").jobs == 1
    for phase in (TaskPhase.STARTING, TaskPhase.RUNNING):
        shard.report(spec, phase, tasks=(3,), at=T0 + 2 * MINUTE)
        assert (job.state, job.started_at) == (JobState.RUNNING, T0 + 5)
    shard.end(spec, Outcome.SUCCEEDED, at=T0 + 3 * MINUTE)
    assert job.state is JobState.SUCCEEDED
    assert not shard.state.ledger.queues
    assert not shard.state.ledger.nodes
    assert not shard.state.ledger.gpus_since


def test_a_gang_that_grew_before_it_ran_runs_with_the_tasks_that_start_it(shard):
    spec = a_gang(shard)
    place(shard, spec, "n1", "n1", "n1")
    grow(shard, spec, "n2", "n2")
    shard.report(spec, TaskPhase.RUNNING, tasks=(0, 1))
    assert shard.job(spec).state is JobState.PLACED
    shard.report(spec, TaskPhase.RUNNING, tasks=(2,), at=T0 + 9)
    assert (shard.job(spec).state, shard.job(spec).started_at) == (JobState.RUNNING, T0 + 9)


def test_it_ends_when_its_last_task_has_and_one_failure_ends_it_all(shard):
    spec = a_running_gang(shard)
    grow(shard, spec, "n2")
    job = shard.job(spec)
    shard.end(spec, Outcome.SUCCEEDED, tasks=(0, 1, 2))
    assert job.state is JobState.RUNNING
    shard.end(spec, Outcome.FAILED, tasks=(3,), exit_code=3)
    assert (job.state, job.exit_code) == (JobState.FAILED, 3)


def test_a_next_attempt_starts_small_again(shard):
    spec = a_running_gang(shard, retry_limit=1)
    grow(shard, spec, "n2")
    shard.end(spec, Outcome.FAILED)
    job = shard.job(spec)
    assert (job.placement, job.grown_at, job.phases) == ((), (), [])
    assert placed_tasks_of(job) == ()


def test_a_report_of_a_task_beyond_the_placement_is_void(shard):
    spec = a_running_gang(shard)
    outcome = shard.report(spec, TaskPhase.RUNNING, tasks=(3,))
    assert [void.reason for void in outcome.voids] == [
        "nothing new: its tasks are already running or further"
    ]


def test_what_makes_a_growth_void(shard):
    waiting, spec = a_gang(shard), a_running_gang(shard)
    assert grow(shard, replace(spec, id="gone"), "n2") == ["no such job, or it has ended"]
    assert grow(shard, waiting, "n2") == ["the job is pending"]
    assert grow(shard, spec, "n2", attempt=2) == ["attempt 2 is not the job's 1"]
    assert grow(shard, spec) == ["0 tasks more than 3 placed of 5"]
    assert grow(shard, spec, *["n2"] * 3) == ["3 tasks more than 3 placed of 5"]
    assert grow(shard, spec, "n1", "n1") == ["node n1 has too little cpu left"]
    shard.tell(cluster.Observed("simulated", gone=("n2",)))
    assert grow(shard, spec, "n2") == ["node n2 takes no work any more"]
    assert shard.state.ledger.held("default").resources == {"cpu": 2100, "gpu": 2000}


ENDING = ["the attempt is already ending"]


def test_what_ends_does_not_grow(shard):
    shard.with_nodes(*(a_node(f"m{number}", cpu=4000, gpu=4000) for number in range(3)))
    cancelled, evicted, half = (a_gang(shard) for _ in range(3))
    for number, spec in enumerate((cancelled, evicted, half)):
        place(shard, spec, *[f"m{number}"] * 3)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(cancelled.id, "ann"),)))
    eviction = Eviction(evicted.id, 1, EvictionReason.NODE_LOST)
    growth = Placement(evicted.id, 1, (TaskPlacement("n1"),))
    assert decide(shard, evictions=(eviction,), growths=(growth,)) == ENDING
    shard.end(half, Outcome.SUCCEEDED, tasks=(0,), started_at=T0)
    assert grow(shard, cancelled, "n1") == ENDING
    assert grow(shard, half, "n1") == ENDING
