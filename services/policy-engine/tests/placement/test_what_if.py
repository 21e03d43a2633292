"""Trying what would fit without some jobs leaves the rooms as they were, and wakes nobody."""

import random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.testing.builders import a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms

PLACES = (
    Constraints(),
    Constraints(anti_affinity=AntiAffinity()),
    Constraints(anti_affinity=AntiAffinity(key="own")),
    Constraints(required_level="rack"),
    Constraints(preferred_level="rack"),
    Constraints(strategy="least-fragmentation"),
)


def a_job(pick, number):
    resources = {"cpu": 500, "gpu": pick.choice((300, 500, 1000, 2000))}
    constraints = pick.choice(PLACES)
    if pick.random() < 0.2:
        group = TaskGroup("w", 2, resources, min_tasks=1)
        return a_spec(number, groups=(group,), tasks=2, resources={}, constraints=constraints)
    return a_spec(
        number, tasks=pick.choice((1, 1, 2, 3)), resources=resources, constraints=constraints
    )


def free(rooms):
    return {
        room.name: (room.cpu, room.memory, room.gpu, tuple(room.devices), room.whole)
        for room in rooms.rooms_of("simulated")
    }


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=80, deadline=None)
def test_a_what_if_agrees_with_really_freeing_the_room_and_leaves_no_trace(seed):
    pick = random.Random(seed)
    rooms = Rooms(SchedulerSettings())
    for i in range(4):
        rooms.put(a_node(f"n{i}", gpu=2000, cpu=3000, labels={"rack": f"r{i // 2}"}), None)
    live, blocked = {}, []
    for number in range(1, 25):
        spec = a_job(pick, number)
        shape = rooms.shape_of(spec)
        tasks = rooms.place(shape)
        if tasks is None:
            blocked.append(spec)
        else:
            live[spec.id] = (spec, tasks)
    rooms.woken()
    for spec in blocked:
        before, was_blocked = free(rooms), rooms.is_blocked(rooms.shape_of(spec))
        removed = pick.sample(sorted(live), min(len(live), pick.randint(1, 4)))
        what_if = rooms.what_if()
        for job_id in removed:
            other, tasks = live[job_id]
            what_if.remove(job_id, rooms.shape_of(other), tasks)
        if len(removed) > 1:
            what_if.restore(removed.pop())
        found = what_if.place(rooms.shape_of(spec))
        what_if.close()
        assert free(rooms) == before
        assert not rooms.woken()
        assert rooms.is_blocked(rooms.shape_of(spec)) == was_blocked
        for job_id in removed:
            rooms.release(*live[job_id])
        really = rooms.place(rooms.shape_of(spec))
        assert (found is None) == (really is None)
        if really is not None:
            rooms.release(spec, really)
        for job_id in removed:
            rooms.take(*live[job_id])
        rooms.woken()
        again = rooms.place(rooms.shape_of(spec))
        assert again is None, "what was tried and undone made no room"
