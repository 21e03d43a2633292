"""The warning at submission: it names what is missing, and never warns of a job that could run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints, Toleration
from evenflow.common.domain.jobs.requests import request_of_task
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.nodes.node import Node, Taint
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.gateway.jobs.rules.capacity import tasks_on
from evenflow.gateway.jobs.rules.feasibility import warnings_for


def rack(number: int, **fields: Any) -> Node:
    """Nodes n0..n9, two a rack, of two cards each."""
    return a_node(f"n{number}", gpu=2000, labels={"rack": f"r{number // 2}"}, **fields)


def warned(*nodes: Node, **fields: Any) -> list[str]:
    shard = (
        Shard().with_queues("default/default").with_nodes(*(nodes or [rack(n) for n in range(4)]))
    )
    return list(warnings_for(shard.state, a_spec(**fields)))


def where(**fields: Any) -> Constraints:
    return Constraints(**fields)


GPU = {"gpu": 1000}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"resources": {"gpu": 3000}},
                     "gpu 3 is more than any node has: the largest, n3, has 2", id="a large task"),
        pytest.param({"resources": {"gpu": 600}, "tasks": 9},
                     "all nodes together hold 8 of its 9 tasks", id="parts never of two cards"),
        pytest.param({"resources": GPU, "tasks": 9},
                     "all nodes together hold 8 of its 9 tasks", id="a large gang"),
        pytest.param({"tasks": 9, "groups": (TaskGroup("task", 9, GPU, 9),)},
                     "hold 8 of its 9 tasks", id="the minimum of an elastic gang"),
        pytest.param(
            {"tasks": 2, "groups": (TaskGroup("ps", 1), TaskGroup("worker", 1, {"gpu": 4000}))},
            "group worker: gpu 4 is more than any node has", id="a group with large tasks",
        ),
        pytest.param(
            {"tasks": 10, "groups": (TaskGroup("ps", 1), TaskGroup("worker", 9, GPU))},
            "hold 8 of its 9 tasks of worker", id="a large group",
        ),
        pytest.param(
            {"tasks": 10, "groups": (TaskGroup("a", 5, GPU), TaskGroup("b", 5, GPU))},
            "hold gpu 8, and its tasks need 10", id="groups that fit only one by one",
        ),
        pytest.param({"constraints": where(selector={"model": ("a100",)})},
                     "no node has the label model=a100;", id="a label that nobody has"),
        pytest.param({"constraints": where(selector={"rack": ("r7", "r8")})},
                     "no node has the label rack=r7|r8; there are r0, r1", id="a value"),
        pytest.param({"resources": {"gpu": 3000},
                      "constraints": where(selector={"rack": ("r1",)})},
                     "than any node that it may go to has: the largest, n3", id="a chosen rack"),
        pytest.param({"resources": GPU, "tasks": 5, "constraints": where(required_level="rack")},
                     "no rack holds more than 4 of its 5 tasks", id="one rack"),
        pytest.param({"resources": GPU, "tasks": 3, "constraints": where(required_level="zone")},
                     "no zone holds more than 2 of its 3 tasks", id="a level that nobody has"),
        pytest.param({"tasks": 5, "constraints": where(anti_affinity=AntiAffinity())},
                     "hold 4 of its 5 tasks, each on a node of its own", id="apart by node"),
        pytest.param({"tasks": 3, "constraints": where(anti_affinity=AntiAffinity("rack"))},
                     "hold 2 of its 3 tasks, each on a rack of its own", id="apart by rack"),
        pytest.param(
            {"tasks": 6, "groups": (TaskGroup("a", 3), TaskGroup("b", 3)),
             "constraints": where(anti_affinity=AntiAffinity())},
            "no nodes hold all its 6 tasks together", id="groups that are apart from each other",
        ),
    ],
)  # fmt: skip
def test_a_job_that_fits_nowhere_today_is_told_what_is_missing(fields: Any, told: str) -> None:
    (warning,) = warned(**fields)
    assert told in warning
    assert "the job waits until" in warning


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"resources": {"gpu": 600}, "tasks": 8}, id="as many parts as cards"),
        pytest.param({"resources": {"gpu": 500}, "tasks": 16}, id="two halves a card"),
        pytest.param({"tasks": 99, "groups": (TaskGroup("task", 99, GPU, 8),)}, id="elastic"),
        pytest.param({"tasks": 99, "groups": (TaskGroup("a", 1, GPU), TaskGroup("b", 98, GPU, 0))},
                     id="a group that may be empty"),
        pytest.param({"constraints": where(selector={"rack": ()})}, id="any value of a label"),
        pytest.param({"resources": GPU, "tasks": 4, "constraints": where(required_level="rack")},
                     id="one rack"),
        pytest.param({"tasks": 9, "constraints": where(required_level="node")}, id="one node"),
        pytest.param({"resources": GPU, "tasks": 9, "executor": "elsewhere"}, id="unknown nodes"),
        pytest.param({"constraints": where(clusters=("elsewhere",))}, id="a wished cluster"),
    ],
)  # fmt: skip
def test_a_job_that_could_start_is_not_warned_of(fields: Any) -> None:
    assert warned(**fields) == []


def test_taints_keep_off_who_does_not_tolerate_them() -> None:
    tainted = [rack(n, taints=(Taint("dedicated", "vision"),)) for n in range(2)]
    (warning,) = warned(*tainted)
    assert "n0 is tainted dedicated=vision" in warning
    bearing = Constraints(tolerations=(Toleration("dedicated"),))
    assert warned(*tainted, constraints=bearing) == []
    other = Constraints(tolerations=(Toleration("dedicated", "speech"),))
    assert warned(*tainted, constraints=other)


def test_labels_that_are_only_on_different_nodes_are_named_together() -> None:
    nodes = (a_node("n1", labels={"a": "1"}), a_node("n2", labels={"b": "1"}))
    (warning,) = warned(*nodes, constraints=Constraints(selector={"a": (), "b": ("1",)}))
    assert "no node has all of a, b=1" in warning


def test_a_gang_does_not_spread_over_clusters() -> None:
    east = a_node("e", gpu=4000, cluster="east", executor="simulated")
    west = a_node("w", gpu=4000, cluster="west", executor="simulated")
    shard = Shard().with_queues("default/default")
    shard.state.nodes.update({"e": east, "w": west})
    assert list(warnings_for(shard.state, a_spec(resources=GPU, tasks=4))) == []
    (warning,) = warnings_for(shard.state, a_spec(resources=GPU, tasks=5))
    assert "no cluster holds more than 4 of its 5 tasks" in warning


def test_what_all_groups_need_is_held_against_limits() -> None:
    queue = a_queue("p/q", limit={"gpu": 4000})
    shard = Shard().with_queues(queue).with_nodes(a_node(gpu=8000))
    groups = (TaskGroup("a", 3, GPU), TaskGroup("b", 9, GPU, 2))
    (warning,) = warnings_for(shard.state, a_spec(queue="p/q", tasks=12, groups=groups))
    assert "gpu 5 is above the limit 4 of p/q" in warning


NODES = st.lists(
    st.builds(
        lambda gpus, cpu, labels: (gpus * 1000, cpu * 1000, labels),
        st.integers(0, 3), st.integers(0, 4),
        st.dictionaries(st.just("rack"), st.sampled_from(["r1", "r2"])),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
GROUPS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.fixed_dictionaries({
            "gpu": st.sampled_from([0, 300, 600, 1000, 2000]),
            "cpu": st.sampled_from([0, 500, 1000, 2000]),
        }),
    ),
    min_size=1, max_size=2,
)  # fmt: skip
WHERE = st.builds(
    lambda level, anti: Constraints(required_level=level, anti_affinity=anti),
    st.sampled_from([None, "rack", "node"]),
    st.sampled_from([None, AntiAffinity(), AntiAffinity("rack")]),
)


@given(NODES, GROUPS, WHERE)
def test_who_could_be_placed_is_never_warned_of(sizes: Any, asked: Any, constraints: Any) -> None:
    nodes = [
        Node(f"n{i}", "simulated", {"gpu": gpu, "cpu": cpu}, labels)
        for i, (gpu, cpu, labels) in enumerate(sizes)
    ]
    groups = tuple(TaskGroup(f"g{i}", tasks, request) for i, (tasks, request) in enumerate(asked))
    spec = a_spec(
        resources={}, groups=groups, constraints=constraints, tasks=sum(g.tasks for g in groups)
    )
    shard = Shard().with_queues("default/default").with_nodes(*nodes)
    if list(warnings_for(shard.state, spec)):
        assert not could_place(nodes, spec)


def could_place(nodes: list[Node], spec: Any) -> bool:
    """Whether some way of giving tasks to empty nodes keeps every rule, by trying them all."""
    anti, level = spec.constraints.anti_affinity, spec.constraints.required_level

    def domain(node: Node, name: str) -> Any:
        return node.name if name == "node" else node.labels.get(name, ("alone", node.name))

    def fits(placed: list[tuple[Node, Any]], node: Node) -> bool:
        mine = [request for where_, request in placed if where_ is node]
        cpu = sum(request.get("cpu", 0) for request in mine)
        return cpu <= node.capacity["cpu"] and cards(mine, node.device_count)

    def search(index: int, placed: list[tuple[Node, Any]]) -> bool:
        if index == spec.tasks:
            return True
        for node in nodes:
            others = [each for each, _ in placed]
            if anti and domain(node, anti.level) in [domain(each, anti.level) for each in others]:
                continue
            if level and any(domain(node, level) != domain(each, level) for each in others):
                continue
            following = [*placed, (node, request_of_task(spec, index))]
            if fits(following, node) and search(index + 1, following):
                return True
        return False

    return search(0, [])


def cards(requests: list[Any], count: int) -> bool:
    wanted = [request.get("gpu", 0) for request in requests]
    free = [1000] * (count - sum(gpu // 1000 for gpu in wanted))
    if count < sum(gpu // 1000 for gpu in wanted):
        return False
    return share(sorted(gpu for gpu in wanted if gpu % 1000), free)


def share(parts: list[int], free: list[int]) -> bool:
    if not parts:
        return True
    for index, left in enumerate(free):
        if left >= parts[-1]:
            rest = [*free[:index], left - parts[-1], *free[index + 1 :]]
            if share(parts[:-1], rest):
                return True
    return False


@given(st.integers(1, 8), st.integers(0, 8))
def test_a_node_holds_as_many_parts_as_its_cards_do(thousandths: int, gpus: int) -> None:
    node = a_node(gpu=gpus * 1000)
    assert tasks_on(node, {"gpu": thousandths * 100}) == gpus * (10 // thousandths)
