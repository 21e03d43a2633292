"""The example of a kind of cluster, installed beside the services as they are, carries jobs."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenflow.common.domain.facts import runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.testing.installed import install
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import a_service, watched
from tests.integration.rest_gateway import a_gateway, submitted

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples/nohup"


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process that sees the distribution."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    folder = install(tmp_path / "site", project["name"], project["entry-points"])
    return {"PYTHONPATH": f"{folder}:{EXAMPLE / 'src'}"}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


async def test_real_commands_run_on_an_installed_kind_of_cluster(
    server: NatsServer, installed: dict[str, str], tmp_path: Path
) -> None:
    variables = installed | {
        "EVENFLOW_CLUSTER": "nohup",
        "EVENFLOW_EXECUTOR__NOHUP__CORES": "1",
        "EVENFLOW_DATA_DIR": str(tmp_path / "data"),
    }
    commands = [f"echo $EVENFLOW_TASK_INDEX >> {tmp_path}/{n}; exit {n - 1}" for n in (1, 2)]
    async with watched(server) as seen:
        with (
            a_gateway(server, tmp_path / "data", **variables) as rest,
            a_service("exporter", server, **variables),
            a_service("policy_engine", server, **variables),
            a_service("binder", server, **variables),
        ):
            async with rest:
                bodies = [{"name": "j", "executor_config": {"command": each}} for each in commands]
                answers = [await submitted(rest, body) for body in bodies]
                assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
                assert answers[0].json()["executor"] == "nohup"
                await seen.until(lambda: len(seen.state.ended) == len(commands), 60)
                for body, told in (
                    ({"executor_config": {"comand": "x"}}, "executor_config.comand"),
                    ({"executor_config": {"command": ["a"]}}, "executor_config.command"),
                    ({"executor": "simulated"}, "is no cluster here; there is nohup"),
                ):
                    refused = await submitted(rest, {"name": "j", **body})
                    assert refused.status_code == 422
                    assert told in refused.text
    reports = [report for fact in seen.facts(runs.Reported) for report in fact.runs]
    ends = [report for report in reports if report.phase is TaskPhase.ENDED]
    assert sorted(report.exit_code or 0 for report in ends) == [0, 1]
    assert [(tmp_path / name).read_text() for name in "12"] == ["0\n", "0\n"]
