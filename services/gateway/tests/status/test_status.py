"""The status as one document."""

from typing import Any


async def test_the_status_names_the_five_services(harness: Any) -> None:
    status = await harness.get("/status")
    assert {"gateway", "exporter", "usage-aggregator", "policy-engine", "binder"} == set(
        status["services"]
    )
    assert (status["state"], status["services"]["binder"]["state"]) == ("degraded", "unknown")
    assert status["scheduler"]["quota_provider"] == "local"
