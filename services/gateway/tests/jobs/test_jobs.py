import base64
from typing import Any

import pytest

from evenflow.common.contracts.requests import OutputAnswer, output_subject
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome

JOBS = "/api/v1/jobs"


async def test_a_job_is_answered_once_it_is_in_the_log_and_then_found(harness: Any) -> None:
    answer = await harness.client.post(JOBS, json={"name": "train", "gpu_request": 2})
    assert answer.status_code == 201
    assert int(answer.headers["X-Evenflow-Sequence"]) == harness.log.last
    job = answer.json()
    assert (job["status"], job["queue"], job["gpu_request"]) == ("pending", "default/default", 2)
    found = await harness.get(f"{JOBS}/{job['id']}")
    assert (found["status"], found["queue_position"], found["blocked_reason"]) == (
        "queued",
        1,
        "order",
    )


async def test_the_life_of_a_job_is_told_with_all_its_attempts(harness: Any) -> None:
    await harness.nodes()
    job_id = await harness.submit(retry_limit=1)
    await harness.place(job_id)
    assert (await harness.get(f"{JOBS}/{job_id}"))["phase"] == "placed"
    await harness.report(job_id, TaskPhase.RUNNING)
    assert (await harness.get(f"{JOBS}/{job_id}"))["status"] == "running"
    await harness.report(job_id, TaskPhase.ENDED, outcome=Outcome.FAILED, exit_code=3)
    waiting = await harness.get(f"{JOBS}/{job_id}")
    assert (waiting["phase"], waiting["attempt"], waiting["nodes"]) == ("pending", 2, [])
    await harness.place(job_id, node="n1", attempt=2)
    await harness.report(job_id, TaskPhase.ENDED, attempt=2, outcome=Outcome.SUCCEEDED, exit_code=0)
    details = await harness.get(f"{JOBS}/{job_id}/details")
    assert details["status"] == "succeeded"
    assert [
        (a["outcome"], a["exit_code"], a["placement"][0]["node"]) for a in details["attempts"]
    ] == [
        ("failed", 3, "n0"),
        ("succeeded", 0, "n1"),
    ]


async def test_all_broken_rules_of_a_submission_are_told_at_once(harness: Any) -> None:
    body = {"name": "", "priority": 101, "cpu_request": "many", "queue_id": "nowhere"}
    answer = await harness.client.post(JOBS, json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    fields = {error["field"] for error in answer.json()["errors"]}
    assert fields == {"name", "priority", "cpu_request", "queue_id"}
    assert harness.follower.state.jobs == {}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"{", 400, "malformed_json", id="not JSON"),
        pytest.param(b'{"name": 3}', 422, "invalid_value", id="a wrong type"),
        pytest.param(b'{"name": "a", "nmae": 1}', 422, "invalid_value", id="an unknown field"),
        pytest.param(b"[]", 422, "invalid_value", id="not an object"),
        pytest.param(b'{"name": "a", "queue_id": "x"}', 400, "unknown_queue", id="no such queue"),
        pytest.param(
            b'{"name": "a", "time_limit_seconds": 1e400}', 400, "malformed_json", id="infinity"
        ),
        pytest.param(b'{"name": "a", "cpu_request": -1}', 422, "invalid_value", id="negative"),
        pytest.param(b'{"name": "a", "array": "0-9%2"}', 422, "invalid_value", id="array limit"),
        pytest.param(b'{"name": "' + b"a" * 2**20 + b'"}', 413, "body_too_large", id="too large"),
    ],
)
async def test_what_cannot_be_accepted_is_a_problem(
    harness: Any, body: Any, status: Any, code: Any
) -> None:
    answer = await harness.client.post(JOBS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_job_larger_than_any_node_is_accepted_with_a_warning(harness: Any) -> None:
    await harness.nodes(gpus=8)
    answer = await harness.client.post(JOBS, json={"name": "big", "gpu_request": 9})
    assert answer.status_code == 201
    assert "the largest, n1, has 8" in answer.json()["warnings"][0]


async def test_an_array_becomes_jobs_with_one_array_id(harness: Any) -> None:
    answer = (await harness.client.post(JOBS, json={"name": "a", "array": "2-4"})).json()
    listed = await harness.get(f"{JOBS}?array_id={answer['array_id']}")
    assert sorted(job["array_index"] for job in listed["jobs"]) == [2, 3, 4]
    assert {job["id"] for job in listed["jobs"]} == {element["id"] for element in answer["jobs"]}


async def test_a_first_job_of_a_project_makes_its_queue_and_quota(harness: Any) -> None:
    job_id = await harness.submit(project_id="vision")
    assert (await harness.get(f"{JOBS}/{job_id}"))["queue"] == "vision/default"
    queue = await harness.get("/api/v1/queues/vision%2Fdefault")
    assert (queue["max_concurrent_jobs"], queue["total_jobs"]) == (10, 1)
    quota = await harness.get("/api/v1/queues/quota/vision")
    assert (quota["cpu_quota"], quota["memory_quota"], quota["gpu_quota"]) == (100, 500, 10)


async def test_the_same_key_gives_the_same_job(harness: Any) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [
        (await harness.client.post(JOBS, json={"name": "k"}, headers=headers)).json()
        for _ in range(3)
    ]
    assert len({answer["id"] for answer in answers}) == 1
    assert (await harness.get(JOBS))["total"] == 1
    other = await harness.client.post(JOBS, json={"name": "other"}, headers=headers)
    assert other.status_code == 409


async def test_a_batch_accepts_each_job_on_its_own_and_atomic_all_or_none(harness: Any) -> None:
    body = {"jobs": [{"name": "a"}, {"name": 5}, {"name": "c", "queue_id": "x"}, {"name": "d"}]}
    answer = (await harness.client.post(f"{JOBS}:batch", json=body)).json()["jobs"]
    assert [("id" in entry) for entry in answer] == [True, False, False, True]
    assert answer[2]["error"]["code"] == "unknown_queue"
    refused = await harness.client.post(f"{JOBS}:batch", json={**body, "atomic": True})
    assert refused.status_code == 422
    fields = [error["field"] for error in refused.json()["errors"]]
    assert fields == ["jobs.1.name", "jobs.2.queue_id"]
    assert (await harness.get(JOBS))["total"] == 2


async def test_lists_are_filtered_searched_and_paged(harness: Any) -> None:
    for name, user in (("alpha", "ann"), ("beta", "bob"), ("alphabet", "ann")):
        await harness.submit(name=name, user_id=user)
    assert (await harness.get(f"{JOBS}?search=alpha"))["total"] == 2
    assert (await harness.get(f"{JOBS}?user_id=bob"))["jobs"][0]["name"] == "beta"
    assert (await harness.get(f"{JOBS}?status=running"))["total"] == 0
    page = await harness.get(f"{JOBS}?page=2&page_size=2")
    assert ([job["name"] for job in page["jobs"]], page["total"]) == (["alpha"], 3)
    assert (await harness.client.get(f"{JOBS}?status=none")).status_code == 422
    assert (await harness.client.get(f"{JOBS}?page_size=101")).json()["errors"][0][
        "field"
    ] == "page_size"
    stats = await harness.get(f"{JOBS}/stats")
    assert (stats["total"], stats["by_status"]["queued"]) == (3, 3)


async def test_a_waiting_job_is_cancelled_once_and_may_then_be_removed(harness: Any) -> None:
    job_id = await harness.submit()
    assert (await harness.client.delete(f"{JOBS}/{job_id}")).status_code == 400
    cancelled = await harness.client.post(f"{JOBS}/{job_id}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert (await harness.client.post(f"{JOBS}/{job_id}/cancel")).status_code == 400
    assert (await harness.client.delete(f"{JOBS}/{job_id}")).status_code == 204
    assert (await harness.client.get(f"{JOBS}/{job_id}")).status_code == 404


async def test_owners_change_texts_and_priority_but_never_the_status(harness: Any) -> None:
    job_id = await harness.submit(tags=["x"])
    changed = await harness.client.patch(f"{JOBS}/{job_id}", json={"priority": 7, "tags": None})
    assert (changed.json()["priority"], changed.json()["tags"]) == (7, [])
    refused = await harness.client.patch(f"{JOBS}/{job_id}", json={"status": "succeeded"})
    assert refused.status_code == 422


async def test_why_names_who_goes_first_and_what_the_queue_holds(harness: Any) -> None:
    await harness.nodes(count=1)
    first = await harness.submit(name="first", gpu_request=4)
    await harness.place(first)
    second = await harness.submit(name="second")
    third = await harness.submit(name="third")
    why = await harness.get(f"{JOBS}/{third}/why")
    assert (why["position"], why["ahead"], why["code"]) == (2, 1, "order")
    assert [ahead["id"] for ahead in why["first"]] == [second]
    assert why["shares"][-1] == {
        "queue": "default/default",
        "held_ratio": 0.5,
        "weight_ratio": 1.0,
    }
    assert "1 job of default/default goes first" in why["text"]


async def test_output_comes_from_the_binder_and_silence_is_a_504(harness: Any) -> None:
    await harness.nodes()
    job_id = await harness.submit()
    early = await harness.get(f"{JOBS}/{job_id}/logs")
    assert (early["data"], early["is_final"]) == ("", False)
    await harness.place(job_id)
    assert (await harness.client.get(f"{JOBS}/{job_id}/logs")).status_code == 504
    answer = OutputAnswer(data=b"h\xffi", next_offset=3, is_final=True)
    harness.answers[output_subject("main")] = answer.model_dump_json().encode()
    piece = await harness.get(f"{JOBS}/{job_id}/logs")
    assert (base64.b64decode(piece["data"]), piece["next_offset"]) == (b"h\xffi", 3)
    plain = await harness.client.get(f"{JOBS}/{job_id}/logs", headers={"Accept": "text/plain"})
    assert (plain.content, plain.headers["X-Final"]) == (b"h\xffi", "true")


async def test_a_full_log_is_a_503_and_loses_nothing_accepted(harness: Any) -> None:
    job_id = await harness.submit()
    harness.log.is_full = True
    refused = await harness.client.post(JOBS, json={"name": "late"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert (await harness.get(f"{JOBS}/{job_id}"))["status"] == "queued"


async def test_a_read_waits_for_the_sequence_that_its_client_has_seen(harness: Any) -> None:
    await harness.submit()
    answer = await harness.client.get(JOBS, headers={"X-Evenflow-Sequence": "999"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    bad = await harness.client.get(JOBS, headers={"X-Evenflow-Sequence": "yes"})
    assert bad.status_code == 422
