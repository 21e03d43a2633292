"""Every endpoint that OpenAPI lists, asked for something of project `a` by everybody there is."""

import re
from typing import Any, Final

import httpx
import pytest

from evenflow.gateway.access.endpoints import RULES, Rule, Where
from evenflow.gateway.edge.principal import role_of
from tests.security.conftest import PROJECTS, ROLES, Gateway

_BODIES: Final[dict[str, Any]] = {
    "POST /api/v1/jobs": {
        "name": "x", "queue_id": "a/q", "project_id": "a",
        "executor_config": {},
    },
    "POST /api/v1/jobs:batch": {"atomic": True, "jobs": [
        {"name": "x", "project_id": "a", "executor_config": {}}
    ]},
    "PATCH /api/v1/jobs/{job_id}": {"name": "of-a"},
    "POST /api/v1/queues": {"path": "a/q"},
    "PATCH /api/v1/queues/{queue_id}": {"weight": 1.0},
    "PATCH /api/v1/queues/quota/{project_id}": {"max_concurrent_jobs": 100},
    "POST /api/v1/apply": {"queues": [{"path": "a/q"}]},
    "POST /api/v1/tokens": {"user_id": "x", "projects": ["a"], "role": "viewer"},
    "POST /api/v1/clock": {"rate": 1},
    "PATCH /api/v1/nodes/{name}": {"labels": {"rack": "1"}},
}  # fmt: skip
_NAMES_A_PROJECT: Final = frozenset(
    {"POST /api/v1/jobs", "POST /api/v1/jobs:batch", "POST /api/v1/queues", "POST /api/v1/apply"}
    | {"POST /api/v1/tokens"}
)
"""These name the project themselves: the answer is 403 whether it exists or not."""
_ENDS_A_JOB: Final = ("POST /api/v1/jobs/{job_id}/cancel", "DELETE /api/v1/jobs/{job_id}")
_OF_OTHERS: Final = "for another's job"
_HIDDEN_PAGES: Final = ("GET /api/v1/events", "GET /status-stream")


def rules() -> dict[str, Rule]:
    """The table, by method and path as OpenAPI spells it."""
    return {
        f"{method} {re.sub(r':path}', '}', path)}": rule for (method, path), rule in RULES.items()
    }


def listed(document: Any) -> list[str]:
    return sorted(
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    )


def expected(name: str, rule: Rule, role: str, project: str) -> str:
    """What must come of it: `in`, `403`, or `404` as if it were not there."""
    if rule.where in (Where.OPEN, Where.ANYONE) or rule.role is None:
        return "in"
    held = role_of(role)
    if rule.where is Where.EVERYWHERE:
        return "in" if project == "*" and held >= rule.role else "403"
    if held < rule.role:
        return "403"
    if rule.where is Where.SOMEWHERE:
        return "in"
    if project == "b":
        return "403" if name in _NAMES_A_PROJECT else "404"
    needed = role_of("operator") if rule.also.startswith(_OF_OTHERS) else rule.role
    return "in" if held >= needed else "403"


def ask(gateway: Gateway, client: httpx.Client, name: str) -> httpx.Response:
    method, path = name.split(" ", 1)
    filled = {"job_id": gateway.ids["job-a"], "queue_id": "a%2Fq", "queue": "a%2Fq",
              "project_id": "a%2Fq", "name": "no-node",
              "reservation_id": "00000000-0000-0000-0000-000000000000"}  # fmt: skip
    if name in _ENDS_A_JOB:
        filled["job_id"] = gateway.submit(gateway.file_token, queue_id="a/q")
    if "{token_id}" in path:
        filled["token_id"] = gateway.make_token("gone", "a", role="viewer")["id"]
    url = re.sub(r"{(\w+)}", lambda found: filled[found[1]], path)
    with client.stream(method, url, json=_BODIES.get(name)) as answer:
        if name not in _HIDDEN_PAGES:
            answer.read()
        return answer


def test_every_endpoint_has_a_rule_and_every_rule_an_endpoint(gateway: Gateway) -> None:
    with gateway.owner() as client:
        names = listed(client.get("/openapi.json").json())
    known = rules()
    assert [name for name in names if name not in known] == []
    unlisted = {"GET /healthz", "GET /readyz", "GET /login", "POST /login", "GET /login.css",
                "GET /login/oidc", "GET /login/oidc/callback",
                "POST /logout", "GET /docs", "GET /openapi.json", "GET /static", "GET /metrics",
                "GET /"}  # fmt: skip
    assert set(known) - set(names) == unlisted


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("project", PROJECTS)
def test_each_role_gets_in_where_the_table_says_and_nowhere_else(
    gateway: Gateway, role: str, project: str
) -> None:
    wrong = []
    with gateway.as_(role, project) as client:
        for name, rule in rules().items():
            if name in ("GET /static", "POST /logout") or "reservations/" in name:
                continue  # a folder; ends a session; needs one, see test_hidden.py
            if "/login/oidc" in name:
                continue  # no provider is set here, see test_accounts_on_up.py
            status = ask(gateway, client, name).status_code
            want = expected(name, rule, role, project)
            got = "in" if status not in (401, 403, 404) else str(status)
            if name.startswith(("POST /api/v1/nodes", "PATCH /api/v1/nodes")) and want == "in":
                got = "in" if status == 404 else got  # nobody has seen a node here
            if name == "DELETE /api/v1/log/readers/{name}" and want == "in":
                got = "in" if status == 404 else got  # no reader is called that
            if "{reservation_id}" in name or name == "POST /login":
                continue
            if got != want or status >= 500:
                wrong.append((name, status, want))
    assert wrong == []


def test_nobody_gets_in_without_a_credential(gateway: Gateway) -> None:
    wrong = []
    with gateway.client() as client:
        for name, rule in rules().items():
            if name == "POST /login":
                continue
            status = ask(gateway, client, name).status_code
            if (status == 401) == (rule.where is Where.OPEN):
                wrong.append((name, status))
        for path in ("/static/page.js", "/static/swagger/swagger-ui.css", "/nowhere", "/docs"):
            assert client.get(path).status_code == 401, path
    assert wrong == []


@pytest.mark.parametrize(
    "token", ["x", "evf_000000000000_" + "0" * 64, "evs_000000000000_" + "0" * 64, "é" * 9]
)
def test_what_is_no_token_opens_nothing(gateway: Gateway, token: str) -> None:
    with gateway.client() as client:
        headers = {b"Authorization": f"Bearer {token}".encode()}
        answer = client.get("/api/v1/jobs", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
