"""A store of usage that somebody installed, and settings of stores that cannot be used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.testing.installed import install
from evenflow.common.testing.servers.nats import nats_server
from evenflow.common.testing.servers.valkey import redis_server
from evenflow.common.testing.watched_log import a_service, watched

pytestmark = pytest.mark.integration

MOON = '''
from contextlib import asynccontextmanager
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.facts.usage import UsageEntry, UsageSample
from evenflow.common.ports.usage_backends import TimeKept, UsageBatch


class Tide:
    """Usage that comes with the moon: 3,600 core-seconds, once."""

    def __init__(self, cores):
        self.cores = cores

    async def fetch(self, mark, now):
        if mark is not None:
            return UsageBatch((), mark)
        entry = UsageEntry("", "sea/shore", "sea", "", {"cpu": 3600.0 * self.cores})
        sample = UsageSample("tide.1", now - 60_000_000, now, (entry,), {"cpu": 128.0})
        return UsageBatch((sample,), "1")

    async def ping(self):
        return "moon 1"

    async def close(self):
        pass


class Moon:
    name = "moon"
    time_kept = TimeKept.WALL

    def check(self, setup):
        if setup.options.get("phase") != "full":
            phase = setup.options.get("phase")
            raise InvalidValue("usage.backend.moon.phase", phase, "must be full")

    @asynccontextmanager
    async def open(self, setup):
        yield Tide(2.0)


KIND = Moon()
'''


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    points = {"evenflow.usage_backends": {"moon": "moon_usage:KIND"}}
    return {"PYTHONPATH": str(install(tmp_path, "evenflow-moon-usage", points, moon_usage=MOON))}


async def test_an_installed_store_is_used_like_ours(installed):
    with nats_server() as server, redis_server() as redis:
        async with watched(server) as watcher:
            with a_service(
                "usage_aggregator",
                server,
                EVENFLOW_REDIS__URL=redis.url,
                EVENFLOW_USAGE__HALF_LIFE="0",
                EVENFLOW_USAGE__BACKEND__TYPE="moon",
                EVENFLOW_USAGE__BACKEND__MOON__PHASE="full",
                **installed,
            ):
                await watcher.until(lambda: len(watcher.facts(SnapshotTaken)) > 1)
    document = json.loads(watcher.usage_documents()[-1])
    assert document["backend"] == "moon"
    assert document["queues"]["raw_hours"] == {"cpu": [2, 2]}
    assert document["users"]["names"] == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param(
            {"BACKEND__TYPE": "sqlite"},
            "known are influx, log, memory, moon, prometheus, victoriametrics",
            id="an unknown store lists the known ones, installed ones too",
        ),
        pytest.param(
            {"BACKEND__TYPE": "moon", "BACKEND__MOON__PHASE": "new"},
            "usage.backend.moon.phase = 'new': must be full",
            id="an option that its kind refuses",
        ),
        pytest.param(
            {"WINDOW_TYPE": "cron", "WINDOW_CRON": "at noon"},
            "usage.window_cron = 'at noon': must be a cron expression",
            id="no cron expression",
        ),
        pytest.param({"WINDOW_TYPE": "tumbling"}, "needs a tumbling_window_anchor", id="no anchor"),
        pytest.param({"HALF_LIFE": "-1s"}, "usage.half_life", id="a negative half-life"),
        pytest.param({"WINDOW_SIZE": "1s"}, "shorter than poll_interval", id="less than a poll"),
        pytest.param(
            {
                "BACKEND__TYPE": "prometheus",
                "BACKEND__PROMETHEUS__URL": "https://p",
                "BACKEND__PROMETHEUS__CA_FILE": __file__,
            },
            "usage.backend.prometheus.ca_file",
            id="a file without certificates",
        ),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_exit_code_2(installed, variables, told):
    done = subprocess.run(
        [sys.executable, "-m", "evenflow.usage_aggregator"],
        env=os.environ
        | installed
        | {f"EVENFLOW_USAGE__{name}": value for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
