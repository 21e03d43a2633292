"""Room kept in advance: who waits for it, who may use it, and when it is free again."""

import pytest

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.facts import cluster, nodes, reservations
from evenflow.common.domain.jobs.job import AntiAffinity, Constraints, TaskGroup
from evenflow.common.testing.builders import HOUR, T0, a_node
from evenflow.policy_engine.core.explain.explain import explain
from tests.fleets.reserving import Reserving

MINUTE = HOUR // 60
GPU = {"gpu": 1000}


@pytest.fixture(
    params=[
        pytest.param({}, id="easy"),
        pytest.param({"backfill": "off"}, id="no backfill"),
        pytest.param({"strict_order": False}, id="any order"),
    ]
)
def options(request):
    return request.param


def test_what_would_run_into_a_reservation_waits_and_says_why(options):
    world = Reserving(**options)
    world.reserve(tasks=16)
    long = world.submit(limit=HOUR + MINUTE)
    assert world.turn() == []
    reason = world.reason(long)
    assert reason.code is ReasonCode.RESERVED
    assert reason.detail["reservation"] == "kept"
    assert (reason.detail["start"], reason.detail["end"]) == (T0 + HOUR, T0 + 2 * HOUR)


def test_what_is_over_by_then_starts_and_so_does_what_has_room_beside_it(options):
    world = Reserving(**options)
    world.reserve(tasks=15)
    short = world.submit(limit=HOUR, tasks=15)
    beside = world.submit(limit=5 * HOUR)
    assert world.turn() == [short.id, beside.id]


def test_a_job_is_planned_by_its_limit_else_its_estimate_else_what_is_expected(options):
    world = Reserving(**options, expected_duration_us=30 * MINUTE)
    world.reserve(tasks=16)
    by_limit = world.submit(limit=2 * HOUR, estimated_duration_us=MINUTE)
    by_estimate = world.submit("vision/train", estimated_duration_us=MINUTE)
    unknown = world.submit("vision/train")
    assert sorted(world.turn()) == [by_estimate.id, unknown.id]
    assert world.reason(by_limit).code is ReasonCode.RESERVED


def test_a_short_job_behind_a_long_one_starts(options):
    world = Reserving(backfill="easy")
    world.reserve(tasks=16)
    long = world.submit(limit=3 * HOUR)
    short = world.submit(limit=MINUTE)
    assert world.turn() == [short.id]
    assert world.reason(long).code is ReasonCode.RESERVED


def test_its_own_jobs_start_when_it_begins_and_others_when_it_is_over(options):
    world = Reserving(**options)
    world.reserve(tasks=16)
    busy = [world.submit(limit=HOUR, tasks=8) for _ in range(2)]
    assert len(world.turn()) == 2
    others = world.submit(limit=HOUR)
    mine = world.submit("vision/train", limit=HOUR, tasks=16)
    assert world.turn(T0 + 30 * MINUTE) == []
    world.now = T0 + HOUR
    for spec in busy:
        world.end(spec)
    assert world.turn() == [mine.id]
    world.now = T0 + 90 * MINUTE
    world.end(mine)
    assert world.turn() == [], "until its end it is kept, in use or not"
    assert world.reason(others).code is ReasonCode.RESERVED
    assert world.turn(T0 + 2 * HOUR) == [others.id]


def test_its_own_jobs_may_use_it_before_and_beside_it(options):
    world = Reserving(**options)
    world.reserve(tasks=8)
    early = world.submit("vision/train", limit=9 * HOUR, tasks=8)
    more = world.submit("vision/train", limit=9 * HOUR, tasks=8)
    assert world.turn() == [early.id, more.id]


def test_a_cancelled_reservation_is_free_at_once(options):
    world = Reserving(**options)
    world.reserve(tasks=16)
    long = world.submit(limit=3 * HOUR)
    assert world.turn() == []
    world.tell(reservations.Cancelled((reservations.Cancellation("id-kept", "ann"),)))
    assert world.turn() == [long.id]


def test_what_runs_now_counts_as_long_as_it_may_run(options):
    world = Reserving(**options)
    assert len([world.submit(limit=2 * HOUR, tasks=8)]) == 1
    world.turn()
    world.reserve(tasks=8)
    long = world.submit(limit=3 * HOUR)
    assert world.turn() == [], "one node is held beyond the start, the other is kept"
    assert world.reason(long).code is ReasonCode.RESERVED


def test_what_cannot_be_kept_any_more_blocks_only_what_makes_it_worse(options):
    world = Reserving(3, **options)
    only = Constraints(selector={"rack": ("r0",)})
    world.reserve(tasks=8, constraints=only)
    world.tell(nodes.Cordoned(("n0",)))
    beside = world.submit(limit=9 * HOUR, tasks=16)
    assert world.turn() == [beside.id]


def test_a_job_goes_where_it_is_in_nobodys_way(options):
    world = Reserving(2, **options, strategy="spread")
    world.reserve(tasks=8, constraints=Constraints(selector={"rack": ("r0",)}))
    jobs = [world.submit(limit=9 * HOUR) for _ in range(9)]
    assert world.turn() == [spec.id for spec in jobs[:8]]
    places = {task.node for spec in jobs[:8] for task in world.shard.job(spec).placement}
    assert places == {"n1"}
    assert world.reason(jobs[8]).code is ReasonCode.RESERVED
    mine = world.submit("vision/train", tasks=8, limit=HOUR)
    assert world.turn() == [mine.id], "the nodes that were passed over are seen again"


def test_tasks_apart_count_one_for_each_node():
    world = Reserving(3)
    world.reserve(tasks=3, constraints=Constraints(anti_affinity=AntiAffinity()))
    beside = [world.submit(limit=9 * HOUR) for _ in range(21)]
    last = [world.submit(limit=9 * HOUR) for _ in range(3)]
    assert world.turn() == [spec.id for spec in beside]
    assert world.reason(last[0]).code is ReasonCode.RESERVED


def test_tasks_in_one_domain_are_kept_in_one_domain():
    world = Reserving(2)
    world.reserve(tasks=8, constraints=Constraints(required_level="rack"))
    first = world.submit(limit=9 * HOUR, tasks=8)
    second = world.submit(limit=9 * HOUR)
    assert world.turn() == [first.id]
    assert world.reason(second).code is ReasonCode.RESERVED


def test_reservations_at_one_time_keep_room_beside_each_other():
    world = Reserving(4)
    world.reserve("one", resources={"gpu": 8000})
    world.reserve("two", resources={"gpu": 8000}, start_at=T0 + HOUR + 1, queue="speech")
    first = world.submit("vision/train", limit=9 * HOUR, tasks=2, resources={"gpu": 8000})
    second = world.submit("vision/train", limit=9 * HOUR, resources={"gpu": 8000})
    third = world.submit("vision/train", limit=9 * HOUR, resources={"gpu": 8000})
    assert world.turn() == [first.id, second.id], "one of them is vision's own room"
    assert world.reason(third).detail["reservation"] == "two"


def test_a_gang_that_may_grow_starts_small_and_grows_when_the_way_is_free(options):
    world = Reserving(**options)
    world.reserve(tasks=12)
    group = TaskGroup("worker", 8, GPU, min_tasks=2)
    gang = world.submit(limit=9 * HOUR, groups=(group,), tasks=8, resources={})
    assert world.turn() == [gang.id]
    assert len(world.shard.job(gang).placement) == 4, "two at once, two more beside what is kept"
    world.turn(T0 + 3 * HOUR)
    assert len(world.shard.job(gang).placement) == 8


def test_its_own_job_is_not_held_back_for_a_wide_one_that_waits():
    world = Reserving()
    world.reserve(tasks=8, start_at=T0)
    busy = world.submit(limit=HOUR, tasks=8)
    assert world.turn() == [busy.id]
    wide = world.submit(limit=HOUR, tasks=16)
    world.turn()
    mine = world.submit("vision/train", limit=9 * HOUR, tasks=8)
    assert world.turn(T0 + MINUTE) == [mine.id]
    assert world.reason(wide).code is ReasonCode.CAPACITY


def test_the_engine_wakes_when_one_begins_and_when_it_ends():
    world = Reserving()
    world.reserve()
    reserved = world.engine.reserved
    assert reserved.next_change(T0) == T0 + HOUR
    assert reserved.next_change(T0 + HOUR) == T0 + 2 * HOUR
    assert reserved.next_change(T0 + 2 * HOUR) is None


def test_a_node_that_comes_back_counts_again():
    world = Reserving(2)
    world.reserve(tasks=8)
    world.tell(cluster.Observed("simulated", (), gone=("n1",)))
    waiting = world.submit(limit=9 * HOUR)
    assert world.turn() == []
    world.tell(cluster.Observed("simulated", (a_node("n1", gpu=8000),)))
    assert world.turn() == [waiting.id]


def test_its_own_job_starts_although_a_job_like_it_is_held_back_first(options):
    world = Reserving(**options)
    world.reserve(tasks=16, start_at=T0)
    others = world.submit("speech", limit=HOUR, priority=9)
    mine = world.submit("vision/train", limit=HOUR)
    assert world.turn() == [mine.id]
    assert world.reason(others).code is ReasonCode.RESERVED


def test_what_waits_for_a_reservation_is_predicted_to_start_at_its_end():
    world = Reserving()
    world.reserve(tasks=16)
    long = world.submit(limit=3 * HOUR)
    world.turn()
    found = explain(world.engine, long.id, T0 + MINUTE)
    assert (found.prediction.at, found.prediction.basis) == (
        T0 + 2 * HOUR,
        "end of the reservation in its way",
    )
