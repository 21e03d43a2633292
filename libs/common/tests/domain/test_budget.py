"""GPU-hour budgets: periods, and what is used of them, exactly."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.clock import DAY, HOUR, SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle, queues, quotas
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.quotas.quota import PERIODS, Quota, broken_rules
from evenflow.common.domain.state.budget import (
    DAYS_KEPT,
    budget_spent,
    next_budget_turn,
    period_end,
    period_start,
    spent_of,
)
from evenflow.common.testing.builders import a_node
from evenflow.common.testing.shard import Shard


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


MONDAY = at("2026-09-28")


@pytest.mark.parametrize(
    ("period", "moment", "start", "end"),
    [
        ("day", "2026-09-30T13:00", "2026-09-30", "2026-10-01"),
        ("week", "2026-10-04T23:59", "2026-09-28", "2026-10-05"),
        ("week", "2026-09-28T00:00", "2026-09-28", "2026-10-05"),
        ("week", "1970-01-01T00:00", "1969-12-29", "1970-01-05"),
        ("month", "2026-12-31T12:00", "2026-12-01", "2027-01-01"),
        ("month", "2028-02-29T12:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_periods_are_those_of_the_utc_calendar(period, moment, start, end):
    assert (period_start(period, at(moment)), period_end(period, at(moment))) == (
        at(start),
        at(end),
    )


@given(st.sampled_from(PERIODS), st.integers(0, 4 * 10**15))
def test_every_instant_lies_in_one_period_and_the_next_begins_where_it_ends(period, moment):
    start, end = period_start(period, moment), period_end(period, moment)
    assert start <= moment < end
    assert (period_start(period, end), period_end(period, end - 1)) == (end, end)
    assert start % DAY == 0


class World(Shard):
    """One project with a queue, and a node that is large enough."""

    def __init__(self) -> None:
        super().__init__()
        self.with_leader().with_queues("p/q", "p/r")
        self.with_nodes(a_node("n1", cpu=10**9, gpu=10**9))

    def budget(self, hours: int | None, period: str | None, path: str = "p") -> None:
        self.tell(quotas.Set((Quota(path, gpu_hours=hours, period=period),)))

    def place(self, at: int, *, gpu: int = 1000, queue: str = "p/q", **fields) -> JobSpec:
        spec = self.submit(queue=queue, **({"resources": {"gpu": gpu}} | fields))
        placement = Placement(spec.id, 1, (TaskPlacement("n1"),) * spec.least_tasks)
        self.tell(cycle.Decided(self.state.epoch, 0, at, "1", placements=(placement,)), at=at)
        return spec

    def grow(self, spec: JobSpec, at: int) -> None:
        growth = Placement(spec.id, 1, (TaskPlacement("n1"),))
        self.tell(cycle.Decided(self.state.epoch, 0, at, "1", growths=(growth,)), at=at)

    def finish(self, spec: JobSpec, at: int) -> None:
        self.end(spec, Outcome.SUCCEEDED, at=at, started_at=at)

    def hours(self, now: int, path: str = "p") -> float:
        return budget_spent(self.state, path, now) / (1000 * HOUR)


def test_what_ended_and_what_runs_count_at_the_queue_and_above_it():
    world = World()
    for path in ("p", "p/q", "p/r"):
        world.budget(1_000_000, "day", path)
    world.finish(world.place(MONDAY, gpu=2000), MONDAY + HOUR)
    world.place(MONDAY + HOUR, gpu=500, tasks=4)
    now = MONDAY + 3 * HOUR
    assert [world.hours(now, path) for path in ("p", "p/q", "p/r")] == [6, 6, 0]


def test_time_before_the_period_does_not_count_whether_it_has_ended_or_not():
    world = World()
    world.budget(1_000_000, "week")
    ended, _ = world.place(MONDAY - HOUR), world.place(MONDAY - 5 * HOUR)
    assert world.hours(MONDAY - 1) == pytest.approx(1 + 5)
    assert world.hours(MONDAY) == 0
    world.finish(ended, MONDAY + 2 * HOUR)
    assert world.hours(MONDAY + 3 * HOUR) == 2 + 3


def test_a_budget_set_or_changed_in_mid_period_counts_what_the_period_has_seen():
    world = World()
    world.finish(world.place(MONDAY - 30 * HOUR), MONDAY - 20 * HOUR)
    world.place(MONDAY)
    now = MONDAY + HOUR
    assert world.hours(now) == 0, "there is no budget yet"
    for period, hours in (("day", 1), ("week", 1), ("month", 11)):
        world.budget(1_000_000, period)
        assert world.hours(now) == hours


def test_tasks_by_which_a_gang_grew_count_from_their_own_placement():
    world = World()
    world.budget(1_000_000, "day")
    roles = (TaskGroup("ps", 1, {"cpu": 1}), TaskGroup("w", 3, {"gpu": 2000}, 1))
    spec = world.place(MONDAY, groups=roles, tasks=4, resources={})
    world.grow(spec, MONDAY + HOUR)
    assert world.hours(MONDAY + 2 * HOUR) == 2 * 2 + 2
    world.finish(spec, MONDAY + 3 * HOUR)
    assert world.hours(MONDAY + 9 * HOUR) == 2 * 3 + 2 * 2


def test_used_up_is_exact_and_shown_hours_are_rounded_down():
    world = World()
    world.budget(1500, "day")
    world.place(MONDAY)
    quota = world.state.quotas["p"]
    just = MONDAY + 3 * HOUR // 2
    before, then = spent_of(world.state, quota, just - 1), spent_of(world.state, quota, just)
    assert (before.used, before.is_used_up) == (1499, False)
    assert (then.used, then.is_used_up, then.period_end) == (1500, True, MONDAY + DAY)
    assert spent_of(world.state, Quota("p"), just) is None


def test_the_next_turn_is_that_of_the_budget_whose_period_ends_first():
    world = World()
    assert next_budget_turn(world.state, MONDAY) is None
    world.budget(1, "month")
    assert next_budget_turn(world.state, MONDAY) == at("2026-10-01")
    world.budget(1, "day", "p/q")
    world.budget(1, "week", "p/r")
    assert next_budget_turn(world.state, MONDAY) == MONDAY + DAY
    world.budget(None, None, "p/q")
    world.budget(2, "week", "p/r")
    world.tell(queues.Deleted(("p/r",)))
    assert next_budget_turn(world.state, MONDAY) == at("2026-10-01")
    world.budget(None, None)
    assert next_budget_turn(world.state, MONDAY) is None
    assert not world.state.budgets


def test_no_more_days_are_kept_than_a_month_may_reach_back():
    world = World()
    for day in range(100):
        world.finish(world.place(MONDAY + day * DAY), MONDAY + day * DAY + HOUR)
    world.finish(world.place(MONDAY), MONDAY + 200 * DAY)
    days = world.state.budget_used["p/q"]
    assert set(days) == set(range(MONDAY // DAY + 200 - DAYS_KEPT, MONDAY // DAY + 200))


def test_a_deleted_queue_leaves_nothing_behind():
    world = World()
    world.finish(world.place(MONDAY, queue="p/r"), MONDAY + HOUR)
    world.tell(queues.Deleted(("p/r",)))
    assert set(world.state.budget_used) == {"p"}


@pytest.mark.parametrize(
    ("quota", "field"),
    [
        pytest.param(Quota("p", gpu_hours=1), "budget_period", id="a budget without a period"),
        pytest.param(Quota("p", period="day"), "gpu_hours_budget", id="a period alone"),
        pytest.param(Quota("p", gpu_hours=-1, period="day"), "gpu_hours_budget", id="negative"),
        pytest.param(Quota("p", gpu_hours=1, period="year"), "budget_period", id="unknown"),
    ],
)
def test_a_bad_budget_is_named_and_does_not_stand(quota, field):
    assert [broken.field for broken in broken_rules(quota)] == [field]
    world = World()
    world.tell(quotas.Set((quota,)))
    assert not world.state.quotas
    assert not world.state.budgets


_LIVES = st.lists(
    st.tuples(
        st.integers(0, 50 * DAY),  # placed
        st.integers(0, 40 * DAY),  # grown after
        st.integers(0, 40 * DAY),  # ended after
        st.integers(1, 9),  # gpus of a task
        st.booleans(),  # whether it ended at all
    ),
    max_size=8,
)


@given(_LIVES, st.sampled_from(PERIODS), st.booleans())
def test_spent_is_the_integral_over_the_period_whatever_has_ended(lives, period, is_restored):
    world = World()
    world.budget(1, period)
    now = max((sum(life[:3]) for life in lives), default=0)
    expected, start = 0, period_start(period, MONDAY + now)
    for placed, grown, ended, gpus, has_ended in lives:
        begin, more = MONDAY + placed, MONDAY + placed + grown
        end = more + ended if has_ended else MONDAY + now
        roles = (TaskGroup("w", 2, {"gpu": gpus}, 1),)
        spec = world.place(begin, groups=roles, tasks=2, resources={})
        world.grow(spec, more)
        if has_ended:
            world.finish(spec, end)
        expected += sum(gpus * max(0, end - max(since, start)) for since in (begin, more))
    state = world.state
    if is_restored:
        state = checkpoint.load(checkpoint.dump(state, "log"), "log")
    assert budget_spent(state, "p", MONDAY + now) == expected
