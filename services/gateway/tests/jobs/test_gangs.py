"""Groups, minimums and constraints: submitted, judged, kept, shown."""

from typing import Any

import pytest

from evenflow.common.domain.decisions.decisions import Placement, TaskPlacement
from evenflow.common.domain.facts import cycle, leader
from evenflow.common.domain.jobs.constraints import AntiAffinity, Constraints, Toleration
from evenflow.common.domain.jobs.spec import TaskGroup

GIB = 2**30
T0 = 1_700_000_000_000_000
GROUPS = [
    {"name": "ps", "tasks": 2, "cpu_request": 4},
    {"name": "worker", "tasks": 8, "min_tasks": 3, "gpu_request": 1, "resources": {"ssd": 5}},
]


async def spec_of(harness: Any, job_id: str) -> Any:
    await harness.get(f"/api/v1/jobs/{job_id}")  # by then it is folded
    return harness.follower.state.jobs[job_id].spec


async def test_groups_become_a_gang_whose_tasks_are_their_sum(harness: Any) -> None:
    job_id = await harness.submit(groups=GROUPS)
    document = await harness.get(f"/api/v1/jobs/{job_id}")
    assert (document["tasks"], document["min_tasks"], document["placed_tasks"]) == (10, 5, 0)
    assert document["resources"] == {}
    ps, worker = document["groups"]
    assert (ps["tasks"], ps["min_tasks"], ps["cpu_request"]) == (2, 2, 4)
    assert (worker["min_tasks"], worker["gpu_request"], worker["memory_request"]) == (3, 1, 2)
    usual = {"memory": 2 * GIB}
    assert (await spec_of(harness, job_id)).groups == (
        TaskGroup("ps", 2, {"cpu": 4000, **usual}),
        TaskGroup("worker", 8, {"cpu": 1000, "gpu": 1000, "ssd": 5, **usual}, 3),
    )


async def test_a_minimum_makes_one_group_and_all_of_them_none(harness: Any) -> None:
    elastic = await spec_of(harness, await harness.submit(tasks=8, min_tasks=2, gpu_request=1))
    (group,) = elastic.groups
    assert (group.name, group.tasks, group.min_tasks) == ("task", 8, 2)
    assert (elastic.tasks, elastic.least_tasks, elastic.resources) == (8, 2, {})
    assert group.resources["gpu"] == 1000
    plain = await spec_of(harness, await harness.submit(tasks=8, min_tasks=8, gpu_request=1))
    assert (plain.groups, plain.tasks, plain.resources["gpu"]) == ((), 8, 1000)


async def test_placed_tasks_are_counted_by_group_minimums_first_and_grow(harness: Any) -> None:
    await harness.nodes()
    groups = [
        {"name": "ps", "tasks": 3, "min_tasks": 1},
        {"name": "worker", "tasks": 8, "min_tasks": 3, "gpu_request": 1},
    ]
    job_id = await harness.submit(groups=groups)
    epoch = await harness.tell(leader.Decided("e", "0"))

    four = Placement(job_id, 1, tuple(TaskPlacement("n0") for _ in range(4)))
    saw = harness.follower.state.sequence
    await harness.tell(cycle.Decided(epoch, saw, T0, "0", placements=(four,)))
    assert await placed(harness, job_id) == [4, 1, 3]
    await harness.tell(cycle.Decided(epoch, saw, T0, "0", growths=(four,)))
    assert await placed(harness, job_id) == [8, 3, 5]


async def placed(harness: Any, job_id: str) -> list[int]:
    document = await harness.get(f"/api/v1/jobs/{job_id}")
    return [document["placed_tasks"], *(group["placed_tasks"] for group in document["groups"])]


async def test_constraints_are_kept_and_shown_as_they_were_meant(harness: Any) -> None:
    asked = {
        "selector": {"gpu-model": ["a100", "h100"], "zone": "z1", "ssd": None},
        "tolerations": ["spot", "dedicated=vision", {"key": "old", "value": ""}, {"key": "spot"}],
        "anti_affinity": {"key": "db"},
        "required_level": "zone",
        "preferred_level": "rack",
        "strategy": "spread",
        "clusters": ["east", "west", "east"],
    }
    job_id = await harness.submit(constraints=asked, tasks=2)
    spec = await spec_of(harness, job_id)
    assert spec.constraints == Constraints(
        selector={"gpu-model": ("a100", "h100"), "zone": ("z1",), "ssd": ()},
        tolerations=(
            Toleration("spot"), Toleration("dedicated", "vision"), Toleration("old", "")
        ),
        anti_affinity=AntiAffinity("node", "db"),
        required_level="zone",
        preferred_level="rack",
        strategy="spread",
        clusters=("east", "west"),
    )  # fmt: skip
    shown = (await harness.get(f"/api/v1/jobs/{job_id}"))["constraints"]
    assert shown["selector"] == {"gpu-model": ["a100", "h100"], "zone": ["z1"], "ssd": None}
    assert shown["tolerations"][0] == {"key": "spot", "value": None}
    assert shown["anti_affinity"] == {"level": "node", "key": "db"}
    assert shown["clusters"] == ["east", "west"]
    # What is shown may be submitted again, and means the same.
    again = await harness.submit(constraints=shown, tasks=2)
    assert (await spec_of(harness, again)).constraints == spec.constraints


async def test_a_job_without_any_shows_none(harness: Any) -> None:
    job_id = await harness.submit(tasks=3)
    document = await harness.get(f"/api/v1/jobs/{job_id}")
    assert (document["constraints"], document["groups"], document["min_tasks"]) == (None, [], 3)


async def test_all_broken_rules_of_groups_and_constraints_are_told_at_once(harness: Any) -> None:
    body = {
        "name": "j",
        "tasks": 3,
        "gpu_request": 1,
        "groups": [
            {"name": "Bad Name", "gpu_request": 1.5},
            {"name": "w", "tasks": 0, "cpu_request": "many"},
            {"name": "w", "tasks": 2, "min_tasks": 3},
        ],
        "constraints": {
            "selector": {"a b": "x", "rack": []},
            "tolerations": ["=x"],
            "strategy": "tetris",
            "required_level": "no level",
        },
    }
    answer = await harness.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {
        "tasks", "resources", "groups.0.name", "groups.0.gpu_request", "groups.1.cpu_request",
        "groups.w.tasks", "groups.w.min_tasks", "groups",
        "constraints.selector", "constraints.selector.rack", "constraints.tolerations",
        "constraints.strategy", "constraints.required_level",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"gpu_request": 1.5}, "gpu_request", id="one and a half cards"),
        pytest.param({"gpu_request": "2500m"}, "gpu_request", id="as a quantity"),
        pytest.param({"resources": {"gpu": 1.5}}, "resources.gpu", id="among resources"),
        pytest.param({"gpu_request": 0.0005}, "gpu_request", id="finer than a thousandth"),
        pytest.param({"tasks": 2, "min_tasks": 3}, "min_tasks", id="a minimum above"),
        pytest.param({"tasks": 2, "min_tasks": 0}, "min_tasks", id="a minimum of none"),
        pytest.param({"groups": []}, "groups", id="no groups"),
        pytest.param({"groups": [{"name": "a"}] * 51}, "groups", id="many groups"),
        pytest.param({"groups": [{"name": "a", "min_tasks": 0}]}, "groups", id="nothing to start"),
        pytest.param({"groups": [{"name": "a"}], "min_tasks": 1}, "min_tasks", id="of all"),
        pytest.param({"groups": [{"name": "a", "role": 1}]}, "groups.0.role", id="a field"),
        pytest.param({"constraints": {"where": "here"}}, "constraints.where", id="a constraint"),
        pytest.param(
            {"tasks": 2, "constraints": {"required_level": "rack",
                                         "anti_affinity": {"level": "rack"}}},
            "constraints.anti_affinity.level", id="together and apart",
        ),
        pytest.param(
            {"tasks": 2, "constraints": {"required_level": "node",
                                         "anti_affinity": {"level": "zone"}}},
            "constraints.anti_affinity.level", id="on one node and apart by zone",
        ),
    ],
)  # fmt: skip
async def test_what_can_never_be_is_refused_with_its_field(
    harness: Any, body: Any, field: Any
) -> None:
    answer = await harness.client.post("/api/v1/jobs", json={"name": "j", **body})
    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("gpus", [0.001, "0.25", "600m", 1, 8])
async def test_parts_of_one_card_and_whole_cards_are_accepted(harness: Any, gpus: Any) -> None:
    await harness.submit(gpu_request=gpus)
    await harness.submit(groups=[{"name": "a", "gpu_request": gpus}])


async def test_one_task_may_be_apart_and_together(harness: Any) -> None:
    levels = {"required_level": "rack", "anti_affinity": {"level": "rack", "key": "db"}}
    await harness.submit(constraints=levels)
