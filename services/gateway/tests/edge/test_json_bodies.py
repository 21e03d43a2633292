"""Bodies of JSON that no honest client sends: refused with the place, on every route alike."""

from typing import Any

import pytest

PATHS = [
    ("POST", "/api/v1/jobs"),
    ("POST", "/api/v1/jobs:batch"),
    ("POST", "/api/v1/queues"),
    ("POST", "/api/v1/reservations"),
    ("POST", "/api/v1/apply"),
    ("POST", "/api/v1/clock"),
]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"name": "a", "name": "b"}', "'name' twice"),
        (b'{"executor_config": {"x": NaN}}', "NaN at line 1 column 27"),
        (b'{"priority": ' + b"9" * 400 + b"}", "a number of over 100 characters at line 1"),
        (b'{"executor_config": ' + b"[" * 100 + b"]" * 100 + b"}", "nests deeper than 64"),
        (b'{"executor_config": ' + b"[" * 100_000, "nests deeper than 64"),
        (b'{"name": "\\ud800"}', "hex escape at line 1"),
        (b'{"name": "\xff"}', "is no UTF-8 at line 1 column 11"),
    ],
    ids=["twice", "nan", "long", "deep", "deep and open", "surrogate", "utf-8"],
)
async def test_a_body_that_is_out_of_bounds_is_a_400_that_says_where(
    harness: Any, body: bytes, told: str
) -> None:
    for method, path in PATHS:
        answer = await harness.client.request(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["code"] == "malformed_json"
        assert told in answer.json()["detail"], path
