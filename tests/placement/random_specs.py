"""Random nodes and jobs, small enough that they often get in each other's way."""

from evenflow.common.domain.decisions.settings import STRATEGIES
from evenflow.common.domain.jobs.constraints import (
    NODE_LEVEL,
    AntiAffinity,
    Constraints,
    Toleration,
)
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.nodes.node import Node, Taint
from evenflow.common.testing.builders import GIB, a_spec


def a_random_node(rng, name):
    labels = {}
    if rng.random() < 0.8:
        zone = rng.choice("ab")
        labels |= {"zone": zone, "rack": f"{rng.choice([zone, zone, 'c'])}{rng.randint(1, 2)}"}
    if rng.random() < 0.7:
        labels["price"] = rng.choice(["1", "0.5", "2.25", "dear"])
    if rng.random() < 0.3:
        labels["cluster-priority"] = rng.choice(["1", "5"])
    if rng.random() < 0.3:
        labels["disk"] = rng.choice(["ssd", "hdd"])
    capacity = {"cpu": rng.choice([4000, 8000]), "memory": rng.choice([8, 16]) * GIB}
    if rng.random() < 0.8:
        capacity["gpu"] = rng.choice([1000, 2000, 4000])
    if rng.random() < 0.3:
        capacity["fpga"] = 2
    taints = rng.choice([(), (), (), (Taint("dedicated", "ml"),), (Taint("old"),)])
    cluster = rng.choice(["east", "east", "west"])
    return Node(name, cluster, capacity, labels=labels, taints=taints, executor="simulated")


def a_random_request(rng):
    request = {"cpu": rng.choice([500, 1000, 2000])}
    if rng.random() < 0.5:
        request["memory"] = rng.choice([1, 2, 6]) * GIB
    if rng.random() < 0.7:
        request["gpu"] = rng.choice([300, 500, 600, 1000, 1000, 2000, 1500])
    if rng.random() < 0.05:
        request["fpga"] = 1
    return request


def some_constraints(rng):
    levels = [None, None, None, "zone", "rack", NODE_LEVEL]
    anti = None
    if rng.random() < 0.25:
        anti = AntiAffinity(rng.choice([NODE_LEVEL, "rack"]), rng.choice([None, "k1", "k2"]))
    return Constraints(
        selector=rng.choice([{}, {}, {}, {"disk": ("ssd",)}, {"zone": ()}]),
        tolerations=rng.choice(
            [(), (Toleration("dedicated", "ml"),), (Toleration("old"), Toleration("dedicated"))]
        ),
        anti_affinity=anti,
        required_level=rng.choice(levels),
        preferred_level=rng.choice(levels),
        strategy=rng.choice([None, None, None, *STRATEGIES]),
        clusters=rng.choice([(), (), ("west",), ("nowhere", "east")]),
    )


def a_random_spec(rng, number):
    fields = {"constraints": some_constraints(rng)} if rng.random() < 0.7 else {}
    kind = rng.random()
    if kind < 0.3:
        return a_spec(number, resources=a_random_request(rng), **fields)
    if kind < 0.6:
        return a_spec(number, resources=a_random_request(rng), tasks=rng.randint(2, 5), **fields)
    groups = []
    for i in range(rng.randint(1, 2)):
        tasks = rng.randint(1, 4)
        least = rng.choice([None, *[rng.randint(0 if i else 1, tasks)] * 3])
        groups.append(TaskGroup(f"g{i}", tasks, a_random_request(rng), least))
    return a_spec(
        number, resources={}, groups=tuple(groups), tasks=sum(g.tasks for g in groups), **fields
    )
