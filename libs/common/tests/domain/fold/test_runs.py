"""The law, case by case: what a fact does to the state, and what it does not."""

import pytest

from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    Placement,
    ReasonChange,
    ReasonCode,
    Rejection,
    TaskPlacement,
)
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.domain.facts import clock, cluster, cycle, jobs, leader, queues, quotas, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.jobs.job import JOB_TRANSITIONS, TERMINAL, JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import T0, Shard, a_node, a_queue, a_spec

SECOND = 1_000_000


@pytest.fixture
def shard() -> Shard:
    return (
        Shard()
        .with_leader()
        .with_queues("default/default")
        .with_nodes(a_node("n1", cpu=4000), a_node("n2", cpu=4000))
    )


def place(shard: Shard, spec, *nodes: str, attempt: int | None = None):
    job = shard.state.jobs.get(spec.id)
    tasks = tuple(TaskPlacement(node) for node in nodes or ("n1",) * spec.tasks)
    number = attempt or (job.attempt if job else 1)
    decision = cycle.Decided(
        shard.state.epoch,
        shard.state.sequence,
        T0,
        "1",
        placements=(Placement(spec.id, number, tasks),),
    )
    return shard.tell(decision)


def voids(outcome) -> list[str]:
    assert isinstance(outcome, Folded)
    return [void.reason for void in outcome.voids]


# --- submissions


def test_a_submission_waits_behind_others_under_its_number(shard):
    first, second = shard.submit(), shard.submit()
    assert [shard.job(s).position for s in (first, second)] == [1, 2]
    assert shard.job(second).reason == PendingReason(ReasonCode.ORDER)
    assert shard.state.count("default").pending == shard.state.count("default/default").pending == 2


def test_a_submission_told_twice_stands_once(shard):
    spec = shard.submit()
    assert voids(shard.tell(jobs.Submitted((spec,)))) == ["the job is already known"]
    assert shard.state.count("default").total == 1


def test_a_submission_told_again_after_the_job_ended_does_not_run_again(shard):
    spec = shard.submit()
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    assert voids(shard.tell(jobs.Submitted((spec,)))) == ["the job is already known"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"queue": "default/gone"}, "no queue 'default/gone'", id="queue is gone"),
        pytest.param({"queue": "default"}, "queue 'default' has queues below it", id="inner node"),
        pytest.param({"tasks": 0}, "tasks: 0 must be between 1", id="no task"),
        pytest.param({"priority": 101}, "priority: 101 must be between 0 and 100", id="priority"),
        pytest.param({"resources": {"cpu": -1}}, "resources.cpu: -1", id="negative amount"),
        pytest.param({"time_limit_us": 0}, "time_limit_seconds: 0.0 must be above 0", id="time"),
    ],
)
def test_a_submission_that_breaks_a_rule_is_refused_and_told(shard, fields, reason):
    folded = shard.tell(jobs.Submitted((a_spec(9, **fields),)))
    assert isinstance(folded, Folded)
    assert folded.refused[0][1].startswith(reason)
    assert not shard.state.jobs


def test_one_bad_record_leaves_the_others_of_its_fact_alone(shard):
    good, bad = a_spec(1), a_spec(2, tasks=0)
    shard.tell(jobs.Submitted((bad, good)))
    assert list(shard.state.jobs) == [good.id]


# --- placements and runs


def test_one_job_goes_its_whole_way(shard):
    spec = shard.submit()
    place(shard, spec)
    assert shard.job(spec).state is JobState.PLACED
    assert shard.state.ledger.held("default").resources == {"cpu": 1000}
    shard.report(spec, TaskPhase.STARTING)
    assert shard.job(spec).state is JobState.STARTING
    shard.start(spec, at=T0 + 1)
    job = shard.job(spec)
    assert (job.state, job.started_at) == (JobState.RUNNING, T0 + 1)
    shard.end(spec, Outcome.SUCCEEDED, exit_code=0, at=T0 + 2)
    assert (job.state, job.exit_code, job.finished_at) == (JobState.SUCCEEDED, 0, T0 + 2)
    assert spec.id not in shard.state.jobs
    assert spec.id in shard.state.ended
    assert not shard.state.ledger.queues
    assert not shard.state.ledger.nodes


def test_an_end_that_tells_its_start_makes_up_for_a_lost_report(shard):
    spec = shard.submit()
    place(shard, spec)
    job = shard.job(spec)
    shard.end(spec, Outcome.SUCCEEDED, exit_code=0, at=T0 + 2, started_at=T0 + 1)
    assert (job.state, job.started_at) == (JobState.SUCCEEDED, T0 + 1)


def test_a_report_of_an_older_attempt_changes_nothing(shard):
    spec = shard.submit(retry_limit=1)
    place(shard, spec)
    shard.start(spec)
    shard.end(spec, Outcome.FAILED, exit_code=1)
    place(shard, spec)
    late = shard.report(spec, TaskPhase.ENDED, attempt=1, outcome=Outcome.FAILED)
    assert voids(late) == ["attempt 1 is not the job's 2"]
    assert shard.job(spec).state is JobState.PLACED


def test_a_report_told_twice_changes_nothing_the_second_time(shard):
    spec = shard.submit(tasks=2)
    place(shard, spec)
    shard.report(spec, TaskPhase.RUNNING, tasks=(0,))
    assert voids(shard.report(spec, TaskPhase.RUNNING, tasks=(0,)))[0].startswith("nothing new")
    shard.end(spec, Outcome.SUCCEEDED, tasks=(0,))
    assert shard.job(spec).state is JobState.STARTING, "its second task does not run"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param(
            lambda s, spec: s.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "a"),))),
            "no such job, or it has ended",
            id="cancelled meanwhile",
        ),
        pytest.param(
            lambda s, _: s.tell(cluster.Observed("simulated", gone=("n1",))),
            "node n1 takes no work any more",
            id="node gone",
        ),
        pytest.param(
            lambda s, _: s.tell(cluster.Observed("simulated", (a_node("n1", cpu=500),))),
            "node n1 has too little cpu left",
            id="node shrunk",
        ),
        pytest.param(place, "the job is placed", id="placed already"),
    ],
)
def test_a_placement_overtaken_by_the_world_is_void(shard, before, reason):
    spec = shard.submit()
    before(shard, spec)
    held = shard.state.ledger.held("default").jobs
    assert voids(place(shard, spec)) == [reason]
    assert shard.state.ledger.held("default").jobs == held


def test_a_placement_of_another_attempt_or_size_is_void(shard):
    spec = shard.submit(tasks=2)
    assert voids(place(shard, spec, attempt=7)) == ["attempt 7 is not the job's 1"]
    assert voids(place(shard, spec, "n1")) == ["1 tasks placed of 2"]


def test_a_decision_of_a_stale_leader_is_void_as_a_whole(shard):
    spec = shard.submit()
    stale = cycle.Decided(shard.state.epoch, 1, T0, "1", placements=())
    shard.tell(leader.Decided("engine-2", "1"))
    assert isinstance(shard.tell(stale), Void)
    assert shard.state.last_decision == shard.state.sequence
    assert shard.job(spec).state is JobState.PENDING


def test_a_gang_runs_when_all_its_tasks_run(shard):
    spec = shard.submit(tasks=2)
    place(shard, spec, "n1", "n2")
    shard.report(spec, TaskPhase.RUNNING, tasks=(1,), at=T0 + 1)
    assert shard.job(spec).state is JobState.PLACED
    shard.report(spec, TaskPhase.RUNNING, tasks=(0,), at=T0 + 5)
    assert (shard.job(spec).state, shard.job(spec).started_at) == (JobState.RUNNING, T0 + 5)


def test_one_members_failure_ends_the_gang_once_all_are_gone(shard):
    spec = shard.submit(tasks=3)
    place(shard, spec, "n1", "n2", "n2")
    job = shard.job(spec)
    shard.start(spec)
    shard.end(spec, Outcome.FAILED, tasks=(1,), exit_code=3, message="exit code 3")
    assert job.must_stop
    assert job.state is JobState.RUNNING, "its other tasks still hold their places"
    assert shard.state.ledger.held("default").resources == {"cpu": 3000}
    shard.end(spec, Outcome.STOPPED, tasks=(0, 2), exit_code=143)
    assert (job.state, job.exit_code) == (JobState.FAILED, 3)
    assert not shard.state.ledger.queues


def test_success_needs_every_task(shard):
    spec = shard.submit(tasks=2)
    place(shard, spec, "n1", "n2")
    job = shard.job(spec)
    shard.start(spec)
    shard.end(spec, Outcome.SUCCEEDED, tasks=(0,), exit_code=0)
    before = job.state
    shard.end(spec, Outcome.SUCCEEDED, tasks=(1,), exit_code=0)
    assert (before, job.state) == (JobState.RUNNING, JobState.SUCCEEDED)


def test_failures_are_retried_with_growing_pauses_until_the_limit(shard):
    spec = shard.submit(retry_limit=3)
    job = shard.job(spec)
    pauses = []
    for _ in range(3):
        place(shard, spec)
        shard.start(spec)
        shard.end(spec, Outcome.FAILED, exit_code=9, at=T0)
        assert job.state is JobState.PENDING
        assert job.reason is not None
        assert job.reason.code is ReasonCode.BACKOFF
        pauses.append(job.not_before - T0)
    assert pauses == [1 * SECOND, 2 * SECOND, 4 * SECOND]
    place(shard, spec)
    shard.start(spec)
    shard.end(spec, Outcome.FAILED, exit_code=9)
    assert (job.state, job.attempt, job.exit_code) == (JobState.FAILED, 4, 9)


def test_pauses_stop_growing_at_thirty_seconds(shard):
    spec = shard.submit(retry_limit=100)
    for _ in range(40):
        place(shard, spec)
        shard.start(spec)
        shard.end(spec, Outcome.FAILED, at=T0)
    assert shard.job(spec).not_before - T0 == 30 * SECOND


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.REFUSED])
def test_setbacks_are_tried_again_up_to_the_backoff_limit(shard, outcome):
    spec = shard.submit()
    job = shard.job(spec)
    for _ in range(3):
        place(shard, spec)
        shard.end(spec, outcome, retryable=True)
        assert job.state is JobState.PENDING
    place(shard, spec)
    shard.end(spec, outcome, retryable=True, message="no disk")
    assert (job.state, job.message, job.failures) == (JobState.FAILED, "no disk", 0)


def test_a_refusal_for_good_fails_at_once(shard):
    spec = shard.submit()
    job = shard.job(spec)
    place(shard, spec)
    shard.end(spec, Outcome.REFUSED, retryable=False, message="bad image")
    assert (job.state, job.message) == (JobState.FAILED, "bad image")


def test_the_time_limit_ends_the_job(shard):
    spec = shard.submit(retry_limit=5)
    job = shard.job(spec)
    place(shard, spec)
    shard.start(spec)
    shard.end(spec, Outcome.TIMEOUT, exit_code=143)
    assert job.state is JobState.TIMEOUT


def test_a_stopped_run_goes_back_under_its_old_number_without_a_pause(shard):
    spec, other = shard.submit(), shard.submit()
    place(shard, spec)
    shard.start(spec)
    shard.end(spec, Outcome.STOPPED, at=T0)
    job = shard.job(spec)
    assert (job.state, job.attempt, job.position, job.not_before) == (JobState.PENDING, 2, 1, 0)
    assert shard.job(other).position == 2
    assert shard.state.count("default").pending == 2


# --- cancels, evictions, rejections


def test_cancelling_a_pending_job_ends_it_in_the_fold(shard):
    spec = shard.submit()
    job = shard.job(spec)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    assert (job.state, job.message) == (JobState.CANCELLED, "cancelled by ann")
    assert shard.state.count("default").pending == 0


def test_cancelling_a_live_job_waits_for_its_cluster(shard):
    spec = shard.submit()
    job = shard.job(spec)
    place(shard, spec)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    assert job.must_stop
    assert shard.state.ledger.held("default").jobs == 1
    shard.end(spec, Outcome.CANCELLED)
    assert job.state is JobState.CANCELLED
    assert not shard.state.ledger.queues


def test_a_cancelled_job_is_not_tried_again_whatever_its_end(shard):
    spec = shard.submit(retry_limit=5)
    job = shard.job(spec)
    place(shard, spec)
    shard.start(spec)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    shard.end(spec, Outcome.FAILED, exit_code=1)
    assert job.state is JobState.CANCELLED


def test_a_job_that_succeeded_before_its_cancel_arrived_has_succeeded(shard):
    spec = shard.submit()
    job = shard.job(spec)
    place(shard, spec)
    shard.start(spec)
    shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
    shard.end(spec, Outcome.SUCCEEDED, exit_code=0)
    assert job.state is JobState.SUCCEEDED


def test_cancelling_twice_or_the_unknown_is_void(shard):
    spec = shard.submit()
    place(shard, spec)
    request = jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),))
    shard.tell(request)
    assert voids(shard.tell(request)) == ["it is already being cancelled"]
    unknown = jobs.CancelRequested((jobs.CancelRequest("x", "ann"),))
    assert voids(shard.tell(unknown)) == ["no such job, or it has ended"]


def decide(shard: Shard, **parts):
    return shard.tell(
        cycle.Decided(shard.state.epoch, shard.state.sequence, T0, "1", **parts), at=T0
    )


def test_an_evicted_job_stops_and_waits_again(shard):
    spec = shard.submit()
    place(shard, spec)
    shard.start(spec)
    decide(shard, evictions=(Eviction(spec.id, 1, EvictionReason.NODE_LOST, "node n1"),))
    assert shard.job(spec).must_stop
    again = decide(shard, evictions=(Eviction(spec.id, 1, EvictionReason.NODE_LOST),))
    assert voids(again) == ["the attempt is already ending"]
    shard.end(spec, Outcome.STOPPED)
    assert (shard.job(spec).state, shard.job(spec).attempt) == (JobState.PENDING, 2)


def test_a_rejected_job_ends_with_its_message(shard):
    spec = shard.submit()
    job = shard.job(spec)
    decide(shard, rejections=(Rejection(spec.id, "never"),))
    assert (job.state, job.message) == (JobState.REJECTED, "never")
    assert voids(decide(shard, rejections=(Rejection(spec.id, "never"),))) == [
        "the job is not pending"
    ]


def test_reasons_are_kept_for_pending_jobs_only(shard):
    spec, placed = shard.submit(), shard.submit()
    place(shard, placed)
    reason = PendingReason(ReasonCode.CAPACITY, {"cpu": 1000})
    outcome = decide(
        shard, reasons=(ReasonChange(spec.id, reason), ReasonChange(placed.id, reason))
    )
    assert shard.job(spec).reason == reason
    assert [v.key for v in outcome.voids] == [placed.id]


# --- changes, queues, quotas, clock


def test_a_change_gives_new_values_and_leaves_the_rest(shard):
    spec = shard.submit(tags=("a",))
    shard.tell(jobs.Changed((jobs.JobChange(spec.id, priority=7),)))
    assert (shard.job(spec).spec.priority, shard.job(spec).spec.tags) == (7, ("a",))
    bad = jobs.Changed((jobs.JobChange(spec.id, priority=101), jobs.JobChange("x")))
    assert len(voids(shard.tell(bad))) == 2


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        pytest.param(a_queue("a/b"), "its parent a does not exist", id="no parent"),
        pytest.param(
            a_queue("default/default", id="other"), "the name is taken by", id="duplicate name"
        ),
        pytest.param(
            a_queue("new", id="id-default"), "the id belongs to another queue", id="taken id"
        ),
        pytest.param(a_queue("Not OK"), "path: 'Not OK' must start with", id="bad name"),
        pytest.param(a_queue("a", weight=-1.0), "weight: -1.0", id="negative weight"),
        pytest.param(
            a_queue("a", max_concurrent_jobs=0), "max_concurrent_jobs: 0", id="no concurrency"
        ),
    ],
)
def test_a_definition_that_breaks_a_rule_is_void(shard, queue, reason):
    assert voids(shard.tell(queues.Defined((queue,))))[0].startswith(reason)


def test_a_leaf_with_jobs_stays_a_leaf_and_cannot_be_deleted(shard):
    shard.submit()
    below = shard.tell(queues.Defined((a_queue("default/default/x"),)))
    assert "must stay a leaf" in voids(below)[0]
    deleted = shard.tell(queues.Deleted(("default/default", "default", "gone")))
    assert voids(deleted) == [
        "it holds jobs that have not ended",
        "there are queues below it",
        "no such queue",
    ]


def test_an_empty_tree_is_deleted_from_below(shard):
    outcome = shard.tell(queues.Deleted(("default/default", "default")))
    assert not voids(outcome)
    assert not shard.state.queues
    assert not shard.state.queue_paths


def test_a_quota_needs_its_queue_and_sane_numbers(shard):
    bad = quotas.Set((Quota("gone"), Quota("default", {"cpu": -1}), Quota("default", max_jobs=3)))
    assert len(voids(shard.tell(bad))) == 2
    assert shard.state.quotas["default"].max_jobs == 3


def test_the_shards_clock_never_goes_back(shard):
    shard.tell(clock.Set(wall_at=T0, shard_at=T0, rate=1000))
    assert shard.state.clock.shard_time(T0 + 5) == T0 + 5000
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10, 1)), Void)
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10_000, 0)), Void)
    assert isinstance(shard.tell(clock.Set(T0 + 10, T0 + 10_000, 1)), Folded)


def test_a_node_is_owned_by_the_cluster_that_told_of_it_first(shard):
    outcome = shard.tell(cluster.Observed("other", (a_node("n1", cluster="other"),), gone=("n2",)))
    assert voids(outcome) == ["the node belongs to cluster simulated"]
    assert "n2" in shard.state.nodes


# --- the fold itself


def test_entries_out_of_order_or_of_unknown_kind_stop_the_fold(shard):
    with pytest.raises(BrokenInvariant, match="folded after"):
        apply(shard.state, shard.entries[0])
    with pytest.raises(BrokenInvariant, match="unknown kind"):
        apply(ShardState(), Entry(1, "e", T0, "x", object()))


def test_every_state_is_reached_and_ended_ones_are_final():
    reached = {target for moves in JOB_TRANSITIONS.values() for target in moves}
    assert reached | {JobState.SUBMITTED} == set(JobState)
    assert {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.TIMEOUT,
        JobState.REJECTED,
    } == TERMINAL


def test_a_move_that_the_table_lacks_is_a_bug_and_tells_its_story(shard):
    spec = shard.submit()
    with pytest.raises(BrokenInvariant, match="cannot move from pending to running"):
        shard.job(spec).move(JobState.RUNNING)


def test_reports_of_tasks_that_do_not_exist_are_void(shard):
    spec = shard.submit()
    place(shard, spec)
    report = runs.RunReport(spec.id, 1, TaskPhase.RUNNING, T0, tasks=(5, -1))
    assert len(voids(shard.tell(runs.Reported((report,))))) == 1
