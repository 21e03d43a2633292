import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evenflow.common.domain.facts import queues as facts
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.installed import install, on_path
from evenflow.gateway.queues.commands import QueueCommands

QUEUES = "/api/v1/queues"
FLEET = """
queues:
  vision: {quota: {gpu: 16, memory: 1Ti, max_concurrent_jobs: 100}}
  vision/train: {weight: 2, limit: {gpu: 8}}
  vision/serve: {weight: 1, priority: 5}
"""


async def apply(harness: Any, text: str) -> Any:
    headers = {"Content-Type": "application/yaml"}
    return await harness.client.post("/api/v1/apply", content=text, headers=headers)


async def test_a_queue_is_made_read_changed_and_deleted(harness: Any) -> None:
    made = await harness.client.post(
        f"{QUEUES}?project_id=vision", json={"name": "train", "limit": {"gpu": 4, "memory": "8Gi"}}
    )
    assert made.status_code == 201
    assert made.json()["limit"] == {"gpu": 4000, "memory": 8 * 2**30}
    by_id = await harness.get(f"{QUEUES}/{made.json()['id']}")
    assert by_id["path"] == "vision/train"
    url = f"{QUEUES}/vision%2Ftrain"
    changed = (await harness.client.patch(url, json={"limit": None, "weight": 3})).json()
    assert (changed["limit"], changed["weight"]) == (None, 3)
    assert (await harness.client.delete(url)).status_code == 204
    assert (await harness.client.get(url)).status_code == 404


async def test_names_are_unique_in_a_project(harness: Any) -> None:
    for status in (201, 400):
        answer = await harness.client.post(f"{QUEUES}?project_id=p", json={"name": "q"})
        assert answer.status_code == status
    assert answer.json()["code"] == "name_taken"


async def test_a_queue_with_jobs_is_not_deleted(harness: Any) -> None:
    await harness.submit()
    refused = await harness.client.delete(f"{QUEUES}/default%2Fdefault")
    assert (refused.status_code, refused.json()["code"]) == (400, "in_use")
    assert "1 jobs that have not ended" in refused.json()["detail"]


async def test_nothing_is_put_below_a_queue_that_holds_jobs(harness: Any) -> None:
    await harness.submit()
    refused = await harness.client.post(QUEUES, json={"path": "default/default/deep"})
    assert (refused.status_code, refused.json()["code"]) == (400, "in_use")


async def test_a_disabled_queue_takes_no_jobs_and_the_best_enabled_one_does(harness: Any) -> None:
    await apply(harness, FLEET)
    await harness.client.patch(f"{QUEUES}/vision%2Fserve", json={"enabled": False})
    refused = await harness.client.post(
        "/api/v1/jobs", json={"name": "j", "queue_id": "vision/serve"}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "queue_closed")
    job_id = await harness.submit(project_id="vision")
    assert (await harness.get(f"/api/v1/jobs/{job_id}"))["queue"] == "vision/train"


async def test_a_fleet_is_applied_once_and_then_unchanged(harness: Any) -> None:
    first = (await apply(harness, FLEET)).json()
    assert (first["created"], first["changed"], first["unchanged"]) == (4, 0, 0)
    sequence = harness.log.last
    again = (await apply(harness, FLEET)).json()
    assert (again["unchanged"], harness.log.last) == (4, sequence)
    other = (await apply(harness, FLEET.replace("weight: 2", "weight: 4"))).json()
    changes = [result for result in other["results"] if result["outcome"] == "changed"]
    assert changes == [
        {
            "path": "vision/train",
            "kind": "queue",
            "outcome": "changed",
            "changes": {"weight": [2.0, 4.0]},
        }
    ]
    queue = await harness.get(f"{QUEUES}/vision")
    assert queue["max_concurrent_jobs"] is None


async def test_a_fleet_with_a_mistake_changes_nothing(harness: Any) -> None:
    sequence = harness.log.last
    bad = await apply(harness, "queues: {a: {weight: 1}, b: {weight: -1}, C: {priority: x}}")
    assert bad.status_code == 422
    worse = await apply(harness, "queues: {a: {weight: 1}, b: {weight: -1}, C: {}}")
    fields = {error["field"] for error in worse.json()["errors"]}
    assert fields == {"queues.b.weight", "queues.C.path"}
    assert (await apply(harness, "queues: [")).json()["code"] == "malformed_json"
    assert harness.log.last == sequence


async def test_a_quota_is_set_and_cleared_and_lowered_below_use(harness: Any) -> None:
    url = f"{QUEUES}/quota/vision"
    await harness.nodes()
    job_id = await harness.submit(project_id="vision", gpu_request=4)
    await harness.place(job_id)
    quota = (await harness.client.patch(url, json={"gpu_quota": 2, "cpu_quota": None})).json()
    assert (quota["gpu_quota"], quota["used_gpu"], quota["available_gpu"]) == (2, 4, 0)
    assert (quota["gpu_usage_percent"], quota["cpu_quota"]) == (200, None)
    assert (quota["current_training_jobs"], quota["max_concurrent_jobs"]) == (1, 50)
    bad = await harness.client.patch(url, json={"max_concurrent_jobs": -2})
    assert bad.status_code == 422
    assert (await harness.client.post(f"{url}/sync")).json()["gpu_quota"] == 2


async def test_a_budget_shows_what_is_used_and_left_of_it_and_when_it_turns(harness: Any) -> None:
    url = f"{QUEUES}/quota/vision"
    await harness.nodes()
    job_id = await harness.submit(project_id="vision", gpu_request=4)
    await harness.place(job_id)
    before = await harness.get(url)
    assert (before["gpu_hours_budget"], before["used_gpu_hours"]) == (None, None)
    budget = {"gpu_hours_budget": 0.5, "budget_period": "week"}
    quota = (await harness.client.patch(url, json=budget)).json()
    assert (quota["gpu_hours_budget"], quota["budget_period"]) == (0.5, "week")
    assert 0 <= quota["used_gpu_hours"] == 0.5 - quota["available_gpu_hours"]
    start, end = (datetime.fromisoformat(quota[f"budget_period_{at}"]) for at in ("start", "end"))
    assert (start.weekday(), start.hour, end - start) == (0, 0, timedelta(days=7))
    kept = (await harness.client.patch(url, json={"gpu_hours_budget": 1})).json()
    assert (kept["gpu_hours_budget"], kept["budget_period"]) == (1, "week")
    gone = (await harness.client.patch(url, json={"gpu_hours_budget": None})).json()
    assert (gone["gpu_hours_budget"], gone["budget_period"]) == (None, None)


@pytest.mark.parametrize(
    ("budget", "field"),
    [
        pytest.param({"gpu_hours_budget": 5}, "budget_period", id="without its period"),
        pytest.param({"budget_period": "day"}, "gpu_hours_budget", id="a period alone"),
        pytest.param(
            {"gpu_hours_budget": 5, "budget_period": "year"}, "budget_period", id="another period"
        ),
        pytest.param(
            {"gpu_hours_budget": "x", "budget_period": "day"}, "gpu_hours_budget", id="no number"
        ),
        pytest.param(
            {"gpu_hours_budget": -2, "budget_period": "day"}, "gpu_hours_budget", id="below zero"
        ),
    ],
)
async def test_half_a_budget_or_a_bad_one_is_refused_and_named(
    harness: Any, budget: dict[str, Any], field: str
) -> None:
    refused = await harness.client.patch(f"{QUEUES}/quota/vision", json=budget)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_fleet_states_budgets_and_applied_again_changes_nothing(harness: Any) -> None:
    fleet = "queues: {vision: {quota: {gpu_hours: 100, period: month, enforce: false}}}"
    assert (await apply(harness, fleet)).json()["created"] == 2
    quota = await harness.get(f"{QUEUES}/quota/vision")
    assert (quota["gpu_hours_budget"], quota["budget_period"]) == (100, "month")
    assert quota["enforce_quota"] is False
    assert (await apply(harness, fleet)).json()["unchanged"] == 2
    bad = await apply(harness, "queues: {vision: {quota: {gpu_hours: 1, period: 3}}}")
    assert [e["field"] for e in bad.json()["errors"]] == ["queues.vision.quota.period"]


async def test_two_definitions_at_once_both_stand(harness: Any) -> None:
    answers = await asyncio.gather(
        *(
            harness.client.post(f"{QUEUES}?project_id=race", json={"name": f"q{i}"})
            for i in range(5)
        )
    )
    assert [answer.status_code for answer in answers] == [201] * 5


async def test_the_loser_of_a_race_reads_again_and_answers_as_if_later(harness: Any) -> None:
    commands = harness.gateway.part(QueueCommands)
    read = commands.read_fence
    raced: list[int] = []

    async def read_then_lose() -> Any:
        fence = await read()
        if not raced:
            raced.append(1)
            project = Queue("0" * 36, "race")
            await harness.log.append(facts.Defined((project, Queue("1" * 36, "race/q"))))
        return fence

    commands.read_fence = read_then_lose
    answer = await harness.client.post(f"{QUEUES}?project_id=race", json={"name": "q"})
    assert (answer.status_code, answer.json()["code"]) == (400, "name_taken")


async def test_nodes_are_listed_and_cordoned(harness: Any) -> None:
    await harness.nodes(count=1)
    node = (await harness.client.post("/api/v1/nodes/n0/cordon")).json()
    assert (node["is_cordoned"], node["free"]["gpu"]) == (True, 8000)
    assert not (await harness.client.post("/api/v1/nodes/n0/uncordon")).json()["is_cordoned"]
    assert (await harness.client.post("/api/v1/nodes/n9/cordon")).status_code == 404


async def test_a_queue_may_name_every_policy_that_is_installed_and_no_other(
    harness: Any, tmp_path: Path
) -> None:
    points = {"evenflow.policies": {"ours": "module_that_nobody_may_import:POLICY"}}
    with on_path(install(tmp_path, "evenflow-ours", points)):
        for policy in ("ours", "fair-tree"):
            body = {"path": f"p/{policy}", "policy": policy}
            made = await harness.client.post(QUEUES, json=body)
            assert (made.status_code, made.json()["policy"]) == (201, policy)
        url = f"{QUEUES}/p%2Fours"
        refused = await harness.client.patch(url, json={"policy": "theirs"})
        fleet = await apply(harness, "queues: {p/q: {policy: backfill}}")
    for answer in (refused, fleet):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["rule"].startswith("is not known; known are deadline, fair-tree, fairshare")
        assert "ours" in error["rule"]
    assert (await harness.client.patch(url, json={"policy": None})).json()["policy"] is None
