"""A node that refused to start runs is passed over until it has rested."""

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.rest import FIRST_US
from evenflow.common.testing.builders import T0
from evenflow.policy_engine.core.cycle import run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.fleets.engine import a_shard


def test_its_jobs_go_elsewhere_at_once_and_to_it_after_its_rest():
    shard = a_shard(nodes=2, cpu=1000)
    jobs = {job.id: job for job in (shard.submit() for _ in range(3))}
    state = EngineState(shard.state)

    def note(folded):
        assert isinstance(folded, Folded)
        state.note(folded)

    def turn(now=T0):
        decision = run_cycle(state, shard.state.settings, now)
        note(shard.tell(decision, at=now))
        return {task.node: p.job_id for p in decision.placements for task in p.tasks}

    placed = turn()
    assert placed.keys() == {"n1", "n2"}
    refused, other = jobs[placed["n1"]], jobs[placed["n2"]]
    note(shard.end(refused, Outcome.REFUSED, at=T0, retryable=True, node_fault=True))
    assert not turn()
    assert shard.job(refused).reason.code in {ReasonCode.CAPACITY, ReasonCode.ORDER}
    assert state.next_wake() == T0 + FIRST_US
    note(shard.end(other, Outcome.SUCCEEDED, exit_code=0))
    assert turn().keys() == {"n2"}
    assert EngineState(shard.state).next_wake() == T0 + FIRST_US, "who loads the state knows too"
    assert turn(T0 + FIRST_US).keys() == {"n1"}
    assert state.next_wake() is None
