"""Room kept in advance, over REST: made, listed, cancelled, and refused with every broken rule."""

from typing import Any

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.gateway.view.sweep import sweep_jobs

PATH = "/api/v1/reservations"
HOUR = 3600


async def queue(harness: Any, path: str = "vision/train") -> None:
    answer = await harness.client.post("/api/v1/queues", json={"path": path})
    assert answer.status_code == 201, answer.text


async def reserve(harness: Any, **fields: Any) -> Any:
    body = {
        "name": "nightly",
        "queue_id": "vision",
        "start": HOUR,
        "duration_seconds": 4 * HOUR,
        "tasks": 2,
        "gpu_request": 8,
    } | fields
    body = {name: value for name, value in body.items() if value is not ...}
    return await harness.client.post(PATH, json=body)


@pytest.fixture
async def ready(harness: Any) -> Any:
    await harness.nodes(count=2, gpus=8)
    await queue(harness)
    return harness


async def test_a_reservation_is_made_shown_and_cancelled(ready: Any) -> None:
    made = await reserve(ready, user_id="ann")
    assert made.status_code == 201, made.text
    assert int(made.headers["X-Evenflow-Sequence"]) > 0
    document = made.json()
    assert (document["queue"], document["status"], document["tasks"]) == ("vision", "planned", 2)
    assert (document["gpu_request"], document["duration_seconds"]) == (8, 4 * HOUR)
    assert (document["created_by"], document["cancelled_at"]) == ("ann", None)
    one = f"{PATH}/{document['id']}"
    assert await ready.get(one) == document
    assert (await ready.get(PATH))["reservations"] == [document]
    gone = await ready.client.delete(one, params={"user_id": "eve"})
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")
    assert gone.json()["cancelled_by"] == "eve"
    assert (await ready.get(PATH))["reservations"] == []
    listed = await ready.get(f"{PATH}?status=cancelled&queue_id=vision")
    assert [each["id"] for each in listed["reservations"]] == [document["id"]]
    again = await ready.client.delete(one)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_queue_is_shown_with_what_is_below_it_and_not_with_names_like_its_own(
    ready: Any,
) -> None:
    paths = ("vision/train/a", "vision/train0", "vision/Train/a", "vision/train-x/a")
    for number, path in enumerate(paths):
        await queue(ready, path)
        start = HOUR * (1 + 5 * number)
        made = await reserve(ready, queue_id=path, start=start, name=f"r{number}")
        assert made.status_code == 201, made.text
    listed = await ready.get(f"{PATH}?queue_id=vision/train")
    assert [each["queue"] for each in listed["reservations"]] == ["vision/train/a"]


async def test_times_may_be_given_as_iso_and_without_an_offset_are_utc(ready: Any) -> None:
    made = await reserve(
        ready, start="2099-12-01T08:00", end="2099-12-01T10:00:00+01:00", duration_seconds=...
    )
    assert made.status_code == 201, made.text
    assert made.json()["start"] == "2099-12-01T08:00:00.000000Z"
    assert made.json()["end"] == "2099-12-01T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"start": -60}, "start", id="in the past"),
        pytest.param({"start": "tomorrow"}, "start", id="no time"),
        pytest.param({"duration_seconds": 0}, "duration_seconds", id="no duration"),
        pytest.param({"end": HOUR - 1, "duration_seconds": ...}, "end", id="ends before it starts"),
        pytest.param({"end": HOUR * 2}, "end", id="two ends"),
        pytest.param({"duration_seconds": ...}, "end", id="no end"),
        pytest.param({"queue_id": "nobody"}, "queue_id", id="an unknown queue"),
        pytest.param({"gpu_request": 9}, "resources", id="more than a node has"),
        pytest.param({"tasks": 3}, "resources", id="more than all nodes have"),
        pytest.param({"tasks": 0}, "tasks", id="nothing"),
        pytest.param({"executor": "slurm"}, "executor", id="a cluster that is not there"),
        pytest.param({"constraints": {"strategy": "pack"}}, "constraints.strategy", id="a wish"),
        pytest.param({"user_id": " a"}, "user_id", id="a user"),
    ],
)
async def test_a_reservation_that_cannot_be_is_refused(ready: Any, fields: Any, field: str) -> None:
    answer = await reserve(ready, **fields)
    assert answer.status_code in (400, 422), answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in problem["errors"]], problem
    assert (await ready.get(PATH))["reservations"] == []


async def test_all_broken_rules_are_told_at_once(ready: Any) -> None:
    answer = await reserve(ready, start=-60, queue_id="nobody", cpu_request=-1)
    fields = {error["field"] for error in answer.json()["errors"]}
    assert {"start", "queue_id", "cpu_request"} <= fields


async def test_no_two_reservations_keep_the_same_nodes(ready: Any) -> None:
    assert (await reserve(ready, tasks=1)).status_code == 201
    second = await reserve(ready, name="second", start=2 * HOUR, tasks=2)
    assert (second.status_code, second.json()["code"]) == (409, "overbooked")
    assert "'nightly'" in second.json()["detail"]
    after = await reserve(ready, name="after", start=5 * HOUR, tasks=2)
    assert after.status_code == 201, "it begins when the first ends"
    beside = await reserve(ready, name="beside", start=HOUR, tasks=1)
    assert beside.status_code == 201


async def test_a_queue_with_a_reservation_is_not_deleted(ready: Any) -> None:
    made = (await reserve(ready, queue_id="vision/train")).json()
    refused = await ready.client.delete("/api/v1/queues/vision%2Ftrain")
    assert (refused.status_code, refused.json()["code"]) == (400, "in_use")
    await ready.client.delete(f"{PATH}/{made['id']}")
    assert (await ready.client.delete("/api/v1/queues/vision%2Ftrain")).status_code == 204


async def test_an_unknown_reservation_is_not_found(ready: Any) -> None:
    assert (await ready.client.get(f"{PATH}/nobody")).status_code == 404
    assert (await ready.client.delete(f"{PATH}/nobody")).status_code == 404
    assert (await ready.client.get(f"{PATH}?status=odd")).status_code == 422


async def test_what_ended_is_swept_with_the_jobs(ready: Any) -> None:
    made = (await reserve(ready)).json()
    now = ready.gateway.now()
    await sweep_jobs(ready.store, keep_seconds=HOUR, keep_rows=9, now=now + 5 * HOUR * SECOND)
    assert await ready.get(f"{PATH}/{made['id']}")
    await sweep_jobs(ready.store, keep_seconds=HOUR, keep_rows=9, now=now + 7 * HOUR * SECOND)
    assert (await ready.client.get(f"{PATH}/{made['id']}")).status_code == 404


async def test_a_view_that_begins_with_a_state_knows_its_reservations(ready: Any) -> None:
    made = (await reserve(ready)).json()
    state = ready.follower.state
    await ready.store.clear("other")
    assert (await ready.client.get(f"{PATH}/{made['id']}")).status_code == 404
    await ready.store.start(state)
    assert (await ready.get(f"{PATH}/{made['id']}"))["name"] == "nightly"


async def test_a_deadline_is_an_iso_time_or_seconds_from_now(ready: Any) -> None:
    body = {"name": "late", "executor_config": {"run_seconds": 1}, "project_id": "vision"}
    answer = await ready.client.post("/api/v1/jobs", json=body | {"deadline": 4 * HOUR})
    assert answer.status_code == 201, answer.text
    iso = await ready.client.post("/api/v1/jobs", json=body | {"deadline": "2099-01-01T00:00Z"})
    assert iso.json()["deadline"] == "2099-01-01T00:00:00.000000Z"
    past = await ready.client.post("/api/v1/jobs", json=body | {"deadline": -1})
    assert past.status_code == 422
    assert [error["field"] for error in past.json()["errors"]] == ["deadline"]


async def test_a_queue_has_a_waiting_time_target(ready: Any) -> None:
    one = "/api/v1/queues/vision%2Ftrain"
    changed = await ready.client.patch(one, json={"target_wait_seconds": 600})
    assert changed.json()["target_wait_seconds"] == 600
    refused = await ready.client.patch(one, json={"target_wait_seconds": -7})
    assert refused.status_code == 422
    cleared = await ready.client.patch(one, json={"target_wait_seconds": None})
    assert cleared.json()["target_wait_seconds"] is None
