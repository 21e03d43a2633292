"""What a job wants of its cluster."""

from dataclasses import replace

import pytest

from evenflow.binder.core.plan import stop_outcome, tasks_on
from evenflow.common.domain.decisions import Eviction, EvictionReason, Placement, TaskPlacement
from evenflow.common.domain.facts import cluster, cycle, jobs
from evenflow.common.domain.job import Ending, JobSpec, JobState, TaskPhase
from evenflow.common.domain.run import Outcome
from evenflow.common.testing.builders import T0, Shard, a_node


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
