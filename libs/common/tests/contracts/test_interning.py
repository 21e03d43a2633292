"""Jobs that were decoded one by one have in common what is equal."""

from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.facts import jobs
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import T0, a_spec

ENVELOPE = codec.Envelope(event_id="e", occurred_at=T0, shard="main", actor="gateway")
SUBJECT = subject_of(jobs.Submitted, "main")


def decoded(*specs: JobSpec) -> tuple[JobSpec, ...]:
    fact = codec.decode(SUBJECT, codec.encode(ENVELOPE, jobs.Submitted(specs))).fact
    assert isinstance(fact, jobs.Submitted)
    return fact.jobs


def test_equal_requests_of_different_messages_are_one_object():
    (first,) = decoded(a_spec(1, resources={"cpu": 4000, "gpu": 1000}))
    second, other = decoded(
        a_spec(2, resources={"cpu": 4000, "gpu": 1000}), a_spec(3, resources={"cpu": 4000})
    )
    assert first.resources is second.resources
    assert other.resources is not first.resources


def test_a_job_that_may_go_anywhere_keeps_no_constraints_of_its_own():
    free, bound = decoded(
        a_spec(1, executor_config={}), a_spec(2, constraints=Constraints(required_level="rack"))
    )
    assert free.constraints is ANYWHERE
    assert bound.constraints == Constraints(required_level="rack")


def test_sharing_changes_nothing_that_can_be_read():
    specs = (
        a_spec(1, resources={"gpu": 1000, "cpu": 2000}, executor_config={}),
        a_spec(2, resources={"cpu": 2000, "gpu": 1000}, tags=("x",)),
        a_spec(3, constraints=Constraints(clusters=("east",))),
    )
    found = decoded(*specs)
    assert found == specs
    assert [list(spec.resources) for spec in found] == [list(spec.resources) for spec in specs]
