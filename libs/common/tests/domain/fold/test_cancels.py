"""Cancels: a pending job ends in the fold, a live one through its cluster."""

from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.deciding import place, voids


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
