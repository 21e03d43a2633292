"""Readers that are gone hold the log no more: dropped by a person, who is noted, or by itself."""

import json
import os
import subprocess
import time

import httpx
import pytest

from evenflow.common.adapters.log.cursors import Bookmarks
from tests.chaos.system import EVENFLOW, System, until

pytestmark = pytest.mark.integration
CONFIG = "cluster: simulated:1x8\n"
HOUR_US = 3600 * 10**6


async def leave_a_cursor(system: System, name: str, *, age_us: int) -> None:
    """Keep a cursor as a reader does that told its place so long ago."""
    async with system.log() as log:
        kept = {
            "log_id": log.log_id,
            "sequence": 1,
            "place": 0,
            "written_at": time.time_ns() // 1000 - age_us,
        }
        await Bookmarks(log.connection, "main").put(name, json.dumps(kept).encode())


def readers(rest: httpx.Client) -> dict[str, bool]:
    """Return who reads the log, and whether they are dead."""
    found = rest.get("/api/v1/log/readers").raise_for_status().json()["readers"]
    return {reader["name"]: reader["is_dead"] for reader in found}


def evenflow(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the account that runs the system."""
    return subprocess.run(
        [EVENFLOW, *words],
        env={**os.environ, **system.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_dropping_a_dead_reader_notes_who_did_it(system: System, rest: httpx.Client):
    await leave_a_cursor(system, "gateway-gone", age_us=HOUR_US)
    assert readers(rest)["gateway-gone"]
    done = evenflow(system, "log", "drop-reader", "gateway-gone")
    assert done.returncode == 0, done.stderr
    assert "gateway-gone holds the log no more" in done.stdout
    assert "gateway-gone" not in readers(rest)
    (line,) = (
        line for line in system.log_lines("gateway") if line.get("event") == "reader_dropped"
    )
    me = rest.get("/api/v1/whoami").json()
    noted = f"{line['credential']}:{line['credential_id']}"
    assert (line["reader"], line["actor"], noted) == (
        "gateway-gone",
        me["user_id"],
        me["credential"],
    )


async def test_a_living_or_unknown_reader_is_not_dropped(system: System, rest: httpx.Client):
    await leave_a_cursor(system, "gateway-alive", age_us=0)
    refused = evenflow(system, "log", "drop-reader", "gateway-alive")
    assert refused.returncode != 0
    assert "log_store.dead_after" in refused.stderr
    unknown = evenflow(system, "log", "drop-reader", "nobody")
    assert unknown.returncode != 0
    assert "evenflow log readers" in unknown.stderr
    assert "gateway-alive" in readers(rest)


async def test_a_removed_receiver_of_alerts_holds_the_log_no_more(
    system: System, rest: httpx.Client
):
    await leave_a_cursor(system, "alerts-removed", age_us=HOUR_US)
    await leave_a_cursor(system, "alerts-told-by-another-gateway", age_us=0)
    await leave_a_cursor(system, "binder-gone", age_us=HOUR_US)
    pid = system.kill("gateway")
    await system.ready("gateway", not_pid=pid)

    def is_forgotten() -> bool:
        return "alerts-removed" not in readers(rest)

    await until(is_forgotten, "the cursor of a removed receiver is gone", 20)
    assert {"alerts-told-by-another-gateway", "binder-gone"} <= set(readers(rest))
