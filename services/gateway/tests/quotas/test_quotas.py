"""Quotas over REST: set, cleared, shown with what is used of them; budgets, too."""

from datetime import datetime, timedelta
from typing import Any

import pytest

QUEUES = "/api/v1/queues"


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
