"""Jobs that back off: they wait once, whatever a cycle meant to do with them meanwhile."""

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState


def a_job_that_backs_off():
    shard = Shard().with_leader().with_queues("default/default").with_nodes(a_node("n1"))
    spec = shard.submit(retry_limit=1)
    shard.tell(run_cycle(EngineState(shard.state), shard.state.settings, T0), at=T0)
    shard.report(spec, TaskPhase.ENDED, outcome=Outcome.FAILED)
    job = shard.job(spec)
    assert (job.state, job.not_before > T0) == (JobState.PENDING, True)
    return shard, job


def test_a_start_that_came_to_nothing_leaves_a_job_delayed_once():
    shard, job = a_job_that_backs_off()
    state = EngineState(shard.state)
    for _ in range(2):  # room was kept for it, and the decision did not stand
        tasks = (TaskPlacement("n1"),)
        state.rooms.take(job.spec, tasks)
        state.assume_placement(job, tasks, whole_request(job.spec), T0)
        assert state.next_wake() is None
        state.forget_assumed()
        assert state.next_wake() == job.not_before
    state.wake(job.not_before)
    assert state.next_wake() is None
    assert job.spec.id in state.waiting
    assert len(state.waiting) == 1
