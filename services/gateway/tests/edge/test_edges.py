import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["default/default", "1Gi", "-1", "\0", "0-3", "\ud800", "training", "🦊"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["cpu", "gpu"]), inner, max_size=3)
    ),
    max_leaves=6,
)
JOB_FIELDS = (
    "project_id",
    "queue_id",
    "user_id",
    "cpu_request",
    "memory_request",
    "gpu_request",
    "resources",
    "tasks",
    "array",
    "tags",
    "priority",
    "time_limit_seconds",
    "executor",
    "executor_config",
    "description",
)
QUEUE_FIELDS = (
    "name",
    "path",
    "weight",
    "limit",
    "deserved",
    "max_concurrent_jobs",
    "policy",
)
LABEL = st.sampled_from(["rack", "node", "a b", ""]) | st.text(max_size=5)
COUNT = st.integers(-1, 9) | ANY
GROUP = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "A b", ""]) | ANY},
    optional={
        "tasks": COUNT,
        "min_tasks": COUNT,
        "gpu_request": st.sampled_from([0.5, 1.5, "2", "600m"]) | ANY,
        "cpu_request": ANY,
        "resources": ANY,
    },
)
CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "selector": st.dictionaries(LABEL, LABEL | st.lists(LABEL, max_size=2) | ANY, max_size=3),
        "tolerations": st.lists(
            LABEL | st.fixed_dictionaries({"key": LABEL}, optional={"value": LABEL | ANY}) | ANY,
            max_size=2,
        ),
        "anti_affinity": st.fixed_dictionaries({}, optional={"level": LABEL, "key": LABEL}) | ANY,
        "required_level": LABEL | ANY,
        "preferred_level": LABEL | ANY,
        "strategy": st.sampled_from(["pack", "cheapest", "x"]) | ANY,
        "clusters": st.lists(LABEL, max_size=2) | ANY,
    },
)
JOB = st.fixed_dictionaries(
    {"name": st.just("x") | ANY},
    optional=dict.fromkeys(JOB_FIELDS, ANY)
    | {
        "min_tasks": COUNT,
        "groups": st.lists(GROUP, max_size=3) | ANY,
        "constraints": CONSTRAINTS | ANY,
    },
)
MARKS = st.dictionaries(LABEL, st.none() | LABEL | ANY, max_size=3)
QUEUE = st.fixed_dictionaries({}, optional=dict.fromkeys(QUEUE_FIELDS, ANY))
# Most of it is right, so that what is wrong is judged beyond its shape.
SOUND_JOB = st.fixed_dictionaries(
    {"name": st.just("x")},
    optional={
        "groups": st.lists(GROUP, min_size=1, max_size=3),
        "constraints": CONSTRAINTS,
        "min_tasks": st.integers(0, 4),
        "tasks": st.integers(0, 4),
    },
)
QUOTA = st.dictionaries(
    st.sampled_from(["cpu_quota", "memory_quota", "resources", "max_training_jobs", "zzz"]), ANY
)
REQUEST = st.one_of(
    st.tuples(st.just("POST"), st.just("/api/v1/jobs"), JOB | ANY | SOUND_JOB),
    st.tuples(
        st.just("POST"),
        st.just("/api/v1/jobs:batch"),
        st.fixed_dictionaries({"jobs": st.lists(JOB | ANY, max_size=3)}) | ANY,
    ),
    st.tuples(st.just("POST"), st.just("/api/v1/queues?project_id=p"), QUEUE | ANY),
    st.tuples(st.just("PATCH"), st.just("/api/v1/queues/default%2Fdefault"), QUEUE | ANY),
    st.tuples(st.just("PATCH"), st.just("/api/v1/queues/quota/p"), QUOTA | ANY),
    st.tuples(
        st.just("POST"),
        st.just("/api/v1/apply"),
        st.fixed_dictionaries(
            {"queues": st.lists(QUEUE, max_size=2) | st.dictionaries(st.text(max_size=5), QUEUE)}
        )
        | ANY,
    ),
    st.tuples(
        st.just("PATCH"),
        st.sampled_from(["/api/v1/nodes/n0", "/api/v1/nodes/nowhere"]),
        st.fixed_dictionaries({}, optional={"labels": MARKS | ANY, "taints": MARKS | ANY}) | ANY,
    ),
    st.tuples(st.just("POST"), st.just("/api/v1/clock"), ANY),
)


async def test_no_body_is_answered_with_a_500(harness: Any) -> None:
    loop = asyncio.get_running_loop()
    await harness.nodes()

    @settings(max_examples=150, deadline=None, database=None)
    @given(request=REQUEST)
    def search(request: Any) -> Any:
        method, path, body = request
        asking = harness.client.request(method, path, content=json.dumps(body).encode())
        answer = asyncio.run_coroutine_threadsafe(asking, loop).result(20)
        assert answer.status_code < 500, (body, answer.text)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code

    await asyncio.to_thread(search)  # hypothesis waits for each answer; the loop must go on


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "evil.example"}, 403, id="a foreign host"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="a page of another site"),
        pytest.param({"Origin": "null"}, 403, id="a page without a site"),
        pytest.param({"Origin": "http://localhost:8600"}, 201, id="our own page"),
    ],
)
async def test_state_is_changed_only_from_here(harness: Any, headers: Any, status: Any) -> None:
    answer = await harness.client.post("/api/v1/jobs", json={"name": "a"}, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PUT", "/api/v1/jobs", 405), ("GET", "/static/../app.py", 404)],
)
async def test_paths_that_are_not_there_are_problems_too(
    harness: Any, method: Any, path: Any, status: Any
) -> None:
    answer = await harness.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_page_shows_texts_of_users_as_text(harness: Any) -> None:
    await harness.submit(name="<script>alert(1)</script>")
    page = await harness.client.get("/")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert (await harness.client.get("/static/page.js")).status_code == 200


async def test_every_endpoint_is_described(harness: Any) -> None:
    document = await harness.get("/openapi.json")
    assert {"/api/v1/jobs", "/api/v1/apply", "/api/v1/queues/{queue_id}", "/status"} <= set(
        document["paths"]
    )
    body = document["paths"]["/api/v1/jobs"]["post"]["requestBody"]
    assert "executor_config" in body["content"]["application/json"]["schema"]["properties"]
