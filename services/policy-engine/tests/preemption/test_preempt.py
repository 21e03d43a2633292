"""Inside a scope by priority (SCH-08): who gives way, for whom, and what becomes of both."""

import pytest

from evenflow.common.domain.decisions.decisions import EvictionReason, ReasonCode
from evenflow.common.domain.facts import jobs, nodes
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.plugins.policy import Policy
from evenflow.common.testing.builders import a_queue
from evenflow.policy_engine.core.ordering.policies import BUILT_IN
from evenflow.policy_engine.core.ordering.policies.jobs import by_position
from evenflow.policy_engine.core.state.plugins import Plugins
from tests.fleets.obedient import Obedient


def full(**fields):
    """Two GPUs in use by jobs of priority 20, then 10."""
    world = Obedient("p/q", gpus=2, policy="priority", **fields)
    (first,) = world.submit("p/q", priority=20)
    world.turn()
    (second,) = world.submit("p/q", priority=10)
    world.turn()
    assert len(world.running("p/q")) == 2
    return world, first, second


def test_one_job_of_lowest_priority_stops_and_the_new_one_starts_in_its_place():
    world, first, second = full()
    (urgent,) = world.submit("p/q", priority=50)
    decision = world.decide()
    (eviction,) = decision.evictions
    assert (eviction.job_id, eviction.reason, eviction.beneficiary) == (
        second.id, EvictionReason.PREEMPTED, urgent.id,
    )  # fmt: skip
    assert "priority 50 over 10" in eviction.detail
    assert world.shard.job(urgent).reason.code is ReasonCode.STOPPING
    assert not world.decide().evictions, "the last victims are still stopping"
    place = world.shard.job(second).placement
    world.obey()
    world.turn()
    assert world.is_live(urgent)
    assert world.is_live(first)
    assert world.shard.job(urgent).placement == place
    victim = world.shard.job(second)
    assert (victim.state, victim.attempt, victim.setbacks, victim.not_before) == (
        JobState.PENDING, 2, 0, 0,
    )  # fmt: skip
    assert victim.position == 2
    assert "preempted" in victim.message


def test_of_equal_priority_who_started_last_stops():
    world = Obedient("p/q", gpus=2, policy="priority")
    older, newer = world.submit("p/q")[0], None
    world.turn()
    (newer,) = world.submit("p/q")
    world.turn()
    world.submit("p/q", priority=11)
    assert [e.job_id for e in world.turn()] == [newer.id]
    assert world.is_live(older)


@pytest.mark.parametrize(
    ("fields", "priority"),
    [
        pytest.param({}, 20, id="no more than the threshold above"),
        pytest.param({"preemption_threshold": 40}, 50, id="another threshold"),
        pytest.param({"preempt": False}, 50, id="switched off"),
        pytest.param({"minimum_run_us": 60_000_000}, 50, id="before the minimum run time"),
        pytest.param({"most_victims": 0}, 50, id="no victims allowed"),
        pytest.param({"lost_gpu_per_cycle": 0}, 50, id="no loss allowed in a cycle"),
        pytest.param({"lost_gpu_per_hour": 0}, 50, id="no loss allowed in an hour"),
    ],
)
def test_nobody_stops(fields, priority):
    world, _, _ = full(**fields)
    world.submit("p/q", priority=priority)
    assert not [e for _ in range(5) for e in world.turn()]


def test_a_minimum_run_time_only_puts_it_off():
    world, first, _ = full(minimum_run_us=20_000_000)
    world.submit("p/q", priority=50)
    stopped = [[e.job_id for e in world.turn()] for _ in range(30)]
    assert [ids for ids in stopped if ids] == [[first.id]], "the only one that ran for so long"
    assert not any(stopped[:17])


def test_what_is_not_preemptible_stays_even_when_lowest():
    world = Obedient("p/q", gpus=2, policy="priority")
    world.submit("p/q", priority=1, preemptible=False)
    (victim,) = world.submit("p/q", priority=2)
    world.turn()
    world.submit("p/q", priority=90)
    assert [e.job_id for e in world.turn()] == [victim.id]
    world.submit("p/q", priority=90)
    assert not [e for _ in range(5) for e in world.turn()]


def test_nobody_stops_for_a_job_that_would_not_fit_all_the_same():
    world = Obedient("p/q", gpus=(4, 4), policy="priority", most_victims=3)
    world.submit("p/q", 8)
    world.turn()
    world.submit("p/q", gpus=4, priority=90)
    assert not [e for _ in range(5) for e in world.turn()], "it would need four"


def test_those_that_turn_out_unneeded_go_on():
    world = Obedient("p/q", gpus=(2, 4), policy="priority")
    small = world.submit("p/q", 2, priority=1)
    large = world.submit("p/q", 1, gpus=4, priority=5)
    world.turn()
    (urgent,) = world.submit("p/q", gpus=4, priority=90)
    assert [e.job_id for e in world.turn()] == [large[0].id]
    world.turn()
    assert world.is_live(urgent)
    assert all(world.is_live(spec) for spec in small)


def test_a_project_is_the_scope_unless_it_is_the_cluster():
    def victims(scope):
        world = Obedient("a/x", "a/y", "b/z", gpus=2, policy="priority", preemption_scope=scope,
                         reclaim=False)  # fmt: skip
        near, far = world.submit("a/y", priority=40), world.submit("b/z", priority=1)
        world.turn()
        world.submit("a/x", priority=90)
        names = {near[0].id: "near", far[0].id: "far"}
        return [names[e.job_id] for e in world.turn()]

    assert victims("project") == ["near"]
    assert victims("cluster") == ["far"]


def test_the_room_that_a_victim_leaves_goes_to_nobody_else():
    world = Obedient("p/q", "z/other", gpus=2, policy="priority", reclaim=False)
    low = world.submit("p/q", 2)
    world.turn()
    world.submit("z/other", 2)
    (urgent,) = world.submit("p/q", gpus=2, priority=90)
    assert len(world.decide().evictions) == 2
    world.stop(low[0])
    world.turn()
    assert not world.running("z/other"), "one of two victims has gone"
    world.obey()
    world.turn()
    assert world.is_live(urgent)


def test_a_job_stopped_by_a_full_queue_preempts_in_it():
    queue = a_queue("p/q", max_concurrent_jobs=1)
    world = Obedient(queue, gpus=8, policy="priority")
    (low,) = world.submit("p/q")
    world.turn()
    (urgent,) = world.submit("p/q", priority=90)
    assert [e.job_id for e in world.turn()] == [low.id]
    world.turn()
    assert world.is_live(urgent)


def test_a_claim_is_given_up_with_the_node_and_told():
    world, _, _ = full()
    (urgent,) = world.submit("p/q", priority=50)
    world.decide()
    assert world.shard.state.claims
    world.tell(nodes.Cordoned(("n1",)))
    world.decide()
    assert not world.shard.state.claims
    world.decide()
    assert world.shard.job(urgent).reason.code is not ReasonCode.STOPPING


def test_a_cancelled_beneficiary_leaves_the_room_to_others():
    world, _, second = full()
    (urgent,) = world.submit("p/q", priority=50)
    world.decide()
    world.tell(jobs.CancelRequested((jobs.CancelRequest(urgent.id, "ann"),)))
    world.obey()
    world.turn()
    assert not world.shard.state.claims
    assert world.is_live(second)
    assert world.shard.job(second).attempt == 2


def test_the_hourly_budget_is_shared_by_cycles_and_comes_back():
    world = Obedient("p/q", gpus=2, policy="priority", lost_gpu_per_hour=60_000)
    world.submit("p/q", 2)
    world.turn()
    world.now += 40_000_000
    world.submit("p/q", priority=90)
    assert len(world.turn()) == 1, "about 41 GPU-seconds"
    world.turn()
    world.submit("p/q", priority=90)
    assert not [e for _ in range(5) for e in world.turn()]
    world.now += 3_700_000_000
    assert not world.turn(), "by now that alone is above the budget"


# --- installed policies


def installed(victim):
    return Plugins({**BUILT_IN, "theirs": Policy("theirs", by_position, victim=victim)})


def with_policy(victim):
    world = Obedient("p/q", gpus=2, policy="theirs", plugins=installed(victim))
    specs = world.submit("p/q", 2)
    world.turn()
    (waiting,) = world.submit("p/q")
    return world, specs, waiting


def test_an_installed_policy_says_who_gives_way():
    def oldest(running: list[Job], new_job: Job) -> Job | None:
        return min(running, key=lambda job: job.position) if new_job.position > 2 else None

    world, specs, waiting = with_policy(oldest)
    assert [e.job_id for e in world.turn()] == [specs[0].id]
    world.turn()
    assert world.is_live(waiting)


def raising(running, new_job):
    raise KeyError("x")


def inventing(running, new_job):
    return new_job


def changing(running, new_job):
    running[0].position = 7


@pytest.mark.parametrize("victim", [raising, inventing, changing])
def test_an_installed_policy_that_fails_stops_nobody_and_is_not_asked_again(victim):
    world, specs, _ = with_policy(victim)
    assert not [e for _ in range(5) for e in world.turn()]
    assert "theirs" in world.engine.waiting.failed
    assert [world.shard.job(spec).position for spec in specs] == [1, 2]
