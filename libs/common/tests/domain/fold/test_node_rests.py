"""A node that can start nothing rests, and costs no job a try."""

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.rest import FIRST_US, MOST_US
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.deciding import place
from evenflow.common.testing.shard import Shard


def refuse(shard, spec, at):
    place(shard, spec, at=at)
    return shard.end(spec, Outcome.REFUSED, at=at, retryable=True, node_fault=True)


@given(waits=st.lists(st.integers(0, 20_000_000), min_size=1, max_size=30))
def test_whatever_a_node_refuses_no_job_loses_a_try(waits):
    shard = Shard().with_leader().with_queues("default/default").with_nodes(a_node("n1"))
    spec, at = shard.submit(backoff_limit=0, retry_limit=0), T0
    for wait in waits:
        at += wait
        refuse(shard, spec, at)
        job, rest = shard.job(spec), shard.state.resting["n1"]
        assert (job.state, job.setbacks, job.failures) == (JobState.PENDING, 0, 0)
        assert job.not_before == 0, "others may take it at once"
        assert at < rest.until <= at + MOST_US
    again = checkpoint.load(checkpoint.dump(shard.state, "log"), "log")
    assert again.resting == shard.state.resting


def test_the_first_run_that_starts_after_it_ends_the_trouble(shard):
    specs = [shard.submit() for _ in range(3)]
    refuse(shard, specs[0], T0)
    refuse(shard, specs[1], T0 + 1)
    assert shard.state.resting["n1"].refusals == 1, "sent before it rested: the same trouble"
    assert shard.state.is_resting("n1", T0 + FIRST_US - 1)
    assert not shard.state.is_resting("n1", T0 + FIRST_US)
    refuse(shard, specs[0], T0 + FIRST_US)
    assert shard.state.resting["n1"].until == T0 + 3 * FIRST_US
    place(shard, specs[2])
    shard.start(specs[2], at=T0 + 2 * FIRST_US)
    assert "n1" in shard.state.resting, "it started while the node rested"
    place(shard, specs[1])
    shard.start(specs[1], at=T0 + 3 * FIRST_US)
    assert "n1" not in shard.state.resting


def test_a_refusal_of_the_job_alone_counts_as_ever(shard):
    spec = shard.submit(backoff_limit=0)
    place(shard, spec)
    job = shard.job(spec)
    shard.end(spec, Outcome.REFUSED, retryable=True)
    assert (job.state, shard.state.resting) == (JobState.FAILED, {})
