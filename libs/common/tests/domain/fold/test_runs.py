"""Runs: how attempts start, end, and are tried again, as clusters report."""

import pytest

from evenflow.common.domain.decisions.decisions import (
    ReasonCode,
)
from evenflow.common.domain.facts import runs
from evenflow.common.domain.jobs.job import JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import T0
from evenflow.common.testing.deciding import place, voids

SECOND = 1_000_000


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


def test_reports_of_tasks_that_do_not_exist_are_void(shard):
    spec = shard.submit()
    place(shard, spec)
    report = runs.RunReport(spec.id, 1, TaskPhase.RUNNING, T0, tasks=(5, -1))
    assert len(voids(shard.tell(runs.Reported((report,))))) == 1


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
