"""What the page says of usage over time: history beside shares, its age, alerts that stand."""

import json
from typing import Any

import pytest

from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.facts.quotas import Alerted, QuotaAlert
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import seal
from evenflow.gateway.page.documents import page_document
from evenflow.gateway.status.heartbeats import Heartbeats

T0 = 1_700_000_000_000_000


def a_snapshot() -> SnapshotTaken:
    nothing: dict[str, Any] = {"names": [], "raw_hours": {}, "normalized": {}}
    used = {"gpu": [0.24, 0.0], "cpu": [0.1, 0.0]}
    fields = {
        "schema": 1, "sequence": 1, "generated_at": T0, "data_until": T0,
        "half_life_seconds": 3600.0, "capacity": {}, "capacity_unknown": [],
        "queues": {"names": ["vision", "speech"], "raw_hours": used, "normalized": used},
        "projects": nothing, "users": nothing,
    }  # fmt: skip
    document, digest = seal(fields)
    return SnapshotTaken(1, T0, T0, digest, document)


@pytest.fixture
async def page(harness: Any) -> Any:
    for path in ("vision", "speech"):
        await harness.client.post("/api/v1/queues", json={"path": path})
    await harness.client.patch("/api/v1/queues/quota/vision", json={"gpu_quota": 10})
    return harness


async def queue(harness: Any, path: str) -> dict[str, Any]:
    """What is streamed to the page of a queue."""
    document = json.loads(json.dumps(await page_document(harness.gateway, harness.owner)))
    (found,) = (each for each in document["queues"] if each["path"] == path)
    return dict(found)


async def test_history_is_shown_beside_what_is_held_and_what_is_due(page: Any) -> None:
    assert (await queue(page, "vision"))["used_ratio"] is None
    assert "there is no snapshot yet" in (await page.client.get("/")).text
    await page.tell(a_snapshot())
    assert (await queue(page, "vision"))["used_ratio"] == 0.24  # of the resource it used most
    assert (await queue(page, "speech"))["used_ratio"] == 0
    shown = (await page.client.get("/")).text
    assert '<meter max="1" value="0.24"></meter> 24 %' in shown
    assert "Usage history is fresh: the snapshot is 0 s old." in shown


async def test_history_that_is_too_old_is_said_to_count_for_nobody_until_it_is_fresh(
    page: Any,
) -> None:
    await page.tell(a_snapshot())
    page.clock.now = T0 + 301 * SECOND
    old = (await page.client.get("/")).text
    assert "Usage history is unavailable, so it counts for nobody: the snapshot is 301 s old" in old
    assert '<p id="usage" class="unavailable">' in old
    page.clock.now = T0 + SECOND
    assert '<p id="usage" class="fresh">' in (await page.client.get("/")).text


async def test_alerts_stand_at_their_queue_until_they_fall_back(page: Any) -> None:
    await page.tell(Alerted((QuotaAlert("vision", "gpu", 800, True, 8_000, 10_000),)))
    assert (await queue(page, "vision"))["alerts"] == ["gpu 80 % of quota"]
    assert "gpu 80 % of quota" in (await page.client.get("/")).text
    await page.tell(Alerted((QuotaAlert("vision", "gpu", 0, False, 0, 10_000),)))
    assert (await queue(page, "vision"))["alerts"] == []
    assert "of quota" not in (await page.client.get("/")).text


async def test_what_is_wrong_with_a_service_is_said_beside_it(page: Any) -> None:
    beat = {"service": "binder", "instance": "b", "state": "ready", "reasons": {"x": "is <slow>"}}
    page.gateway.part(Heartbeats).note(json.dumps(beat).encode())
    assert "<small>is &lt;slow&gt;</small>" in (await page.client.get("/")).text
