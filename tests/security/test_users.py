"""Whose a job is, who may act on it, what the log says of that; the same on the bus."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from evenflow.common.adapters.nats.connection import connect
from evenflow.common.contracts.subjects import request_subject
from tests.security.conftest import Gateway, start_gateway, stop

JOB = {"name": "x", "queue_id": "a/q", "executor_config": {}}


def test_a_job_is_of_who_shows_the_token(gateway: Gateway) -> None:
    with gateway.as_("member", "a") as client:
        assert client.post("/api/v1/jobs", json=JOB).json()["user_id"] == "member-a"
        same = client.post("/api/v1/jobs", json={**JOB, "user_id": "member-a"})
        assert same.json()["user_id"] == "member-a"


def test_naming_somebody_else_takes_an_operator_and_says_who_one_is(gateway: Gateway) -> None:
    named = {**JOB, "user_id": "bob"}
    with gateway.as_("member", "a") as client:
        refused = client.post("/api/v1/jobs", json=named)
        assert refused.status_code == 403
        assert "you are 'member-a'" in refused.json()["detail"]
        batch = client.post("/api/v1/jobs:batch", json={"jobs": [named, JOB]}).json()["jobs"]
        assert batch[0]["error"]["status"] == 403
        assert "id" in batch[1]
    with gateway.as_("operator", "a") as client:
        assert client.post("/api/v1/jobs", json=named).json()["user_id"] == "bob"


def test_members_change_their_own_jobs_and_operators_those_of_others(gateway: Gateway) -> None:
    own = gateway.submit(gateway.tokens["member", "a"], queue_id="a/q")
    other = gateway.submit(gateway.tokens["operator", "a"], queue_id="a/q")
    with gateway.as_("member", "a") as client:
        assert client.patch(f"/api/v1/jobs/{own}", json={"name": "y"}).status_code == 200
        assert client.patch(f"/api/v1/jobs/{other}", json={"name": "y"}).status_code == 403
        assert client.post(f"/api/v1/jobs/{other}/cancel").status_code == 403
        assert client.post(f"/api/v1/jobs/{own}/cancel").status_code == 200
        assert client.delete(f"/api/v1/jobs/{own}").status_code == 204
    with gateway.as_("operator", "a") as client:
        mine = gateway.submit(gateway.tokens["member", "a"], queue_id="a/q")
        assert client.post(f"/api/v1/jobs/{mine}/cancel").status_code == 200


def test_the_log_names_who_showed_the_credential(gateway: Gateway) -> None:
    with gateway.owner() as owner:
        begin = owner.get("/api/v1/status").json()["sequence"] + 1
    with gateway.as_("operator", "a") as client:
        job = client.post("/api/v1/jobs", json={**JOB, "user_id": "bob"}).json()["id"]
        client.post(f"/api/v1/jobs/{job}/cancel")
    with gateway.as_("admin", "a") as client:
        client.patch("/api/v1/queues/a%2Fq", json={"weight": 3.5})
        made = client.post("/api/v1/tokens", json={"user_id": "eve", "projects": ["a"]}).json()
        client.delete(f"/api/v1/tokens/{made['id']}")
    facts = read_facts(gateway, begin, 5)
    assert [(kind, fact["actor"]) for kind, fact in facts] == [
        ("jobs.submitted", "operator-a"),
        ("jobs.cancel-requested", "operator-a"),
        ("queues.defined", "admin-a"),
        ("access.token-created", "admin-a"),
        ("access.token-revoked", "admin-a"),
    ]
    assert made["token"].rpartition("_")[2] not in json.dumps(facts)


def read_facts(gateway: Gateway, begin: int, count: int) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = []
    kind = ""
    with gateway.owner() as owner, owner.stream("GET", f"/api/v1/events?from={begin}") as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                facts.append((kind, json.loads(line.removeprefix("data: "))))
                if len(facts) == count:
                    break
    return facts


def test_an_admin_gives_roles_in_their_project_alone(gateway: Gateway) -> None:
    with gateway.as_("admin", "a") as client:
        for projects, status in ((["a"], 201), (["b"], 403), (["*"], 403), (["a", "b"], 403)):
            body = {"user_id": "eve", "projects": projects, "role": "admin"}
            assert client.post("/api/v1/tokens", json=body).status_code == status
        listed = client.get("/api/v1/tokens").json()["tokens"]
        assert {project for token in listed for project in token["roles"]} == {"a"}
        assert "file" not in {token["id"] for token in listed}
        of_b = gateway.make_token("x", "b")["id"]
        assert client.delete(f"/api/v1/tokens/{of_b}").status_code == 404
        assert client.delete("/api/v1/tokens/file").status_code == 404
    with gateway.owner() as owner:
        assert owner.get("/api/v1/tokens").json()["tokens"][0]["id"] == "file"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": "x", "projects": []}, "projects"),
        ({"user_id": "x", "projects": ["a/q"]}, "projects.0"),
        ({"user_id": "x", "projects": ["A B"]}, "projects.0"),
        ({"user_id": "x", "projects": ["a"], "role": "root"}, "role"),
        ({"user_id": "", "projects": ["a"]}, "user_id"),
        ({"user_id": "gateway", "projects": ["a"]}, "user_id"),
        ({"user_id": "x\n", "projects": ["a"]}, "user_id"),
        ({"user_id": "x", "projects": ["a"], "expires_in_seconds": 0}, "expires_in_seconds"),
        ({"user_id": "x", "projects": ["a"], "expires_in_seconds": 1e300}, "expires_in_seconds"),
    ],
)
def test_a_bad_token_request_names_its_field(gateway: Gateway, body: Any, field: str) -> None:
    with gateway.owner() as owner:
        answer = owner.post("/api/v1/tokens", json=body)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]


async def test_requests_on_the_bus_demand_the_same(gateway: Gateway) -> None:
    connection = await connect(gateway.nats.url, name="a-client")
    job_b = gateway.ids["job-b"]

    async def ask(verb: str, body: Any, token: str | None, noun: str = "jobs") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        subject = request_subject("main", noun, verb)
        reply = await connection.client.request(
            subject, json.dumps(body).encode(), 10, headers=headers
        )
        return json.loads(reply.data)

    viewer, member = gateway.tokens["viewer", "a"], gateway.tokens["member", "a"]
    asked = {"job_id": job_b}
    for verb, body in (("submit", JOB), ("cancel", asked), ("logs", asked), ("explain", asked)):
        assert (await ask(verb, body, None))["status"] == 401
        assert (await ask(verb, body, "evf_x"))["status"] == 401
    assert (await ask("submit-batch", {"jobs": [JOB]}, None))["status"] == 401
    assert (await ask("show", {}, None, "usage"))["status"] == 401
    assert (await ask("submit", JOB, viewer))["status"] == 403
    job = await ask("submit", JOB, member)
    assert job["user_id"] == "member-a"
    assert (await ask("submit", {**JOB, "user_id": "bob"}, member))["status"] == 403
    for verb in ("cancel", "logs", "explain"):
        assert (await ask(verb, asked, member))["status"] == 404
    assert "text" in await ask("explain", {"job_id": job["id"]}, viewer)
    assert (await ask("logs", {"job_id": job["id"]}, viewer))["text"] == ""
    assert "secret-b" not in json.dumps(await ask("show", {}, viewer, "usage"))
    assert (await ask("cancel", {"job_id": job["id"]}, viewer))["status"] == 403
    assert (await ask("cancel", {"job_id": job["id"]}, member))["status"] == "cancelled"
    await connection.close()


async def test_a_token_counts_on_all_gateways_until_it_is_revoked_on_one(
    gateway: Gateway, tmp_path: Any
) -> None:
    made = gateway.make_token("eve", "a")
    other = await asyncio.to_thread(start_gateway, tmp_path, gateway.nats)
    try:
        with other.client(made["token"]) as client, gateway.owner() as owner:
            await until_status(client, 200)  # also what was given before it started is known
            assert in_clear(made["token"], gateway.nats.directory, gateway.data, tmp_path) == []
            assert owner.delete(f"/api/v1/tokens/{made['id']}").status_code == 200
            await until_status(client, 401)
            assert gateway.client(made["token"]).get("/api/v1/whoami").status_code == 401
    finally:
        await asyncio.to_thread(stop, other)


def in_clear(token: str, *folders: Path) -> list[Path]:
    """Return the files that hold the secret of a token."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    secret = token.rpartition("_")[2].encode()
    return [path for path in files if secret in path.read_bytes()]


async def until_status(client: Any, status: int) -> None:
    """Within a second."""
    async with asyncio.timeout(1):
        while client.get("/api/v1/whoami").status_code != status:
            await asyncio.sleep(0.02)
