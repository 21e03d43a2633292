"""Labels and taints of nodes, as operators set them."""

from typing import Any

import pytest

from evenflow.common.domain.facts import cluster
from evenflow.common.domain.nodes.node import Node, Taint

N0 = "/api/v1/nodes/n0"


async def change(harness: Any, **body: Any) -> Any:
    answer = await harness.client.patch(N0, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_labels_and_taints_are_set_and_taken_away(harness: Any) -> None:
    await harness.nodes(count=1)
    node = await change(harness, labels={"rack": "r1", "model": "a100"}, taints={"spot": ""})
    assert (node["labels"], node["taints"]) == ({"rack": "r1", "model": "a100"}, {"spot": ""})
    assert node["executor"] == "simulated"
    node = await change(harness, labels={"model": None}, taints={"spot": None, "bad": "disk"})
    assert (node["labels"], node["taints"]) == ({"rack": "r1"}, {"bad": "disk"})
    (listed,) = (await harness.get("/api/v1/nodes"))["nodes"]
    assert listed == node


async def test_they_hold_over_what_the_cluster_says_next(harness: Any) -> None:
    await harness.nodes(count=1)
    await change(harness, labels={"rack": "r9"}, taints={"spot": None})
    seen = Node("n0", "simulated", {"cpu": 1}, {"rack": "r1", "zone": "z"}, taints=(Taint("hot"),))
    await harness.tell(cluster.Observed("simulated", (seen,)))
    (node,) = (await harness.get("/api/v1/nodes"))["nodes"]
    assert (node["labels"], node["taints"]) == ({"rack": "r9", "zone": "z"}, {"hot": ""})


async def test_one_request_is_a_fact_of_each_kind_by_name(harness: Any) -> None:
    await harness.nodes(count=1)
    await change(harness, labels={"rack": "r1", "old": None}, taints={"spot": "x"})
    kinds = [message.subject.split(".", 3)[-1] for message in harness.log.messages]
    assert kinds[-2:] == ["nodes.labelled", "nodes.tainted"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "body", id="nothing"),
        pytest.param({"labels": {"a b": "x"}}, "labels", id="a name"),
        pytest.param({"labels": {"rack": "a/b"}}, "labels.rack", id="a value"),
        pytest.param({"taints": {"": ""}}, "taints", id="a taint"),
        pytest.param({"labels": {"rack": 3}}, "labels.rack", id="a number"),
        pytest.param({"labels": {f"l{i}": "" for i in range(201)}}, "labels", id="many"),
        pytest.param({"capacity": {}}, "capacity", id="what is the cluster's"),
    ],
)
async def test_a_bad_change_changes_nothing(harness: Any, body: Any, field: Any) -> None:
    await harness.nodes(count=1)
    answer = await harness.client.patch(N0, json=body)
    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert (await harness.get("/api/v1/nodes"))["nodes"][0]["labels"] == {}


async def test_a_node_that_is_not_there_is_a_404(harness: Any) -> None:
    answer = await harness.client.patch(N0, json={"labels": {"a": "b"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_nodes_are_listed_and_cordoned(harness: Any) -> None:
    await harness.nodes(count=1)
    node = (await harness.client.post("/api/v1/nodes/n0/cordon")).json()
    assert (node["is_cordoned"], node["free"]["gpu"]) == (True, 8000)
    assert not (await harness.client.post("/api/v1/nodes/n0/uncordon")).json()["is_cordoned"]
    assert (await harness.client.post("/api/v1/nodes/n9/cordon")).status_code == 404
