"""What wakes a blocked shape, what is the same shape, and what a long history must not change."""

from dataclasses import replace

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.common.testing.builders import a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms


def rooms_with(*nodes, **settings):
    rooms = Rooms(SchedulerSettings(**settings))
    for node in nodes:
        rooms.put(node, None)
    return rooms


def gpus(amount=1000, **fields):
    return a_spec(resources={"gpu": amount}, **fields)


def test_only_those_wake_that_fit_what_came_free():
    rooms = rooms_with(a_node("n1", gpu=2000), a_node("n2", gpu=1000))
    one, two = gpus(), gpus(2000)
    shapes = [rooms.shape_of(spec) for spec in (one, two)]
    placed = [rooms.place(shapes[0]) for _ in range(3)]
    assert [rooms.place(shape) for shape in shapes] == [None, None]
    rooms.release(one, next(p for p in placed if p[0].node == "n2"))
    assert rooms.woken() == [shapes[0]]
    assert rooms.woken() == []
    assert [rooms.is_blocked(shape) for shape in shapes] == [False, True]


def test_a_node_that_comes_wakes_who_fits_it():
    rooms = rooms_with()
    shape = rooms.shape_of(gpus())
    assert rooms.place(shape) is None
    rooms.put(a_node("n1"), None)
    assert rooms.woken() == []
    rooms.put(a_node("n2", gpu=1000), NodeHeld({"gpu": 1000}, {0: 1000}))
    assert rooms.woken() == []
    rooms.put(a_node("n3", gpu=1000), None)
    assert rooms.woken() == [shape]


def test_shapes_wake_in_the_order_of_their_keys():
    rooms = rooms_with()
    shapes = [rooms.shape_of(gpus(1000, tasks=n)) for n in (3, 1, 2)]
    for shape in shapes:
        rooms.place(shape)
    rooms.put(a_node("n1", gpu=8000), None)
    assert rooms.woken() == sorted(shapes, key=lambda shape: shape.key)


def test_a_gang_of_roles_wakes_too_when_others_take_room():
    # Pack puts the small task on n1, the only one for the big task; once n2 is fuller, there.
    groups = (TaskGroup("small", 1, {"cpu": 1000}), TaskGroup("big", 1, {"cpu": 4000}))
    gang = a_spec(resources={}, groups=groups, tasks=2)
    rooms = rooms_with(a_node("n1", cpu=4000), a_node("n2", cpu=3000, gpu=1000))
    shape = rooms.shape_of(gang)
    assert rooms.place(shape) is None
    assert rooms.could_hold(shape)
    rooms.place(rooms.shape_of(gpus()))
    assert rooms.woken() == [shape]
    assert [task.node for task in rooms.place(shape)] == ["n2", "n1"]


def test_a_gang_of_roles_wakes_when_the_mix_would_have_it_placed_otherwise():
    # Pack puts the small task on n1, the only one for the big task. Once jobs are common that
    # cannot use n2, least fragmentation puts it there.
    groups = (
        TaskGroup("small", 1, {"cpu": 1000, "gpu": 500}),
        TaskGroup("big", 1, {"cpu": 2000, "gpu": 1000}),
    )
    gang = a_spec(resources={}, groups=groups, tasks=2)
    nodes = (a_node("n1", cpu=4000, gpu=1000), a_node("n2", cpu=1000, gpu=2000))
    rooms = rooms_with(*nodes, strategy="least-fragmentation")
    shape = rooms.shape_of(gang)
    assert rooms.place(shape) is None
    rooms.count(rooms.shape_of(a_spec(resources={"cpu": 2000, "gpu": 1000})), 100)
    assert rooms.woken() == [shape]
    assert [task.node for task in rooms.place(shape)] == ["n2", "n1"]


def test_a_key_that_is_taken_elsewhere_counts_in_every_domain():
    nodes = [
        a_node(f"r{rack}{hall}", gpu=1000 * size, labels={"rack": f"r{rack}", "hall": hall})
        for rack, halls, size in ((1, "abc", 3), (2, "de", 2), (3, "f", 1))
        for hall in halls
    ]
    west = a_node("west", cluster="west", executor="simulated", gpu=1000, labels={"hall": "d"})
    rooms = rooms_with(*nodes, west)
    apart = Constraints(
        anti_affinity=AntiAffinity("hall", "db"), preferred_level="rack", clusters=("simulated",)
    )

    def place(tasks, **fields):
        spec = gpus(tasks=tasks, constraints=replace(apart, **fields))
        return [task.node for task in rooms.place(rooms.shape_of(spec))]

    assert place(3) == ["r1a", "r1b", "r1c"]
    assert place(1, clusters=("west",)) == ["west"]
    assert place(2) == ["r3f", "r2e"]  # of racks with room for one each the fuller first


def test_equal_demands_are_one_shape_however_they_are_written():
    rooms = rooms_with()
    plain = a_spec(1, resources={"cpu": 1000, "gpu": 2000}, tasks=2)
    group = TaskGroup("any", 2, {"gpu": 2000, "cpu": 1000, "memory": 0})
    same = [
        a_spec(2, resources={"gpu": 2000, "cpu": 1000}, tasks=2, user="bob"),
        replace(plain, constraints=Constraints()),
        replace(plain, constraints=Constraints(strategy="pack")),
        replace(plain, resources={}, groups=(group,)),
    ]
    assert all(rooms.shape_of(spec) is rooms.shape_of(plain) for spec in same)
    for other in (
        replace(plain, tasks=3),
        replace(plain, executor="local"),
        replace(plain, constraints=Constraints(strategy="spread")),
        replace(plain, constraints=Constraints(anti_affinity=AntiAffinity())),
        replace(plain, resources={}, groups=(replace(group, min_tasks=1),)),
    ):
        assert rooms.shape_of(other) is not rooms.shape_of(plain)


def test_could_hold_speaks_of_idle_nodes_and_follows_them():
    rooms = rooms_with(a_node("n1", gpu=2000))
    spec = gpus(2000)
    shape, wider = rooms.shape_of(spec), rooms.shape_of(gpus(2000, tasks=2))
    rooms.place(rooms.shape_of(gpus()))
    assert rooms.place(shape) is None
    assert rooms.could_hold(shape)
    assert not rooms.could_hold(wider)
    rooms.put(a_node("n2", gpu=2000), None)
    assert rooms.could_hold(wider)
    rooms.drop("n1")
    assert not rooms.could_hold(wider)


def test_the_largest_node_and_the_kinds_follow_the_nodes():
    rooms = rooms_with(a_node("n1", gpu=2000), a_node("n2", gpu=2000, cpu=96_000))
    assert rooms.largest("simulated")["cpu"] == 96_000
    rooms.drop("n2")
    assert rooms.largest("simulated")["cpu"] == 64_000
    assert rooms.has_cluster("simulated")
    assert not rooms.has_cluster("local")
    rooms.drop("n1")
    assert not rooms.has_cluster("simulated")
    assert rooms.largest("simulated") == {}
    assert rooms.capacity["gpu"] == 0


def test_a_long_history_is_forgotten_without_a_trace():
    rooms = rooms_with(*(a_node(f"n{i}", gpu=2000) for i in range(3)))
    one, rare = gpus(), gpus(500)
    shape, seldom = rooms.shape_of(one), rooms.shape_of(rare)
    assert rooms.place(seldom)[0].node == "n0"
    for _ in range(6000):  # more than the log of changes keeps
        placed = [rooms.place(shape) for _ in range(4)]
        assert [p[0].node for p in placed] == ["n0", "n1", "n1", "n2"]
        for each in placed:
            rooms.release(one, each)
    assert rooms.place(seldom)[0].devices == (0,)


def test_shapes_of_no_job_are_forgotten_and_those_in_use_are_not():
    rooms = rooms_with(a_node("n1", gpu=1000))
    kept, lost = (rooms.shape_of(gpus(tasks=n)) for n in (2, 3))
    rooms.count(kept, 1)
    assert rooms.place(kept) is rooms.place(lost) is None
    for cpu in range(1, 5000):
        rooms.shape_of(a_spec(resources={"cpu": cpu}))
    assert rooms.shape_of(gpus(tasks=2)) is kept
    assert rooms.shape_of(gpus(tasks=3)) is not lost
    rooms.put(a_node("n2", gpu=2000), None)
    assert rooms.woken() == [kept]
    assert rooms.place(kept) is not None


def test_any_number_of_levels_may_be_asked_for():
    labels = {f"level{i}": "x" for i in range(20)}
    rooms = rooms_with(*(a_node(f"n{i}", gpu=2000, labels=labels) for i in range(3)))
    for _ in range(2):
        for i in range(20):
            for both in (f"level{(i + 1) % 20}", None):
                levels = Constraints(required_level=f"level{i}", preferred_level=both)
                spec = gpus(tasks=2, constraints=levels)
                placed = rooms.place(rooms.shape_of(spec))
                assert [task.node for task in placed] == ["n0", "n0"]
                rooms.release(spec, placed)
