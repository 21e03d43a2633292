"""What a request may take, and how many of them one user may send."""

import asyncio
from typing import Any

import pytest

from evenflow.gateway.edge.bounds import RequestBounds
from evenflow.gateway.edge.budget import RequestBudget, TooManyRequests
from evenflow.gateway.edge.principal import Principal, Role
from evenflow.gateway.edge.problems import BodyTooSlow, HeadTooLarge, problem_of


def a_user(name: str, project: str = "vision", role: Role = Role.MEMBER) -> Principal:
    return Principal(name, {project: role}, "token:1")


def test_a_user_has_a_burst_then_a_rate_and_no_other_user_pays_for_it() -> None:
    now = 0.0
    budget = RequestBudget(10, lambda: now)
    for _ in range(20):
        budget.take(a_user("ann"))
    with pytest.raises(TooManyRequests) as caught:
        budget.take(a_user("ann"))
    problem, headers = problem_of(caught.value)
    assert (problem["status"], problem["code"], headers) == (
        429,
        "too_many_requests",
        {"Retry-After": "1"},
    )
    budget.take(a_user("bob"))
    now = 0.11
    budget.take(a_user("ann"))
    with pytest.raises(TooManyRequests):
        budget.take(a_user("ann"))
    now = 1000.0
    for _ in range(20):
        budget.take(a_user("ann"))
    with pytest.raises(TooManyRequests):
        budget.take(a_user("ann"))


def test_admins_of_everything_and_a_rate_of_zero_have_no_bound() -> None:
    budget = RequestBudget(1, lambda: 0.0)
    for _ in range(10):
        budget.take(a_user("root", "*", Role.ADMIN))
    for _ in range(10):
        RequestBudget(0).take(a_user("ann"))


async def test_a_body_has_a_time_limit_in_all_and_waiting_for_the_end_has_none() -> None:
    messages: asyncio.Queue[Any] = asyncio.Queue()
    receive = RequestBounds(body_seconds=0.2).timed(messages.get)
    for _ in range(2):
        messages.put_nowait({"type": "http.request", "body": b"x", "more_body": True})
        await receive()
    with pytest.raises(BodyTooSlow):
        await receive()
    receive = RequestBounds(body_seconds=0.1).timed(messages.get)
    messages.put_nowait({"type": "http.request", "body": b"x"})
    await receive()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receive(), 0.3)


def test_a_head_that_came_at_once_is_measured_too() -> None:
    scope = {"raw_path": b"/x", "query_string": b"", "headers": [(b"x", b"y" * 100)]}
    RequestBounds(head_bytes=103).check_head(scope)
    with pytest.raises(HeadTooLarge):
        RequestBounds(head_bytes=102).check_head(scope)
