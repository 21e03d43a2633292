"""What queues and users hold inside a cycle: the ledger, with what the cycle means on top of it."""

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.testing.builders import Shard, a_node, a_spec
from evenflow.policy_engine.core.gates.commitments import Commitments
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs
from tests.fleets.engine import Engine


def a_shard():
    return Shard().with_leader().with_queues("a", "a/x", "b").with_nodes(a_node("n1", cpu=8000))


def test_records_are_counted_at_their_queue_and_above_until_they_are_forgotten():
    holdings = Commitments(a_shard().state)
    holdings.add("one", "a/x", {"cpu": 1000}, "training")
    for path in ("a", "a/x"):
        held = holdings.held(path)
        assert (held.resources, held.jobs, held.by_type) == ({"cpu": 1000}, 1, {"training": 1})
    holdings.forget("one")
    assert holdings.held("a").jobs == 0
    assert not holdings.resources("a")


def test_records_that_are_still_meant_are_counted_upon_a_ledger_that_has_moved():
    shard = a_shard()
    holdings = Commitments(shard.state)
    holdings.add("meant", "a/x", {"cpu": 1000}, "training")
    shard.submit(a_spec(1, queue="a/x", resources={"cpu": 3000}))
    Engine(shard).turn()
    holdings.follow()
    assert holdings.resources("a") == {"cpu": 4000}
    assert holdings.held("a/x").jobs == 2
    holdings.forget("meant")
    assert holdings.resources("a") == {"cpu": 3000}


def test_what_was_confirmed_is_told_by_the_ledger_alone():
    shard = a_shard()
    spec = shard.submit(a_spec(1, queue="a/x", resources={"cpu": 3000}))
    holdings = Commitments(shard.state)
    holdings.add(spec.id, "a/x", {"cpu": 3000}, spec.job_type)
    Engine(shard).turn()
    holdings.confirm()
    assert holdings.resources("a") == {"cpu": 3000}
    holdings.follow()
    assert holdings.resources("a") == {"cpu": 3000}


def test_what_a_user_holds_is_right_from_the_first_time_it_is_asked_for():
    shard = a_shard()
    first, second = (
        shard.submit(a_spec(n, queue="a/x", user="ann", resources={"cpu": 1000})) for n in (1, 2)
    )
    live, tasks = LiveJobs(), (TaskPlacement("n1"),)
    live.count(shard.job(first), tasks)
    assert live.held_by("ann") == {"cpu": 1000}
    live.count(shard.job(second), tasks)
    assert live.held_by("ann") == {"cpu": 2000}
    live.forget(shard.job(first))
    assert live.held_by("ann") == {"cpu": 1000}
    live.forget(shard.job(second))
    assert live.held_by("ann") == {}
