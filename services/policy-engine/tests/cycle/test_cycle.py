"""A cycle's decision as a whole: what it takes back, how it is told, and when it is void."""

import pytest

from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.decisions import EvictionReason
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, jobs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0, a_node, a_spec
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.fleets.engine import Engine, a_shard


@pytest.mark.parametrize("how", ["gone", "not ready"])
def test_a_lost_node_sends_its_jobs_back_under_their_old_position(how):
    shard = a_shard(nodes=1)
    job = shard.submit()
    engine = Engine(shard)
    engine.turn()
    shard.start(job)
    gone = cluster.Observed("simulated", gone=("n1",))
    broken = cluster.Observed("simulated", (a_node("n1", is_ready=False),))
    shard.tell(gone if how == "gone" else broken)
    decision = engine.turn()
    assert [(e.job_id, e.reason) for e in decision.evictions] == [
        (job.id, EvictionReason.NODE_LOST)
    ]
    assert not engine.turn().evictions, "an eviction is said once"
    shard.end(job, Outcome.LOST)
    waiting = shard.job(job)
    assert (waiting.state, waiting.attempt, waiting.position) == (JobState.PENDING, 2, 1)
    assert waiting.setbacks == 0, "losing a node is not the job's fault"


def test_a_delayed_attempt_waits_for_its_time():
    shard = a_shard()
    job = shard.submit(retry_limit=1)
    engine = Engine(shard)
    engine.turn()
    shard.start(job)
    shard.end(job, Outcome.FAILED, exit_code=1, at=T0)
    due = shard.job(job).not_before
    assert engine.placed(due - 1) == []
    assert engine.state.next_wake() == due
    assert engine.placed(due) == [job.id]


def test_a_decision_is_cut_at_its_longest_and_goes_on():
    shard = a_shard(cpu=9000)
    shard.tell(settings.Set(SchedulerSettings(max_placements=2)))
    specs = [shard.submit() for _ in range(5)]
    engine = Engine(shard)
    assert engine.placed() + engine.placed() + engine.placed() == [s.id for s in specs]


def test_a_reason_is_said_once():
    shard = a_shard(cpu=1000)
    shard.submit(), shard.submit()
    engine = Engine(shard)
    engine.turn()
    assert is_empty(engine.turn())


def test_a_cycle_changes_nothing_but_what_is_folded():
    shard = a_shard(nodes=3, gpu=4000)
    for i in range(5):
        shard.submit(tasks=1 + i % 2, resources={"cpu": 1000, "gpu": 1000})
    state = EngineState(shard.state)
    first = run_cycle(state, shard.state.settings, T0)
    assert run_cycle(state, shard.state.settings, T0) == first


def test_a_cancel_before_its_placement_voids_the_placement():
    shard = a_shard()
    job = shard.submit()
    state = EngineState(shard.state)
    decision = run_cycle(state, shard.state.settings, T0)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(job.id, "ann"),)))
    folded = shard.tell(decision)
    assert isinstance(folded, Folded)
    assert [v.key for v in folded.voids] == [job.id]
    assert shard.state.ledger.held("default").jobs == 0


def test_a_decision_of_an_older_epoch_is_void():
    shard = a_shard()
    shard.submit()
    decision = run_cycle(EngineState(shard.state), shard.state.settings, T0)
    shard.with_leader()
    assert not isinstance(shard.tell(decision), Folded)
    assert shard.report(a_spec(1), TaskPhase.RUNNING)


@pytest.mark.parametrize(
    ("jobs_in", "fields"),
    [
        pytest.param(6000, {"resources": {"cpu": 999_000_000}}, id="thousands that never fit"),
        pytest.param(120, {"tasks": 100}, id="many large gangs"),
    ],
)
def test_every_decision_fits_into_a_message_and_nothing_is_forgotten(jobs_in, fields):
    shard = a_shard(cpu=100_000_000)
    for _ in range(jobs_in):
        shard.submit(**fields)
    state = EngineState(shard.state)
    said = 0
    while not is_empty(decision := run_cycle(state, shard.state.settings, T0)):
        envelope = codec.Envelope(event_id="e", occurred_at=T0, shard="main", actor="engine")
        assert len(codec.encode(envelope, decision)) < 700_000
        said += len(decision.placements) + len(decision.reasons)
        folded = shard.tell(decision)
        assert isinstance(folded, Folded)
        state.note(folded)
    assert said == jobs_in
