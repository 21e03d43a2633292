"""A whole fleet at once: all or nothing, and applied again nothing."""

from typing import Any

QUEUES = "/api/v1/queues"
FLEET = """
queues:
  vision: {quota: {gpu: 16, memory: 1Ti, max_concurrent_jobs: 100}}
  vision/train: {weight: 2, limit: {gpu: 8}}
  vision/serve: {weight: 1, priority: 5}
"""


async def test_a_fleet_is_applied_once_and_then_unchanged(harness: Any) -> None:
    first = (await harness.apply(FLEET)).json()
    assert (first["created"], first["changed"], first["unchanged"]) == (4, 0, 0)
    sequence = harness.log.last
    again = (await harness.apply(FLEET)).json()
    assert (again["unchanged"], harness.log.last) == (4, sequence)
    other = (await harness.apply(FLEET.replace("weight: 2", "weight: 4"))).json()
    changes = [result for result in other["results"] if result["outcome"] == "changed"]
    assert changes == [
        {
            "path": "vision/train",
            "kind": "queue",
            "outcome": "changed",
            "changes": {"weight": [2.0, 4.0]},
        }
    ]
    queue = await harness.get(f"{QUEUES}/vision")
    assert queue["max_concurrent_jobs"] is None


async def test_a_fleet_with_a_mistake_changes_nothing(harness: Any) -> None:
    sequence = harness.log.last
    bad = await harness.apply("queues: {a: {weight: 1}, b: {weight: -1}, C: {priority: x}}")
    assert bad.status_code == 422
    worse = await harness.apply("queues: {a: {weight: 1}, b: {weight: -1}, C: {}}")
    fields = {error["field"] for error in worse.json()["errors"]}
    assert fields == {"queues.b.weight", "queues.C.path"}
    assert (await harness.apply("queues: [")).json()["code"] == "malformed_json"
    assert harness.log.last == sequence


async def test_a_fleet_states_budgets_and_applied_again_changes_nothing(harness: Any) -> None:
    fleet = "queues: {vision: {quota: {gpu_hours: 100, period: month, enforce: false}}}"
    assert (await harness.apply(fleet)).json()["created"] == 2
    quota = await harness.get(f"{QUEUES}/quota/vision")
    assert (quota["gpu_hours_budget"], quota["budget_period"]) == (100, "month")
    assert quota["enforce_quota"] is False
    assert (await harness.apply(fleet)).json()["unchanged"] == 2
    bad = await harness.apply("queues: {vision: {quota: {gpu_hours: 1, period: 3}}}")
    assert [e["field"] for e in bad.json()["errors"]] == ["queues.vision.quota.period"]
