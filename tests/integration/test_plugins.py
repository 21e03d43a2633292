"""What others install is used by the services as they are, and judged before they start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenflow.common.domain.facts import cycle, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.testing.installed import install
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import a_service, watched
from tests.integration.rest_gateway import a_gateway, submitted

pytestmark = pytest.mark.integration

MOON = """
from evenflow.common.adapters.simulated.executor import SimulatedExecutor
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.plugins.policy import Policy


class Moon:
    name = "moon"
    is_this_machine = False
    force_after_seconds = 60.0

    def check(self, setup):
        if setup.spec != "moon:base":
            raise InvalidValue("cluster", setup.spec, "must be moon:base")

    def check_job(self, config):
        if "run_seconds" not in config:
            raise InvalidValue("executor_config.run_seconds", None, "must be said on the moon")

    def executor(self, setup, time):
        return SimulatedExecutor(now=time.now, wall_seconds=time.wall_seconds)

    def observer(self, setup):
        return Telescope(int(setup.options["cores"]))


class Telescope:
    def __init__(self, cores):
        self.cores = cores

    async def observe(self):
        return (Node("crater", "moon", {"cpu": self.cores * 1000, "memory": 2**40}),)


KIND = Moon()
NEWEST = Policy("newest", lambda job: (-job.position,))
"""
POINTS = {
    "evenflow.clusters": {"moon": "moon_parts:KIND"},
    "evenflow.policies": {"newest": "moon_parts:NEWEST"},
}
ON_THE_MOON = {
    "EVENFLOW_CLUSTER": "moon:base",
    "EVENFLOW_EXECUTOR__MOON__CORES": "1",
    "EVENFLOW_SCHEDULER__POLICY": "newest",
}


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process that sees the distribution."""
    folder = install(tmp_path / "site", "evenflow-moon", POINTS, moon_parts=MOON)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


async def test_an_installed_cluster_and_policy_carry_jobs_and_no_service_changes(
    server: NatsServer, installed: dict[str, str], tmp_path: Path
) -> None:
    variables = installed | ON_THE_MOON | {"EVENFLOW_DATA_DIR": str(tmp_path / "data")}
    async with watched(server) as seen:
        with a_gateway(server, tmp_path / "data", **variables) as rest:
            async with rest:
                body = {
                    "name": "j",
                    "executor": "moon",
                    "executor_config": {"run_seconds": 0.1},
                    "cpu_request": 1,
                }
                answers = [await submitted(rest, body) for _ in range(3)]
                assert [answer.status_code for answer in answers] == [201] * 3, answers[0].text
                refused = await submitted(rest, {"name": "j", "executor": "moon"})
                assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (
                    422,
                    "must be said on the moon",
                )
                ids = [answer.json()["id"] for answer in answers]
        with (
            a_service("exporter", server, **variables),
            a_service("policy_engine", server, **variables),
            a_service("binder", server, **variables),
        ):
            await seen.until(lambda: len(seen.state.ended) == len(ids), 60)
    placed = [p.job_id for fact in seen.facts(cycle.Decided) for p in fact.placements]
    assert placed == ids[::-1], "one fits at a time, the newest first"
    assert list(seen.state.nodes) == ["crater"]
    reports = [report for fact in seen.facts(runs.Reported) for report in fact.runs]
    assert {report.exit_code for report in reports if report.phase is TaskPhase.ENDED} == {0}


@pytest.mark.parametrize(
    ("module", "variables", "told"),
    [
        pytest.param(
            "policy_engine",
            {"EVENFLOW_SCHEDULER__POLICY": "newst"},
            "scheduler.policy = 'newst': is not known; known are backfill, deadline, fair-tree, "
            "fairshare, fifo, multifactor, newest, priority, shortest-first",
            id="unknown policy",
        ),
        pytest.param(
            "policy_engine",
            {"QUOTA_PROVIDER": "sun"},
            "quota.provider = 'sun': is not known; known are local",
            id="unknown quota provider",
        ),
        pytest.param(
            "exporter",
            {"EVENFLOW_CLUSTER": "mars:base"},
            "as simulated:100x8, or 'moon[:...]'",
            id="unknown kind of cluster",
        ),
        pytest.param(
            "binder",
            {"EVENFLOW_CLUSTER": "moon:dark-side"},
            "cluster = 'moon:dark-side': must be moon:base",
            id="a setting that its kind refuses",
        ),
        pytest.param(
            "binder",
            {"EVENFLOW_EXECUTOR__LOCAL__CAPACITY": '{"cpu": "many"}'},
            "executor.local.capacity.cpu",
            id="a setting that our own kind refuses",
        ),
        pytest.param(
            "binder",
            {"EVENFLOW_EXECUTOR__MARS__CORES": "1"},
            "executor.mars",
            id="settings of a kind that is not installed",
        ),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_exit_code_2(
    installed: dict[str, str], module: str, variables: dict[str, str], told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"evenflow.{module}"],
        env=os.environ | installed | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr


def test_a_policy_that_cannot_be_imported_stops_the_engine_and_nobody_else(tmp_path: Path) -> None:
    points = {"evenflow.policies": {"broken": "broken_policy:POLICY"}}
    folder = install(
        tmp_path, "evenflow-broken", points, broken_policy="import nowhere_to_be_found"
    )
    codes = {}
    for module in ("policy_engine", "binder"):
        done = subprocess.run(
            [sys.executable, "-m", f"evenflow.{module}", "--check-config"],
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        codes[module] = done.returncode
        if module == "policy_engine":
            assert "distribution evenflow-broken" in done.stderr
            assert "nowhere_to_be_found" in done.stderr
    assert codes == {"policy_engine": 2, "binder": 0}
