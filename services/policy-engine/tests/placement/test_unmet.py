"""A job that can never start is told which of its wishes no node meets (SCH-12, `unfittable`)."""

import pytest

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.jobs.job import Constraints, Toleration
from evenflow.common.domain.nodes.node import Taint
from evenflow.common.testing.builders import Shard, a_node
from evenflow.policy_engine.core.placement.nodes.unmet import unmet
from tests.fleets.engine import Engine

NODES = (
    a_node("a1", gpu=4000, labels={"gpu-type": "a100", "rack": "r1"}),
    a_node("a2", gpu=4000, labels={"gpu-type": "a100", "rack": "r1"}, taints=(Taint("ml", "x"),)),
    a_node("v1", gpu=8000, labels={"gpu-type": "v100", "rack": "r2"}),
    a_node("c1", labels={"rack": "r3"}),
)


def told(spec_fields: dict, nodes=NODES) -> dict:
    """What the decision says of such a job, beside the largest node."""
    shard = Shard().with_leader().with_queues("p/q").with_nodes(*nodes)
    job = shard.submit(queue="p/q", **spec_fields)
    assert Engine(shard).placed() == []
    reason = shard.job(job).reason
    assert reason.code is ReasonCode.UNFITTABLE
    return {k: v for k, v in reason.detail.items() if not k.startswith("largest_")}


def constrained(**fields) -> dict:
    return {"constraints": Constraints(**fields)}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (
            constrained(selector={"gpu-type": ("h100",)}),
            {"label": "gpu-type", "wanted": "h100", "known": "a100 (2), v100 (1)"},
        ),
        (
            constrained(selector={"gpu-type": ("h100", "h200")}),
            {"label": "gpu-type", "wanted": "h100 or h200", "known": "a100 (2), v100 (1)"},
        ),
        (
            constrained(selector={"nvlink": ()}),
            {"label": "nvlink", "wanted": "", "known": ""},
        ),
        (
            constrained(selector={"gpu-type": ("v100",), "rack": ("r1",)}),
            {"labels": "gpu-type=v100, rack=r1"},
        ),
        (
            {"resources": {"gpu": 8000}} | constrained(selector={"gpu-type": ("a100",)}),
            {"short": "gpu", "wanted_each": 8000, "largest": 4000},
        ),
        (
            {"resources": {"gpu": 4000}, "tasks": 3} | constrained(required_level="rack"),
            {"required_level": "rack", "tasks": 3},
        ),
        ({"resources": {"gpu": 4000}, "tasks": 9}, {"tasks": 9}),
    ],
)  # fmt: skip
def test_the_first_wish_that_no_node_meets_is_told(wish, said):
    assert told(wish) == {"tasks": 1} | said


def test_a_taint_that_keeps_all_fitting_nodes_shut_is_told_until_it_is_borne():
    shard = Shard().with_leader().with_queues("p/q").with_nodes(NODES[1], NODES[3])
    wish = {"gpu-type": ("a100",)}
    shy = shard.submit(queue="p/q", constraints=Constraints(wish))
    bold = shard.submit(queue="p/q", constraints=Constraints(wish, (Toleration("ml", "x"),)))
    assert Engine(shard).placed() == [bold.id]
    assert shard.job(shy).reason.detail["taint"] == "ml=x"


def test_it_is_another_wish_once_nodes_are_others():
    shard = Shard().with_leader().with_queues("p/q").with_nodes(NODES[3])
    job = shard.submit(
        queue="p/q",
        resources={"gpu": 8000},
        constraints=Constraints({"gpu-type": ("a100",)}),
    )
    assert Engine(shard).placed() == []
    assert shard.job(job).reason.detail["label"] == "gpu-type"
    shard.with_nodes(NODES[0])
    assert Engine(shard).placed() == []
    assert shard.job(job).reason.detail["short"] == "gpu"
    shard.with_nodes(a_node("big", gpu=8000, labels={"gpu-type": "a100"}))
    assert Engine(shard).placed() == [job.id]


def test_the_headroom_is_no_room_for_jobs():
    shard = Shard().with_queues("p/q")
    spec = shard.submit(queue="p/q", resources={"gpu": 4000})
    assert unmet(spec, NODES[:1], headroom_milli=0) == {}
    short = {"short": "gpu", "wanted_each": 4000, "largest": 3800}
    assert unmet(spec, NODES[:1], headroom_milli=50) == short


def test_of_many_values_the_most_frequent_are_told():
    nodes = [a_node(f"n{i}", labels={"rack": f"r{i:02}"}) for i in range(40)]
    said = told(constrained(selector={"rack": ("x",)}), nodes)
    assert said["known"] == "r00 (1), r01 (1), r02 (1), r03 (1), r04 (1) and 35 more"
