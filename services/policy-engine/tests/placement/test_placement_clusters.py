"""Several clusters for one kind of job: which of them is taken (BEY-14)."""

import pytest

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import Constraints
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.testing.builders import GIB, a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms


def in_cluster(cluster, number=1, **fields):
    return a_node(f"{cluster}{number}", cluster=cluster, executor="simulated", **fields)


def rooms_with(*nodes, strategy="load-balance"):
    rooms = Rooms(SchedulerSettings(cluster_strategy=strategy))
    for node in nodes:
        rooms.put(node, None)
    return rooms


def place(rooms, spec):
    placed = rooms.place(rooms.shape_of(spec))
    return None if placed is None else [task.node for task in placed]


ONE_GPU = a_spec(resources={"gpu": 1000, "cpu": 1000})


def test_a_gang_never_spans_clusters():
    rooms = rooms_with(*(in_cluster(c, i, gpu=1000) for c in ("east", "west") for i in (1, 2)))
    assert place(rooms, a_spec(resources={"gpu": 1000}, tasks=3)) is None
    assert place(rooms, a_spec(resources={"gpu": 1000}, tasks=2)) == ["east1", "east2"]


def test_a_gang_grows_in_its_own_cluster_only():
    rooms = rooms_with(in_cluster("east", gpu=1000), in_cluster("west", gpu=8000))
    group = TaskGroup("worker", 3, {"gpu": 1000}, min_tasks=1)
    spec = a_spec(
        resources={}, groups=(group,), tasks=3, constraints=Constraints(clusters=("east",))
    )
    held = rooms.place(rooms.shape_of(spec))
    assert [task.node for task in held] == ["east1"]
    assert rooms.grow(spec, held) == ()


def test_a_job_goes_to_clusters_of_its_kind():
    rooms = rooms_with(in_cluster("east", gpu=1000), a_node("n1", cluster="local", gpu=8000))
    assert place(rooms, ONE_GPU) == ["east1"]
    assert place(rooms, ONE_GPU) is None
    assert place(rooms, a_spec(resources={"gpu": 1000}, executor="local")) == ["n1"]


def test_load_balance_weighs_gpus_more_than_cpu_and_memory():
    rooms = rooms_with(in_cluster("east", gpu=2000), in_cluster("west", gpu=2000))
    here = Constraints(clusters=("east",))
    # East: all of its CPU, that is 0.3; west: all of its GPUs, that is 0.4.
    place(rooms, a_spec(resources={"cpu": 64_000}, constraints=here))
    place(rooms, a_spec(resources={"gpu": 2000}, constraints=Constraints(clusters=("west",))))
    assert place(rooms, a_spec(resources={"memory": GIB})) == ["east1"]


@pytest.mark.parametrize(
    ("strategy", "chosen"),
    [
        pytest.param("load-balance", "b1", id="the one least in use"),
        pytest.param("best-fit", "a1", id="the one with least free"),
        pytest.param("priority", "c1", id="the one of highest priority times weight"),
        pytest.param("affinity", "a1", id="by name, when the job names none"),
        pytest.param("cost", "d1", id="the one where the job costs least"),
    ],
)
def test_each_strategy_chooses_its_cluster(strategy, chosen):
    rooms = rooms_with(
        in_cluster("a", gpu=2000, labels={"cluster-priority": "9"}),
        in_cluster("b", gpu=8000, labels={"price": "3"}),
        in_cluster("c", gpu=8000, labels={"cluster-priority": "5", "cluster-weight": "2"}),
        in_cluster("d", gpu=8000, labels={"price": "2.5"}),
        strategy=strategy,
    )
    for name in ("a", "c", "d"):
        place(rooms, a_spec(resources={"gpu": 1000}, constraints=Constraints(clusters=(name,))))
    assert place(rooms, ONE_GPU) == [chosen]


def test_cost_counts_all_tasks_where_they_would_go():
    # One cheap node does not make west cheap for two tasks.
    rooms = rooms_with(
        in_cluster("east", 1, gpu=1000, labels={"price": "2"}),
        in_cluster("east", 2, gpu=1000, labels={"price": "2"}),
        in_cluster("west", 1, gpu=1000, labels={"price": "1"}),
        in_cluster("west", 2, gpu=1000, labels={"price": "4"}),
        strategy="cost",
    )
    assert place(rooms, a_spec(resources={"gpu": 1000}, tasks=2)) == ["east1", "east2"]
    assert place(rooms, ONE_GPU) == ["west1"]


@pytest.mark.parametrize("strategy", ["load-balance", "cost", "affinity"])
def test_clusters_that_a_job_names_come_first_in_its_order(strategy):
    rooms = rooms_with(*(in_cluster(c, gpu=1000) for c in "abc"), strategy=strategy)
    spec = a_spec(resources={"gpu": 1000}, constraints=Constraints(clusters=("gone", "c", "b")))
    assert [place(rooms, spec) for _ in range(4)] == [["c1"], ["b1"], ["a1"], None]


def test_a_new_cluster_wakes_who_waits():
    rooms = rooms_with(in_cluster("east", gpu=1000))
    shape = rooms.shape_of(ONE_GPU)
    assert place(rooms, ONE_GPU) == ["east1"]
    assert place(rooms, ONE_GPU) is None
    rooms.put(in_cluster("west", gpu=1000), None)
    assert rooms.woken() == [shape]
    assert place(rooms, ONE_GPU) == ["west1"]
    assert place(rooms, ONE_GPU) is None
