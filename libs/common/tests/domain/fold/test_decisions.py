"""Evictions, rejections and reasons: what else a decision does to jobs."""

from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    PendingReason,
    ReasonChange,
    ReasonCode,
    Rejection,
)
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.deciding import decide, place, voids


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
