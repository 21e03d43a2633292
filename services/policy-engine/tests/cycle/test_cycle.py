"""What a cycle decides, case by case."""

import pytest

from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.decisions import EvictionReason, PendingReason, ReasonCode
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, cycle, jobs, nodes, quotas, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState


class Engine:
    """A shard that decides: `turn` runs one cycle and folds its decision."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.state = EngineState(shard.state)
        self.folded = len(shard.entries)

    def turn(self, now: int = T0) -> cycle.Decided:
        self.state.rebuild()
        decision = run_cycle(self.state, self.shard.state.settings, now)
        if not is_empty(decision):
            self.shard.tell(decision, at=now)
        return decision

    def placed(self, now: int = T0) -> list[str]:
        return [p.job_id for p in self.turn(now).placements]


def a_shard(*queues: Queue | str, nodes: int = 1, cpu: int = 4000, gpu: int = 0) -> Shard:
    shard = Shard().with_leader()
    shard.with_queues(*(queues or ("default/default",)))
    return shard.with_nodes(*(a_node(f"n{i}", cpu=cpu, gpu=gpu) for i in range(1, nodes + 1)))


def test_fifo_starts_jobs_in_the_order_of_acceptance():
    shard = a_shard(cpu=2000)
    specs = [shard.submit(priority=p) for p in (0, 90, 50)]
    assert Engine(shard).placed() == [specs[0].id, specs[1].id]


def test_priority_starts_higher_jobs_first_and_equal_ones_in_order():
    shard = a_shard(a_queue("default/default", policy="priority"), cpu=3000)
    low, high, middle, high2 = (shard.submit(priority=p) for p in (0, 90, 50, 90))
    assert Engine(shard).placed() == [high.id, high2.id, middle.id]
    assert low.id in shard.state.jobs


def test_the_shards_policy_holds_where_a_queue_names_none():
    shard = a_shard(cpu=1000)
    shard.tell(settings.Set(SchedulerSettings(policy="priority")))
    shard.submit(priority=0)
    high = shard.submit(priority=1)
    assert Engine(shard).placed() == [high.id]


def test_a_blocked_head_holds_back_its_own_queue_only():
    shard = a_shard("a/q", "b/q", cpu=4000)
    head = shard.submit(queue="a/q", resources={"cpu": 3000})
    shard.submit(queue="b/q", resources={"cpu": 3000})
    behind = shard.submit(queue="b/q", resources={"cpu": 1000})
    other = shard.submit(queue="a/q", resources={"cpu": 1000})
    decision = Engine(shard).turn()
    assert [p.job_id for p in decision.placements] == [head.id, other.id]
    assert shard.job(behind).reason == PendingReason(ReasonCode.ORDER)


def test_without_strict_order_later_jobs_pass_a_blocked_head():
    shard = a_shard(cpu=4000)
    shard.tell(settings.Set(SchedulerSettings(strict_order=False)))
    first = shard.submit(resources={"cpu": 3000})
    shard.submit(resources={"cpu": 3000})
    small = shard.submit(resources={"cpu": 1000})
    assert Engine(shard).placed() == [first.id, small.id]


def test_weights_share_what_is_contended():
    shard = a_shard(a_queue("a/q", weight=3), a_queue("b/q", weight=1), cpu=8000)
    for _ in range(8):
        shard.submit(queue="a/q")
        shard.submit(queue="b/q")
    shard.tell(settings.Set(SchedulerSettings()))
    Engine(shard).turn()
    # weights of the projects above are equal: the leaves' weights do not meet
    assert shard.state.ledger.held("a").jobs == shard.state.ledger.held("b").jobs == 4


def test_siblings_share_by_weight():
    shard = a_shard(a_queue("p/a", weight=3), a_queue("p/b", weight=1), cpu=8000)
    for _ in range(8):
        shard.submit(queue="p/a")
        shard.submit(queue="p/b")
    Engine(shard).turn()
    assert (shard.state.ledger.held("p/a").jobs, shard.state.ledger.held("p/b").jobs) == (6, 2)


def test_a_queue_of_higher_priority_goes_first_whatever_its_share():
    shard = a_shard("p/a", a_queue("p/b", priority=5), cpu=2000)
    shard.submit(queue="p/a")
    first, second = shard.submit(queue="p/b"), shard.submit(queue="p/b")
    assert Engine(shard).placed() == [first.id, second.id]


def test_weight_zero_goes_last():
    shard = a_shard(a_queue("p/a", weight=0), "p/b", cpu=3000)
    shard.submit(queue="p/a")
    b1, b2 = shard.submit(queue="p/b"), shard.submit(queue="p/b")
    assert Engine(shard).placed()[:2] == [b1.id, b2.id]


def test_a_gang_starts_whole_or_not_at_all():
    shard = a_shard(nodes=2, cpu=1000)
    gang = shard.submit(tasks=3)
    engine = Engine(shard)
    assert engine.placed() == []
    assert shard.job(gang).reason is not None
    assert shard.job(gang).reason.code is ReasonCode.UNFITTABLE
    shard.with_nodes(a_node("n3", cpu=1000))
    decision = engine.turn()
    assert sorted(t.node for t in decision.placements[0].tasks) == ["n1", "n2", "n3"]


def test_a_failed_gang_takes_nothing_away_from_the_next_queue():
    shard = a_shard("a/q", "b/q", nodes=2, cpu=1000)
    shard.tell(settings.Set(SchedulerSettings(backfill="off")))
    blocker = shard.submit(queue="b/q")
    engine = Engine(shard)
    engine.turn()
    shard.submit(queue="a/q", tasks=2)
    single = shard.submit(queue="b/q")
    assert engine.placed() == [single.id]
    assert blocker.id in shard.state.jobs


def test_gpus_are_given_by_index_and_never_twice():
    shard = a_shard(nodes=1, cpu=64_000, gpu=4000)
    shard.submit(resources={"cpu": 1000, "gpu": 2000})
    shard.submit(resources={"cpu": 1000, "gpu": 500})
    shard.submit(resources={"cpu": 1000, "gpu": 500})
    shard.submit(resources={"cpu": 1000, "gpu": 1000})
    decision = Engine(shard).turn()
    assert [p.tasks[0].devices for p in decision.placements] == [(0, 1), (2,), (2,), (3,)]


def test_work_goes_to_the_fullest_node_that_holds_it():
    shard = a_shard(nodes=1, cpu=8000, gpu=8000)
    shard.with_nodes(a_node("small", cpu=8000, gpu=2000), a_node("none", cpu=8000))
    shard.submit(resources={"cpu": 1000})
    shard.submit(resources={"cpu": 1000, "gpu": 1000})
    shard.submit(resources={"cpu": 1000, "gpu": 4000})
    assert [p.tasks[0].node for p in Engine(shard).turn().placements] == ["none", "small", "n1"]


@pytest.mark.parametrize(
    ("queue", "quota", "code"),
    [
        pytest.param(a_queue("p/q", max_concurrent_jobs=1), None, ReasonCode.QUEUE_FULL, id="full"),
        pytest.param(a_queue("p/q", limit={"cpu": 1500}), None, ReasonCode.QUEUE_LIMIT, id="limit"),
        pytest.param("p/q", Quota("p", max_jobs=1), ReasonCode.QUOTA_JOBS, id="jobs of a project"),
        pytest.param("p/q", Quota("p", {"cpu": 1999}), ReasonCode.QUOTA_CPU, id="cpu"),
        pytest.param("p/q", Quota("p/q", {"memory": 1999}), ReasonCode.QUOTA_MEMORY, id="memory"),
        pytest.param("p/q", Quota("p", {"x": 1}), ReasonCode.QUOTA_OTHER, id="any resource"),
        pytest.param(
            "p/q", Quota("p", max_by_type={"training": 1}), ReasonCode.QUOTA_TYPE, id="per type"
        ),
    ],
)
def test_the_second_job_waits_with_the_reason_of_its_gate(queue, quota, code):
    shard = a_shard(queue)
    if quota:
        shard.tell(quotas.Set((quota,)))
    wants = {"cpu": 1000, "memory": 1000, "x": 1}
    shard.with_nodes(a_node("nx", capacity={"cpu": 9000, "memory": 9000, "x": 9}))
    first = shard.submit(queue="p/q", resources=wants)
    second = shard.submit(queue="p/q", resources=wants)
    engine = Engine(shard)
    assert engine.placed() == [first.id]
    assert shard.job(second).reason.code is code
    shard.start(first)
    shard.end(first, Outcome.SUCCEEDED)
    assert engine.placed() == [second.id]


def test_equality_with_a_quota_passes():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", {"cpu": 2000}),)))
    shard.submit(queue="p/q")
    shard.submit(queue="p/q")
    assert len(Engine(shard).placed()) == 2


def test_a_quota_that_is_not_enforced_lets_everything_pass_and_counts():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", {"cpu": 1000}, max_jobs=0, enforce=False),)))
    shard.submit(queue="p/q", resources={"cpu": 2000})
    assert len(Engine(shard).placed()) == 1
    assert shard.state.ledger.held("p").resources == {"cpu": 2000}


def test_a_job_limited_by_its_type_is_passed_over():
    shard = a_shard("p/q")
    shard.tell(quotas.Set((Quota("p", max_by_type={"training": 0}),)))
    shard.submit(queue="p/q")
    other = shard.submit(queue="p/q", job_type="inference")
    assert Engine(shard).placed() == [other.id]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"resources": {"cpu": 99_000}}, id="larger than any node"),
        pytest.param({"resources": {"cpu": 1000, "gpu": 1000}}, id="no node has a GPU"),
        pytest.param({"tasks": 5}, id="a gang larger than the cluster"),
    ],
)
def test_what_never_fits_waits_as_unfittable_and_blocks_nobody(fields):
    shard = a_shard()
    hopeless = shard.submit(**fields)
    next_one = shard.submit()
    assert Engine(shard).placed() == [next_one.id]
    assert shard.job(hopeless).reason.code is ReasonCode.UNFITTABLE


def test_above_a_limit_is_unfittable_until_the_limit_is_raised():
    shard = a_shard(a_queue("p/q", limit={"cpu": 500}))
    job = shard.submit(queue="p/q")
    engine = Engine(shard)
    assert engine.placed() == []
    assert shard.job(job).reason.code is ReasonCode.UNFITTABLE
    shard.with_queues(a_queue("p/q", limit={"cpu": 1000}))
    assert engine.placed() == [job.id]


def test_a_disabled_queue_starts_nothing_and_says_so():
    shard = a_shard(a_queue("p/q", enabled=False))
    job = shard.submit(queue="p/q")
    assert Engine(shard).placed() == []
    assert shard.job(job).reason.code is ReasonCode.QUEUE_DISABLED


def test_a_job_of_a_cluster_without_nodes_waits_for_it():
    shard = a_shard()
    job = shard.submit(executor="slurm")
    after = shard.submit()
    assert Engine(shard).placed() == [after.id]
    assert shard.job(job).reason.code is ReasonCode.NO_CLUSTER


def test_headroom_stays_free():
    shard = a_shard(cpu=4000)
    shard.tell(settings.Set(SchedulerSettings(headroom_milli=300)))
    for _ in range(4):
        shard.submit()
    assert len(Engine(shard).placed()) == 2


def test_a_cordoned_node_gets_nothing_and_keeps_what_runs():
    shard = a_shard(cpu=2000)
    first = shard.submit()
    engine = Engine(shard)
    assert engine.placed() == [first.id]
    shard.tell(nodes.Cordoned(("n1",)))
    second = shard.submit()
    assert is_empty(engine.turn()) or not engine.turn().placements
    shard.tell(nodes.Uncordoned(("n1",)))
    assert engine.placed() == [second.id]


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
