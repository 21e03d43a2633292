"""What other projects have is not there: not in lists, not in words, not in what differs."""

import json
import re
from typing import Any

import httpx
import pytest

from tests.security.conftest import Gateway

NOWHERE = "01234567-89ab-7def-8123-456789abcdef"


@pytest.fixture
def mine(gateway: Gateway) -> Any:
    """An admin of project `a`, who is nothing elsewhere."""
    with gateway.as_("admin", "a") as client:
        yield client


def without(answer: httpx.Response, *names: str) -> tuple[int, str]:
    """What was answered, but for the name that was asked for and the time."""
    text = re.sub(r'"now":\s*"[^"]*"', "", answer.text)
    for name in names:
        text = re.sub(rf"(?<![\w/]){re.escape(name)}(?![\w])", "NAME", text)
    return answer.status_code, text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/jobs/{}", None),
        ("GET", "/api/v1/jobs/{}/why", None),
        ("GET", "/api/v1/jobs/{}/details", None),
        ("GET", "/api/v1/jobs/{}/logs", None),
        ("PATCH", "/api/v1/jobs/{}", {"name": "x"}),
        ("POST", "/api/v1/jobs/{}/cancel", {}),
        ("DELETE", "/api/v1/jobs/{}", None),
    ],
)
def test_a_hidden_job_is_answered_as_one_that_is_not_there(
    gateway: Gateway, mine: Any, method: str, path: str, body: Any
) -> None:
    hidden = gateway.ids["job-b"]
    answers = [mine.request(method, path.format(name), json=body) for name in (hidden, NOWHERE)]
    found = [without(answer, hidden, NOWHERE) for answer in answers]
    assert found[0] == found[1]
    assert found[0][0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/queues/{}", None),
        ("PATCH", "/api/v1/queues/{}", {"weight": 2}),
        ("DELETE", "/api/v1/queues/{}", None),
        ("GET", "/api/v1/queues/quota/{}", None),
        ("PATCH", "/api/v1/queues/quota/{}", {"max_concurrent_jobs": 1}),
        ("POST", "/api/v1/queues/quota/{}/sync", None),
        ("GET", "/api/v1/usage/queues/{}", None),
        ("GET", "/api/v1/alerts?queue={}", None),
        ("GET", "/api/v1/reservations?queue_id={}", None),
        ("GET", "/api/v1/jobs?queue_id={}", None),
        ("GET", "/api/v1/jobs?project_id={}", None),
        ("GET", "/api/v1/jobs/stats?project_id={}", None),
        ("GET", "/api/v1/usage/history?queue={}", None),
        ("GET", "/api/v1/usage/report?project={}", None),
    ],
)
@pytest.mark.parametrize(
    ("hidden", "nothing"),
    [("b", "nob"), ("b%2Fsecret-b", "nob%2Fsecret-b"), ("b%2Fsecret-b", "b%2Fnothing")],
)
def test_a_hidden_queue_is_answered_as_one_that_is_not_there(
    mine: Any, method: str, path: str, body: Any, hidden: str, nothing: str
) -> None:
    found = [
        without(mine.request(method, path.format(name), json=body), name.replace("%2F", "/"))
        for name in (hidden, nothing)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/jobs", {"project_id": "P"}),
        ("/api/v1/jobs", {"queue_id": "P/hidden"}),
        ("/api/v1/jobs", {"queue_id": "P"}),
        ("/api/v1/queues", {"path": "P/secret-b"}),
        ("/api/v1/queues", {"path": "P"}),
        ("/api/v1/apply", {"queues": [{"path": "P/secret-b"}]}),
        ("/api/v1/tokens", {"user_id": "x", "projects": ["P"]}),
        ("/api/v1/tokens", {"user_id": "x", "projects": ["a", "P"], "role": "viewer"}),
    ],
)
def test_naming_another_project_tells_nothing_of_it(mine: Any, path: str, body: Any) -> None:
    found = []
    for project in ("b", "nob"):
        text = json.dumps(body).replace('"P', f'"{project}')
        sent = json.loads(text)
        if path.endswith("jobs"):
            sent |= {"name": "x", "executor_config": {}}
        answer = mine.post(path, json=sent)
        assert 400 <= answer.status_code < 500
        found.append(without(answer, project))
    assert found[0] == found[1]


@pytest.mark.parametrize("wrong", ["b/secret", "secret-b", "a/secret-b", "b/q"])
def test_no_suggestion_names_a_hidden_queue(mine: Any, wrong: str) -> None:
    job = {"name": "x", "queue_id": wrong, "executor_config": {}}
    answer = mine.post("/api/v1/jobs", json=job)
    assert answer.status_code == 400
    assert "mean b/" not in answer.text
    assert "or b/" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/", "/api/v1/jobs", "/api/v1/jobs/stats", "/api/v1/queues", "/api/v1/usage",
        "/api/v1/usage?format=csv", "/api/v1/usage/history?group_by=queue,project,user",
        "/api/v1/usage/report", "/api/v1/usage/snapshots?kind=project", "/api/v1/alerts",
        "/api/v1/reservations", "/api/v1/status", "/api/v1/tokens", "/status-stream",
        "/api/v1/events?from=1",
    ],
)  # fmt: skip
def test_no_list_page_or_stream_holds_a_name_of_others(
    gateway: Gateway, mine: Any, path: str
) -> None:
    with mine.stream("GET", path) as answer:
        assert answer.status_code == 200
        text = _first(answer) if "stream" in path or "events" in path else answer.read().decode()
    for name in ("secret-b", "of-b", gateway.ids["job-b"], "b/q", "viewer-b"):
        assert name not in text
    if path in ("/", "/api/v1/queues", "/api/v1/events?from=1", "/status-stream"):
        assert "secret-a" in text


def _first(answer: httpx.Response) -> str:
    """What comes in the first second."""
    pieces = []
    try:
        for line in answer.iter_lines():
            pieces.append(line)
            if "heartbeat" in line or len(pieces) > 300 or "secret-a" in line:
                break
    except httpx.ReadTimeout:
        pass
    return "\n".join(pieces)


def test_counts_are_of_ones_own_projects(gateway: Gateway, mine: Any) -> None:
    for _ in range(2):
        gateway.submit(gateway.file_token, queue_id="b/q")
    with gateway.owner() as owner:
        whole = owner.get("/api/v1/status").json()["scheduler"]
        of_a = owner.get("/api/v1/jobs?project_id=a&status=pending&status=queued").json()["total"]
    seen = mine.get("/api/v1/status").json()["scheduler"]
    assert seen["pending_jobs"] == of_a
    assert whole["pending_jobs"] >= of_a + 2
    assert seen["queues"] == 3
    assert (
        mine.get("/api/v1/jobs").json()["total"] == mine.get("/api/v1/jobs/stats").json()["total"]
    )


def test_facts_of_others_are_cut_out_of_the_stream(gateway: Gateway) -> None:
    """Both projects define and submit; each listener gets its own, and the numbers of the log."""
    with gateway.owner() as owner:
        begin = owner.get("/api/v1/status").json()["sequence"] + 1
    a = gateway.submit(gateway.file_token, queue_id="a/q", name="for-a")
    b = gateway.submit(gateway.file_token, queue_id="b/q", name="for-b")
    with gateway.owner() as owner:
        owner.post(f"/api/v1/jobs/{b}/cancel")
        owner.post(f"/api/v1/jobs/{a}/cancel")
    with gateway.as_("viewer", "a") as client, client.stream(
        "GET", f"/api/v1/events?from={begin}"
    ) as answer:  # fmt: skip
        got: list[str] = []
        for line in answer.iter_lines():
            got.append(line)
            if "event: jobs.cancel-requested" in "\n".join(got) and line.startswith("data"):
                break
    text = "\n".join(got)
    assert a in text
    assert b not in text
    assert "for-b" not in text


def test_a_key_of_another_user_is_another_key(gateway: Gateway) -> None:
    body = {"name": "x", "queue_id": "a/q", "executor_config": {}}
    made = []
    for project in ("a", "*"):
        with gateway.as_("member", project) as client:
            answer = client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "same"})
            assert answer.status_code == 201
            made.append(answer.json())
    assert made[0]["id"] != made[1]["id"]
    assert [each["user_id"] for each in made] == ["member-a", "member-all"]
