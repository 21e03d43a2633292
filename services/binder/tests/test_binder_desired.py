"""What a job wants of its cluster."""

from dataclasses import replace

import pytest

from evenflow.binder.core.desired import stop_outcome, tasks_on
from evenflow.binder.orders import order_of
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cluster, cycle, jobs
from evenflow.common.domain.jobs.job import Ending, JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.shard import Shard


def a_shard() -> Shard:
    return Shard().with_queues("default/default").with_nodes(a_node("n1")).with_leader()


def place(shard: Shard, spec: JobSpec, *nodes: str) -> None:
    placement = Placement(
        spec.id, shard.job(spec).attempt, tuple(TaskPlacement(node) for node in nodes)
    )
    shard.tell(cycle.Decided(shard.state.epoch, 0, T0, "1", placements=(placement,)))


def phases(shard: Shard, spec: JobSpec, name: str = "simulated") -> list[tuple[int, TaskPhase]]:
    return [(t.index, t.phase) for t in tasks_on(shard.state, shard.job(spec), name)]


def test_a_pending_job_wants_nothing() -> None:
    shard = a_shard()
    assert phases(shard, shard.submit()) == []


def test_every_task_of_a_placed_gang_is_wanted() -> None:
    shard = a_shard()
    spec = shard.submit(tasks=2)
    place(shard, spec, "n1", "n1")
    assert phases(shard, spec) == [(0, TaskPhase.PLACED), (1, TaskPhase.PLACED)]


def test_an_ended_task_is_not_wanted_any_more() -> None:
    shard = a_shard()
    spec = shard.submit(tasks=2)
    place(shard, spec, "n1", "n1")
    shard.end(spec, Outcome.SUCCEEDED, tasks=(0,), started_at=T0)
    assert phases(shard, spec) == [(1, TaskPhase.PLACED)]


def test_tasks_on_another_clusters_nodes_are_not_ours() -> None:
    shard = a_shard()
    spec = shard.submit()
    place(shard, spec, "n1")
    assert phases(shard, spec, "local") == []


def test_tasks_on_a_node_that_has_left_belong_to_the_cluster_of_their_executor() -> None:
    shard = a_shard()
    spec = shard.submit()
    place(shard, spec, "n1")
    shard.tell(cluster.Observed("simulated", gone=("n1",)))
    assert phases(shard, spec) == [(0, TaskPhase.PLACED)]
    assert phases(shard, spec, "local") == []


def test_a_running_task_of_a_gang_has_started_even_while_its_job_has_not() -> None:
    shard = a_shard()
    spec = shard.submit(tasks=2)
    place(shard, spec, "n1", "n1")
    shard.report(spec, TaskPhase.RUNNING, tasks=(1,))
    known = [t.started_at for t in tasks_on(shard.state, shard.job(spec), "simulated")]
    assert known == [None, shard.job(spec).placed_at]


ROLES = (TaskGroup("ps", 1, {"cpu": 500}), TaskGroup("worker", 3, {"cpu": 2000}, 1))


def a_running_gang(shard: Shard) -> JobSpec:
    spec = shard.submit(groups=ROLES, tasks=4, resources={})
    place(shard, spec, "n1", "n1")
    shard.start(spec, at=T0 + 5)
    growth = Placement(spec.id, 1, (TaskPlacement("n1"),))
    shard.tell(cycle.Decided(shard.state.epoch, 0, T0, "1", growths=(growth,)), at=T0 + 60)
    return spec


def test_a_running_gang_that_grows_wants_its_further_task_started() -> None:
    shard = a_shard()
    spec = a_running_gang(shard)
    assert phases(shard, spec) == [
        (0, TaskPhase.RUNNING),
        (1, TaskPhase.RUNNING),
        (2, TaskPhase.PLACED),
    ]
    shard.report(spec, TaskPhase.RUNNING, tasks=(2,), at=T0 + 61)
    known = [t.started_at for t in tasks_on(shard.state, shard.job(spec), "simulated")]
    assert known == [T0 + 5, T0 + 5, T0 + 60]


def test_a_task_is_ordered_with_the_request_and_the_name_of_its_role() -> None:
    shard = a_shard()
    spec = a_running_gang(shard)
    orders = [order_of(t) for t in tasks_on(shard.state, shard.job(spec), "simulated")]
    assert [(o.task_group, o.resources, o.task_count) for o in orders] == [
        ("ps", {"cpu": 500}, 3),
        ("worker", {"cpu": 2000}, 3),
        ("worker", {"cpu": 2000}, 3),
    ]
    alike = shard.submit(tasks=2)
    place(shard, alike, "n1", "n1")
    orders = [order_of(t) for t in tasks_on(shard.state, shard.job(alike), "simulated")]
    assert [(o.task_group, o.resources, o.task_count) for o in orders] == [
        ("", {"cpu": 1000}, 2),
        ("", {"cpu": 1000}, 2),
    ]


@pytest.mark.parametrize(
    ("is_cancelled", "ending", "outcome"),
    [
        pytest.param(False, None, None, id="a live job goes on"),
        pytest.param(True, None, Outcome.CANCELLED, id="a cancel ends it as cancelled"),
        pytest.param(
            True,
            Ending(JobState.CANCELLED),
            Outcome.CANCELLED,
            id="what is left of a cancelled gang is cancelled",
        ),
        pytest.param(
            False, Ending(JobState.PENDING), Outcome.STOPPED, id="an eviction stops it to try again"
        ),
        pytest.param(
            False, Ending(JobState.FAILED), Outcome.STOPPED, id="one failure stops the gang"
        ),
        pytest.param(
            True, Ending(JobState.PENDING), Outcome.STOPPED, id="an eviction that came first stands"
        ),
    ],
)
def test_how_what_is_left_of_a_job_ends(
    is_cancelled: bool,  # noqa: FBT001
    ending: Ending | None,
    outcome: Outcome | None,
) -> None:
    shard = a_shard()
    spec = shard.submit()
    place(shard, spec, "n1")
    job = replace(shard.job(spec), cancel_requested=is_cancelled, ending=ending)
    assert stop_outcome(job) is outcome


def test_a_cancel_after_an_eviction_still_ends_in_cancelled() -> None:
    shard = a_shard()
    spec = shard.submit()
    place(shard, spec, "n1")
    eviction = Eviction(spec.id, 1, EvictionReason.NODE_LOST)
    shard.tell(cycle.Decided(shard.state.epoch, 0, T0, "1", evictions=(eviction,)))
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    assert stop_outcome(shard.job(spec)) is Outcome.STOPPED
    job = shard.job(spec)
    shard.end(spec, Outcome.STOPPED)
    assert job.state is JobState.CANCELLED
