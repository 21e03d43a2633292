"""Where jobs go, case by case."""

import pytest

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.constraints import (
    NODE_LEVEL,
    AntiAffinity,
    Constraints,
    Toleration,
)
from evenflow.common.domain.jobs.spec import TaskGroup
from evenflow.common.domain.nodes.node import Taint
from evenflow.common.domain.state.ledger import NodeHeld
from evenflow.common.testing.builders import GIB, a_node, a_spec
from evenflow.policy_engine.core.placement import Rooms


def rooms_with(*nodes, **settings):
    rooms = Rooms(SchedulerSettings(**settings))
    for node in nodes:
        rooms.put(node, None)
    return rooms


def gpu_nodes(count, gpu=8000, **fields):
    return [a_node(f"n{i}", gpu=gpu, **fields) for i in range(1, count + 1)]


def racks(*sizes, gpu=1000):
    """Nodes of one rack after the other, as many as each size says: r1n1, r1n2, …"""
    return [
        a_node(f"r{rack}n{i}", gpu=gpu, labels={"rack": f"r{rack}"})
        for rack, size in enumerate(sizes, 1)
        for i in range(1, size + 1)
    ]


def gpus(amount=1000, **fields):
    constraints = {k: fields.pop(k) for k in list(fields) if k in Constraints.__slots__}
    if constraints:
        fields["constraints"] = Constraints(**constraints)
    return a_spec(resources={"gpu": amount} if amount else {"cpu": 1000}, **fields)


def nodes_of(placement):
    return None if placement is None else [task.node for task in placement]


def place(rooms, spec):
    return nodes_of(rooms.place(rooms.shape_of(spec)))


def test_two_jobs_of_a_part_sit_on_two_cards_and_a_third_waits_though_the_sum_would_do():
    rooms = rooms_with(*gpu_nodes(1, gpu=2000))
    shape = rooms.shape_of(gpus(600))
    assert [rooms.place(shape) for _ in range(3)] == [
        (TaskPlacement("n1", (0,)),),
        (TaskPlacement("n1", (1,)),),
        None,
    ]
    assert rooms.is_blocked(shape)


def test_a_part_goes_to_the_fullest_card_that_holds_it():
    rooms = rooms_with(*gpu_nodes(1, gpu=3000))
    for amount in (500, 700):
        rooms.place(rooms.shape_of(gpus(amount)))
    assert rooms.place(rooms.shape_of(gpus(300))) == (TaskPlacement("n1", (1,)),)


def test_more_than_one_card_must_be_whole():
    rooms = rooms_with(*gpu_nodes(1))
    assert place(rooms, gpus(1500)) is None
    assert not rooms.could_hold(rooms.shape_of(gpus(1500)))
    assert rooms.place(rooms.shape_of(gpus(2000))) == (TaskPlacement("n1", (0, 1)),)


def test_pack_fills_a_node_before_it_opens_another():
    rooms = rooms_with(*gpu_nodes(2, gpu=2000))
    assert [place(rooms, gpus()) for _ in range(4)] == [["n1"], ["n1"], ["n2"], ["n2"]]


def test_spread_takes_turns():
    rooms = rooms_with(*gpu_nodes(2, gpu=2000), strategy="spread")
    assert [place(rooms, gpus()) for _ in range(4)] == [["n1"], ["n2"], ["n1"], ["n2"]]


def test_a_job_may_name_a_strategy_of_its_own():
    rooms = rooms_with(*gpu_nodes(2, gpu=2000))
    assert [place(rooms, gpus(strategy="spread")) for _ in range(2)] == [["n1"], ["n2"]]


def test_cheapest_takes_the_lowest_price_and_unpriced_nodes_last():
    prices = {"n1": "dear", "n2": "3.20", "n3": "3.2001", "n4": "0.9", "n5": "-1"}
    nodes = [a_node(n, gpu=1000, labels={"price": p}) for n, p in prices.items()]
    rooms = rooms_with(*nodes, strategy="cheapest")
    assert [place(rooms, gpus()) for _ in prices] == [["n4"], ["n2"], ["n3"], ["n1"], ["n5"]]


def test_least_fragmentation_leaves_parts_that_the_common_shapes_can_use():
    # On n1 a quarter would be left, which the many jobs of 0.6 cannot use; on n2 just 0.6.
    used = NodeHeld({"gpu": 350}, {0: 350})
    for strategy, chosen in (("pack", "n1"), ("least-fragmentation", "n2")):
        rooms = rooms_with(strategy=strategy)
        for node, held in zip(gpu_nodes(2, gpu=1000), (used, None), strict=True):
            rooms.put(node, held)
        rooms.count(rooms.shape_of(gpus(600)), 20)
        assert place(rooms, gpus(400)) == [chosen]


def test_least_fragmentation_uses_nodes_that_the_common_shapes_cannot():
    # n1 is fuller and pack would take it, but the many jobs of 8 cores still fit there.
    nodes = [a_node("n1", gpu=1000, cpu=8000), a_node("n2", gpu=2000, cpu=4000)]
    common = a_spec(resources={"gpu": 1000, "cpu": 8000})
    assert place(rooms_with(*nodes), gpus()) == ["n1"]
    rooms = rooms_with(*nodes, strategy="least-fragmentation")
    rooms.count(rooms.shape_of(common), 100)
    assert place(rooms, gpus()) == ["n2"]


def test_a_change_of_the_mix_changes_what_is_chosen_next():
    nodes = [a_node("n1", gpu=1000, cpu=8000), a_node("n2", gpu=2000, cpu=4000)]
    rooms = rooms_with(*nodes, strategy="least-fragmentation")
    common = a_spec(resources={"gpu": 1000, "cpu": 8000})
    assert place(rooms, gpus()) == ["n1"]
    rooms.release(gpus(), (TaskPlacement("n1", (0,)),))
    rooms.count(rooms.shape_of(common), 100)
    assert place(rooms, gpus()) == ["n2"]


def test_a_node_keeps_its_headroom():
    rooms = rooms_with(*gpu_nodes(1, gpu=4000), headroom_milli=250)
    assert [place(rooms, gpus()) for _ in range(4)] == [["n1"], ["n1"], ["n1"], None]
    assert rooms.capacity["gpu"] == 4000


def test_a_selector_asks_for_one_of_its_values_or_for_the_label_alone():
    nodes = [
        a_node("n1"),
        a_node("n2", labels={"disk": "hdd"}),
        a_node("n3", labels={"disk": "ssd"}),
    ]
    rooms = rooms_with(*nodes)
    assert place(rooms, gpus(0, selector={"disk": ("ssd", "nvme")})) == ["n3"]
    assert place(rooms, gpus(0, selector={"disk": ()})) == ["n3"]  # the fuller one
    assert place(rooms, gpus(0, selector={"disk": ("tape",)})) is None


def test_a_taint_keeps_off_who_does_not_tolerate_it():
    taints = (Taint("dedicated", "ml"), Taint("old"))
    rooms = rooms_with(a_node("n1", taints=taints))
    of_ml, any_old = Toleration("dedicated", "ml"), Toleration("old")
    assert place(rooms, gpus(0)) is None
    assert place(rooms, gpus(0, tolerations=(of_ml,))) is None
    assert place(rooms, gpus(0, tolerations=(Toleration("dedicated", "web"), any_old))) is None
    assert place(rooms, gpus(0, tolerations=(of_ml, any_old))) == ["n1"]
    assert not rooms.could_hold(rooms.shape_of(gpus(0)))


def test_a_gang_starts_whole_or_not_at_all():
    rooms = rooms_with(*gpu_nodes(3, gpu=1000))
    assert place(rooms, gpus(tasks=4)) is None
    assert place(rooms, gpus(tasks=3)) == ["n1", "n2", "n3"]


def test_a_gang_of_groups_asks_for_each_role_what_that_needs():
    groups = (
        TaskGroup("head", 1, {"cpu": 1000}),
        TaskGroup("worker", 2, {"gpu": 1000, "cpu": 1000}),
    )
    spec = a_spec(resources={}, groups=groups, tasks=3)
    rooms = rooms_with(a_node("n1", cpu=2000), *gpu_nodes(3, gpu=1000)[1:])
    assert rooms.place(rooms.shape_of(spec)) == (
        TaskPlacement("n1"),
        TaskPlacement("n2", (0,)),
        TaskPlacement("n3", (0,)),
    )


@pytest.mark.parametrize("size", [3, 4])
def test_a_gang_with_a_required_level_never_straddles(size):
    rooms = rooms_with(*racks(3, 3))
    placed = place(rooms, gpus(tasks=size, required_level="rack"))
    assert placed == (["r1n1", "r1n2", "r1n3"] if size == 3 else None)


def test_nodes_without_the_label_are_no_domain():
    rooms = rooms_with(*gpu_nodes(4, gpu=1000))
    assert place(rooms, gpus(tasks=2, required_level="rack")) is None


def test_a_gang_with_a_required_level_goes_to_the_fullest_domain_that_holds_it():
    rooms = rooms_with(*racks(4, 2, 3))
    assert place(rooms, gpus(tasks=2, required_level="rack")) == ["r2n1", "r2n2"]


def test_a_gang_with_a_preferred_level_straddles_only_when_it_must():
    rooms = rooms_with(*racks(3, 2, 2))
    gang = gpus(tasks=2, preferred_level="rack")
    assert place(rooms, gang) == ["r2n1", "r2n2"]
    assert place(rooms, gang) == ["r3n1", "r3n2"]
    rooms = rooms_with(*racks(2, 3, 1))
    four = gpus(tasks=4, preferred_level="rack")
    assert place(rooms, four) == ["r2n1", "r2n2", "r2n3", "r1n1"]  # few racks, when it must


def test_both_levels_hold_at_once():
    nodes = [
        a_node(f"{rack}{i}", gpu=1000, labels={"zone": rack[0], "rack": rack})
        for rack, size in (("a1", 2), ("a2", 2), ("b1", 1), ("b2", 2))
        for i in range(size)
    ]
    rooms = rooms_with(*nodes)
    gang = gpus(tasks=3, required_level="zone", preferred_level="rack")
    assert place(rooms, gang) == ["b20", "b21", "b10"]


def test_the_node_is_a_level_too():
    rooms = rooms_with(*gpu_nodes(2, gpu=2000), a_node("n3", gpu=4000))
    assert place(rooms, gpus(tasks=3, required_level=NODE_LEVEL)) == ["n3"] * 3
    assert place(rooms, gpus(tasks=3, required_level=NODE_LEVEL)) is None
    assert place(rooms, gpus(tasks=3, preferred_level=NODE_LEVEL)) == ["n1", "n1", "n2"]


def test_tasks_that_stay_apart_share_no_domain():
    rooms = rooms_with(*racks(2, 1, gpu=8000))
    assert place(rooms, gpus(tasks=3, anti_affinity=AntiAffinity())) == ["r1n1", "r1n2", "r2n1"]
    assert place(rooms, gpus(tasks=4, anti_affinity=AntiAffinity())) is None
    assert place(rooms, gpus(tasks=2, anti_affinity=AntiAffinity("rack"))) == ["r1n1", "r2n1"]
    assert place(rooms, gpus(tasks=3, anti_affinity=AntiAffinity("rack"))) is None


def test_a_domain_that_was_tried_in_vain_is_as_good_as_before():
    # In r1 the head takes r1a, and the worker would have to share its hall. So they straddle.
    halls = {"r1a": "h1", "r1b": "h1", "r2a": "h2", "r2b": "h3", "r2c": "h4"}
    nodes = [
        a_node(name, gpu=1000 * (name == "r1b"), labels={"rack": name[:2], "hall": hall})
        for name, hall in halls.items()
    ]
    groups = (TaskGroup("head", 1, {"cpu": 1000}), TaskGroup("worker", 1, {"gpu": 1000}))
    apart = Constraints(preferred_level="rack", anti_affinity=AntiAffinity("hall"))
    spec = a_spec(resources={}, groups=groups, tasks=2, constraints=apart)
    assert place(rooms_with(*nodes), spec) == ["r2a", "r1b"]


def test_jobs_with_one_anti_affinity_key_share_no_domain_and_wake_when_one_leaves():
    rooms = rooms_with(*racks(2, 1, gpu=8000))
    spec = gpus(anti_affinity=AntiAffinity("rack", "db"))
    shape = rooms.shape_of(spec)
    first, _, third = (rooms.place(shape) for _ in range(3))
    assert third is None
    assert place(rooms, gpus(anti_affinity=AntiAffinity("rack", "web"))) is not None
    rooms.release(spec, first)
    assert rooms.woken() == [shape]
    assert rooms.place(shape) == first


def test_tasks_of_a_key_count_again_when_their_node_is_back():
    rooms = rooms_with(*gpu_nodes(1))
    spec = gpus(anti_affinity=AntiAffinity(NODE_LEVEL, "db"))
    (task,) = rooms.place(rooms.shape_of(spec))
    rooms.drop("n1")
    rooms.put(gpu_nodes(1)[0], NodeHeld({"gpu": 1000}, {0: 1000}))
    assert place(rooms, spec) is None
    rooms.release(spec, (task,))
    assert place(rooms, spec) == ["n1"]


def test_resources_of_any_name_count():
    node = a_node("n1", capacity={"cpu": 8000, "fpga": 1})
    rooms = rooms_with(node, a_node("n2"))
    spec = a_spec(resources={"fpga": 1})
    assert [place(rooms, spec) for _ in range(2)] == [["n1"], None]
    assert not rooms.could_hold(rooms.shape_of(a_spec(resources={"memory": GIB, "fpga": 2})))
