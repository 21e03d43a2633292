"""Placing as if some nodes took no work, and all as before when that is over."""

from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.testing.builders import a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms

ONE = a_spec(1, resources={"gpu": 1000})
GANG = a_spec(2, resources={"gpu": 1000}, tasks=5)
IN_ONE_RACK = a_spec(
    3, resources={"gpu": 1000}, tasks=2, constraints=Constraints(required_level="rack")
)


def make_rooms(count: int = 2, leave_out: tuple[str, ...] = ()) -> Rooms:
    rooms = Rooms(SchedulerSettings())
    for i in range(count):
        if f"n{i}" not in leave_out:
            rooms.put(a_node(f"n{i}", gpu=2000, labels={"rack": f"r{i // 2}"}), None)
    return rooms


def nodes_of(tasks: tuple[TaskPlacement, ...] | None) -> list[str]:
    return [task.node for task in tasks or ()]


def test_nodes_that_are_shut_take_nothing_and_are_open_again_afterwards():
    rooms = make_rooms()
    shape = rooms.shape_of(ONE)
    assert nodes_of(rooms.place_around(shape, ["n0"])) == ["n1"]
    assert rooms.place_around(shape, ["n0", "n1"]) is None
    assert not rooms.is_blocked(shape)
    assert [nodes_of(rooms.place(shape)) for _ in range(3)] == [["n1"], ["n0"], ["n0"]]
    assert rooms.place(shape) is None


def test_what_waits_for_the_same_does_not_hide_the_nodes_from_others():
    rooms = make_rooms()
    gang, shape = rooms.shape_of(GANG), rooms.shape_of(ONE)
    assert rooms.place(gang) is None
    assert rooms.place_around(shape, ["n0", "n1"]) is None
    assert rooms.is_blocked(gang)
    assert rooms.place(shape) is not None


def test_nobody_is_woken_by_it():
    rooms = make_rooms()
    gang = rooms.shape_of(GANG)
    assert rooms.place(gang) is None
    rooms.woken()
    rooms.place_around(rooms.shape_of(ONE), ["n0"])
    assert rooms.woken() == []


@given(
    st.lists(st.sampled_from((ONE, GANG, IN_ONE_RACK)), max_size=6),
    st.lists(st.sampled_from(("n0", "n1", "n2", "n3", "gone")), unique=True),
    st.sampled_from((ONE, GANG, IN_ONE_RACK)),
)
def test_it_finds_room_as_without_those_nodes_and_changes_nothing_else(before, shut, spec):
    rooms, again = make_rooms(4), make_rooms(4)
    without = make_rooms(4, tuple(shut))
    for each in before:
        placed = rooms.place(rooms.shape_of(each))
        if placed is not None:
            again.take(each, placed)
            without.take(each, placed)
    if rooms.is_blocked(rooms.shape_of(spec)):
        return
    found = rooms.place_around(rooms.shape_of(spec), shut)
    expected = without.place(without.shape_of(spec))
    assert (found is None) == (expected is None)
    assert not any(task.node in shut for task in found or ())
    if spec is not IN_ONE_RACK:  # racks are compared by what is free in them, shut or not
        assert found == expected
    if found is not None:
        again.take(spec, found)
    for each in (ONE, IN_ONE_RACK, ONE, GANG, ONE):
        if rooms.is_blocked(rooms.shape_of(each)):
            assert again.place(again.shape_of(each)) is None
        else:
            assert rooms.place(rooms.shape_of(each)) == again.place(again.shape_of(each))
