"""Gangs that start with their least and grow to their most."""

import pytest

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.testing.builders import a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms


def rooms_with(*nodes):
    rooms = Rooms(SchedulerSettings())
    for node in nodes:
        rooms.put(node, None)
    return rooms


def racks(*sizes):
    """Nodes of one GPU, of one rack after the other, as many as each size says."""
    return [
        a_node(f"r{rack}n{i}", gpu=1000, labels={"rack": f"r{rack}"})
        for rack, size in enumerate(sizes, 1)
        for i in range(1, size + 1)
    ]


def nodes_of(placement):
    return None if placement is None else [task.node for task in placement]


def elastic(least, most):
    group = TaskGroup("worker", most, {"gpu": 1000}, min_tasks=least)
    return a_spec(resources={}, groups=(group,), tasks=most)


@pytest.mark.parametrize(
    ("free", "placed"),
    [
        pytest.param(1, None, id="below its least it waits"),
        pytest.param(3, 3, id="between it takes what there is"),
        pytest.param(9, 5, id="above its most it takes no more"),
    ],
)
def test_an_elastic_gang_starts_between_its_least_and_its_most(free, placed):
    rooms = rooms_with(a_node("n1", gpu=free * 1000))
    tasks = rooms.place(rooms.shape_of(elastic(2, 5)))
    assert (tasks and len(tasks)) == placed


def test_an_elastic_gang_grows_when_there_is_room_and_gives_all_back():
    rooms = rooms_with(a_node("n1", gpu=4000))
    spec, other = elastic(1, 3), a_spec(resources={"gpu": 1000})
    others = [rooms.place(rooms.shape_of(other)) for _ in range(2)]
    held = rooms.place(rooms.shape_of(spec))
    assert len(held) == 2
    assert rooms.grow(spec, held) == ()
    rooms.release(other, others[0])
    grown = rooms.grow(spec, held)
    assert grown == (TaskPlacement("n1", (0,)),)
    assert rooms.grow(spec, held + grown) == ()
    rooms.release(spec, grown, first=2)
    rooms.release(spec, held)
    assert [rooms.place(rooms.shape_of(other)) is None for _ in range(4)] == [False] * 3 + [True]


def test_an_elastic_gang_grows_within_its_required_domain_only():
    rooms = rooms_with(*racks(2, 2))
    group = TaskGroup("worker", 4, {"gpu": 1000}, min_tasks=2)
    rack = Constraints(required_level="rack")
    spec = a_spec(resources={}, groups=(group,), tasks=4, constraints=rack)
    held = rooms.place(rooms.shape_of(spec))
    assert nodes_of(held) == ["r1n1", "r1n2"]
    assert rooms.grow(spec, held) == ()


def test_an_elastic_gang_rather_starts_where_it_can_grow():
    rooms = rooms_with(*racks(2, 4))
    group = TaskGroup("worker", 4, {"gpu": 1000}, min_tasks=2)
    rack = Constraints(required_level="rack")
    spec = a_spec(resources={}, groups=(group,), tasks=4, constraints=rack)
    assert len(rooms.place(rooms.shape_of(spec))) == 4
