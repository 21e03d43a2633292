"""The integral of held resources over event times."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle, runs
from evenflow.common.domain.facts.usage import UsageEntry
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.testing.builders import GIB, T0, a_node, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.exporter.core.sample_mark import SampleMark
from evenflow.exporter.core.sampling import Allocations, in_base_units, parts_of


class World(Shard):
    """A shard whose every fold moves an integral too."""

    def __init__(self) -> None:
        super().__init__()
        self.allocations = Allocations()
        self.with_queues("vision/train").with_nodes(a_node("n1", gpu=8000)).with_leader()

    def tell(self, fact, **given):
        outcome = super().tell(fact, **given)
        if hasattr(self, "allocations"):
            self.allocations.fold(self.entries[-1], outcome)
        return outcome

    def placed(self, number: int = 1, **fields) -> JobSpec:
        spec = self.submit(a_spec(number, queue="vision/train", **fields))
        self.place(spec)
        return spec

    def place(self, spec: JobSpec) -> None:
        tasks = (TaskPlacement("n1"),) * spec.least_tasks
        placement = Placement(spec.id, self.job(spec).attempt, tasks)
        self.tell(cycle.Decided(self.state.epoch, 0, T0, "1", placements=(placement,)))

    def grow(self, spec: JobSpec, *, at: int) -> None:
        growth = Placement(spec.id, self.job(spec).attempt, (TaskPlacement("n1"),))
        self.tell(cycle.Decided(self.state.epoch, 0, T0, "1", growths=(growth,)), at=at)

    def seconds(self, until: int, resource: str = "cpu") -> float:
        return total(self.allocations.take(T0 + until), resource)


def total(entries: Iterable[UsageEntry], resource: str = "cpu") -> float:
    return math.fsum(entry.amounts.get(resource, 0.0) for entry in entries)


def test_a_job_between_two_ticks_counts_exactly_its_time():
    world = World()
    spec = world.placed(resources={"cpu": 2500, "memory": 3 * GIB, "gpu": 1000})
    world.start(spec, at=T0 + 100_000)
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 500_000)
    (entry,) = world.allocations.take(T0 + 5 * SECOND)
    assert entry.amounts == {"cpu": 1.0, "memory": 3 * GIB * 2 / 5, "gpu": 0.4}
    assert (entry.queue, entry.project, entry.user) == ("vision/train", "vision", "ann")
    assert world.allocations.take(T0 + 10 * SECOND) == []


def test_a_running_job_is_told_tick_by_tick_and_a_placed_one_not_at_all():
    world = World()
    spec = world.placed()
    assert world.seconds(1 * SECOND) == 0
    world.start(spec, at=T0 + 1 * SECOND)
    assert [world.seconds(at * SECOND) for at in (3, 4, 10)] == [2, 1, 6]


def test_a_gang_holds_all_its_tasks_until_the_last_one_ends():
    world = World()
    spec = world.placed(tasks=3)
    world.start(spec, at=T0)
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 1 * SECOND, tasks=(0, 1))
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 4 * SECOND, tasks=(2,))
    assert world.seconds(9 * SECOND) == 12


ROLES = (TaskGroup("ps", 1, {"cpu": 1000}), TaskGroup("w", 3, {"cpu": 4000, "gpu": 1000}, 1))


def test_a_gang_of_roles_holds_each_tasks_request_and_growth_from_its_placement():
    world = World()
    spec = world.placed(groups=ROLES, tasks=4, resources={})
    world.start(spec, at=T0 + SECOND)
    assert world.seconds(3 * SECOND) == 2 * 5
    world.grow(spec, at=T0 + 2 * SECOND)
    assert world.seconds(4 * SECOND) == 5 + 2 * 4
    world.grow(spec, at=T0 + 4 * SECOND)
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 5 * SECOND)
    (entry,) = world.allocations.take(T0 + 9 * SECOND)
    assert entry.amounts == {"cpu": 5 + 4 + 4, "gpu": 1 + 1 + 1}


def test_a_gang_that_grew_before_it_ran_counts_from_when_it_ran():
    world = World()
    spec = world.placed(groups=ROLES, tasks=4, resources={})
    world.grow(spec, at=T0 + SECOND)
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 5 * SECOND, started_at=T0 + 3 * SECOND)
    assert world.seconds(9 * SECOND) == 2 * (1 + 4 + 4)


def test_every_attempt_counts_also_those_whose_start_came_with_their_end():
    world = World()
    spec = world.placed(retry_limit=2)
    world.end(spec, Outcome.FAILED, at=T0 + 2 * SECOND, started_at=T0 + 1 * SECOND)
    world.place(spec)
    report = runs.RunReport(spec.id, 2, TaskPhase.RUNNING, T0 + 3 * SECOND)
    ended = runs.RunReport(
        spec.id, 2, TaskPhase.ENDED, T0 + 6 * SECOND, outcome=Outcome.FAILED, exit_code=1
    )
    world.tell(runs.Reported((report, ended)))  # both in one fact
    world.place(spec)
    world.start(spec, at=T0 + 7 * SECOND)
    assert world.seconds(8 * SECOND) == 1 + 3 + 1


def test_an_attempt_that_never_ran_counts_nothing():
    world = World()
    spec = world.placed()
    world.end(spec, Outcome.REFUSED, at=T0 + 2 * SECOND)
    assert world.allocations.take(T0 + 9 * SECOND) == []


def test_what_a_late_end_makes_too_much_is_taken_back():
    world = World()
    spec = world.placed()
    world.start(spec, at=T0)
    assert world.seconds(5 * SECOND) == 5
    world.end(spec, Outcome.SUCCEEDED, at=T0 + 4 * SECOND)
    assert world.seconds(6 * SECOND) == -1


def test_a_checkpoint_is_as_good_as_the_log():
    world = World()
    world.start(world.placed(), at=T0)
    gang = world.placed(2, groups=ROLES, tasks=4, resources={})
    world.start(gang, at=T0)
    world.grow(gang, at=T0 + 100_000)
    seeded = Allocations()
    seeded.seed(world.state.jobs.values())
    assert seeded.take(T0 + SECOND) == world.allocations.take(T0 + SECOND)


_LIVES = st.lists(
    st.tuples(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(1, 8000)),
    min_size=1, max_size=12,
)  # fmt: skip


@given(_LIVES, st.lists(st.integers(0, 2 * 10**8), max_size=8), st.data())
def test_samples_add_up_to_the_truth_whatever_the_ticks_and_delays(lives, ticks, data):
    world = World()
    specs = [world.placed(n, resources={"cpu": 1}) for n, _ in enumerate(lives, 1)]
    allocations = world.allocations
    steps = [("start", n) for n in range(len(lives))] + [("end", n) for n in range(len(lives))]
    told: list[UsageEntry] = []
    clock = iter(sorted(ticks))
    for kind, number in steps:
        begin, length, _ = lives[number]
        if kind == "start":
            world.start(specs[number], at=T0 + begin)
        else:
            world.end(specs[number], Outcome.SUCCEEDED, at=T0 + begin + length)
        if data.draw(st.booleans()) and (at := next(clock, None)) is not None:
            told += allocations.take(T0 + at)
    told += allocations.take(T0 + 10**9)
    assert total(told) == pytest.approx(sum(life[1] for life in lives) / 1e9, rel=1e-12, abs=1e-12)


_GROWING = st.lists(
    st.tuples(
        st.integers(0, 10**7), st.integers(1, 8000), st.integers(1, 8000),  # starts, requests
        st.lists(st.integers(0, 10**7), max_size=3), st.integers(0, 10**7),  # growths, end
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@given(_GROWING, st.data())
def test_samples_of_gangs_that_grow_add_up_to_resources_times_time(lives, data):
    world = World()
    told: list[UsageEntry] = []
    expected = latest = 0
    for number, (begin, first, more, growths, length) in enumerate(lives, 1):
        roles = (TaskGroup("a", 1, {"cpu": first}), TaskGroup("b", 3, {"cpu": more}, 0))
        spec = world.placed(number, groups=roles, tasks=4, resources={})
        steps = [begin + at for at in sorted(growths)]
        world.start(spec, at=T0 + begin)
        for at in steps:
            world.grow(spec, at=T0 + at)
            if data.draw(st.booleans()):
                latest = max(latest, at)
                told += world.allocations.take(T0 + latest)
        end = max([begin, *steps]) + length
        world.end(spec, Outcome.SUCCEEDED, at=T0 + end)
        expected += (end - begin) * first + sum((end - at) * more for at in steps)
    told += world.allocations.take(T0 + 10**9)
    assert total(told) == pytest.approx(expected / 1e9, rel=1e-12, abs=1e-12)


def test_a_mark_reads_back_from_its_text():
    mark = SampleMark("east-2", 7, 12, T0, 2, 5)
    assert SampleMark.parse(str(mark)) == mark


def test_the_capacity_is_told_in_one_part_only():
    entries = [UsageEntry(str(n), "q", "p", "u", {}) for n in range(5)]
    parts = list(parts_of(entries, in_base_units({"cpu": 1500}), most=2))
    assert [len(some) for some, _ in parts] == [2, 2, 1]
    assert [capacity for _, capacity in parts] == [{"cpu": 1.5}, {}, {}]
    assert len(list(parts_of([], {}, most=2))) == 1
