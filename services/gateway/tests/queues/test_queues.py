"""Queues over REST: made, changed, removed, and two who define at once."""

import asyncio
from pathlib import Path
from typing import Any

from evenflow.common.domain.facts import queues as facts
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.installed import install, on_path
from evenflow.gateway.queues.commands import QueueCommands

QUEUES = "/api/v1/queues"


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
    await harness.apply("queues: {vision/train: {weight: 2}, vision/serve: {priority: 5}}")
    await harness.client.patch(f"{QUEUES}/vision%2Fserve", json={"enabled": False})
    refused = await harness.client.post(
        "/api/v1/jobs", json={"name": "j", "queue_id": "vision/serve"}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "queue_closed")
    job_id = await harness.submit(project_id="vision")
    assert (await harness.get(f"/api/v1/jobs/{job_id}"))["queue"] == "vision/train"


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
        fleet = await harness.apply("queues: {p/q: {policy: backfill}}")
    for answer in (refused, fleet):
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert error["rule"].startswith("is not known; known are deadline, fair-tree, fairshare")
        assert "ours" in error["rule"]
    assert (await harness.client.patch(url, json={"policy": None})).json()["policy"] is None
