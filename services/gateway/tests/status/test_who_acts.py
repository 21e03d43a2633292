"""The status is never `ready` while nobody acts, and says who was started again."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from evenflow.gateway.status.heartbeats import ACTING, SERVICES, Heartbeats
from evenflow.gateway.status.processes import CHILDREN_FILE_VARIABLE, RestartCollector


def all_beat(harness: Any, **roles: str) -> None:
    for name in SERVICES:
        document = {
            "service": name,
            "instance": name,
            "state": "ready",
            "sent_at": time.time_ns() // 1000,
            "role": roles.get(name, "leader" if name in ACTING else None),
        }
        harness.gateway.part(Heartbeats).note(json.dumps(document).encode())


async def test_a_system_whose_services_are_ready_is_ready_when_each_has_a_leader(harness: Any):
    harness.gateway.health.started()
    all_beat(harness)
    assert (await harness.get("/api/v1/status"))["state"] == "ready"


@pytest.mark.parametrize("name", ACTING)
async def test_while_nobody_leads_it_is_degraded_and_says_what_is_missing(harness: Any, name: str):
    harness.gateway.health.started()
    all_beat(harness, **{name: "standby"})
    status = await harness.get("/api/v1/status")
    assert status["state"] == "degraded"
    assert status["services"][name]["reasons"] == {"leader": ACTING[name]}


async def test_processes_that_were_started_again_are_named_and_counted(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    noted = tmp_path / "servers.json"
    monkeypatch.setenv(CHILDREN_FILE_VARIABLE, str(noted))
    assert (await harness.get("/api/v1/status"))["restarts"] == {}
    note = {"pid": 1, "identity": "x", "restarts": 0, "reason": ""}
    again = {**note, "restarts": 2, "reason": "did not answer for 11 s"}
    noted.write_text(json.dumps({"nats": note, "binder": again}))
    told = (await harness.get("/api/v1/status"))["restarts"]
    assert told == {"binder": {"count": 2, "reason": "did not answer for 11 s"}}
    (metric,) = RestartCollector().collect()
    assert {each.labels["process"]: each.value for each in metric.samples} == {
        "nats": 0,
        "binder": 2,
    }
    noted.write_text("half of it {")
    assert (await harness.get("/api/v1/status"))["restarts"] == {}
