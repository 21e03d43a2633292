"""Clocks that differ are told (FAIL-09): by heartbeats, and not because one came late."""

import asyncio
import json
import time
from typing import Any

from evenflow.common.domain.clock import SECOND
from evenflow.common.runtime.metrics import Metrics
from evenflow.gateway.status.clock_differences import ClockDifferences
from evenflow.gateway.status.heartbeats import ACTING, FORGOTTEN_SECONDS, SERVICES, Heartbeats
from evenflow.gateway.values.instants import iso

T0 = 1_800_000_000 * SECOND


class Listener:
    """A gateway's ear, with clocks that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.metrics = Metrics(service="gateway", shard="main", version="1")
        self.heartbeats = Heartbeats(
            lambda: self.seconds,
            wall=lambda: T0 + round(self.seconds * SECOND),
            clocks=ClockDifferences(self.metrics),
        )

    def hear(self, ahead: float, times: int = 1, *, every: float = 1.0, old: float = 0.0) -> None:
        """Hear the exporter, whose clock is so far ahead, of heartbeats that are so old."""
        for _ in range(times):
            self.seconds += every
            sent_at = T0 + round((self.seconds + ahead - old) * SECOND)
            document: dict[str, Any] = {"service": "exporter", "instance": "i", "state": "ready"}
            self.heartbeats.note(json.dumps({**document, "sent_at": sent_at}).encode())

    @property
    def reason(self) -> str:
        return self.heartbeats.services(iso)["exporter"]["reasons"].get("clock", "")

    @property
    def gauge(self) -> float | None:
        labels = {"of": "exporter", "instance": "i"}
        return self.metrics.registry.get_sample_value("evenflow_clock_difference_seconds", labels)


def test_a_clock_an_hour_ahead_is_told_with_the_difference_until_it_is_set():
    listener = Listener()
    listener.hear(3600, times=3)
    assert "3600 s ahead of the gateway's" in listener.reason
    assert "NTP" in listener.reason
    assert listener.gauge == 3600
    listener.hear(-3600, times=3)
    assert "3600 s behind" in listener.reason
    listener.hear(0)
    assert (listener.reason, listener.gauge) == ("", 0)


def test_thirty_seconds_are_no_difference_and_a_moment_more_is():
    listener = Listener()
    listener.hear(30, times=5)
    assert (listener.reason, listener.gauge) == ("", 30)
    listener.hear(31, times=3)
    assert listener.reason


def test_heartbeats_that_come_late_say_nothing_of_clocks():
    listener = Listener()
    listener.hear(0, times=3)
    listener.hear(0, times=60, every=0.001, old=60)  # all that waited while we were stopped
    assert listener.reason == ""
    late = Listener()
    late.hear(0, times=2, old=100)
    late.hear(0)
    assert (late.reason, late.gauge) == ("", 0)


def test_who_is_not_heard_any_more_has_no_gauge():
    listener = Listener()
    listener.hear(100, times=3)
    listener.seconds += FORGOTTEN_SECONDS + 1
    other = json.dumps({"service": "binder", "instance": "j", "sent_at": T0}).encode()
    listener.heartbeats.note(other)
    assert listener.gauge is None


async def test_one_clock_that_differs_degrades_a_system_of_which_all_services_are_ready(
    harness: Any,
) -> None:
    def all_beat(ahead_us: int) -> None:
        for name in SERVICES:
            sent_at = time.time_ns() // 1000 + (ahead_us if name == "binder" else 0)
            document: dict[str, Any] = {
                "service": name,
                "instance": name,
                "state": "ready",
                "sent_at": sent_at,
            }
            document["role"] = "leader" if name in ACTING else None
            harness.gateway.part(Heartbeats).note(json.dumps(document).encode())

    harness.gateway.health.started()
    all_beat(0)
    assert (await harness.get("/api/v1/status"))["state"] == "ready"
    for _ in range(3):
        await asyncio.sleep(0.6)
        all_beat(-3_600_000_000)
    # Three that differ are the last three: the one that agreed is forgotten.
    status = await harness.get("/api/v1/status")
    assert status["state"] == "degraded"
    assert {service["state"] for service in status["services"].values()} == {"ready"}
    assert "behind the gateway's" in status["services"]["binder"]["reasons"]["clock"]
