"""Submissions and changes: which stand, under which number, and what of them is refused."""

import pytest

from evenflow.common.domain.decisions.decisions import (
    PendingReason,
    ReasonCode,
)
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.testing.builders import a_spec
from evenflow.common.testing.deciding import voids


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


def test_a_change_gives_new_values_and_leaves_the_rest(shard):
    spec = shard.submit(tags=("a",))
    shard.tell(jobs.Changed((jobs.JobChange(spec.id, priority=7),)))
    assert (shard.job(spec).spec.priority, shard.job(spec).spec.tags) == (7, ("a",))
    bad = jobs.Changed((jobs.JobChange(spec.id, priority=101), jobs.JobChange("x")))
    assert len(voids(shard.tell(bad))) == 2
