"""The example of a kind of cluster, installed beside the services as they are, carries jobs."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenflow.common.domain.facts import jobs, queues, runs
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.testing.builders import a_queue, a_spec
from evenflow.common.testing.installed import install
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import a_service, watched

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


# Jobs come by the log: the gateway takes those for the built-in kinds only.
async def test_real_commands_run_on_an_installed_kind_of_cluster(
    server: NatsServer, installed: dict[str, str], tmp_path: Path
) -> None:
    variables = installed | {
        "EVENFLOW_CLUSTER": "nohup",
        "EVENFLOW_EXECUTOR__NOHUP__CORES": "1",
        "EVENFLOW_DATA_DIR": str(tmp_path / "data"),
    }
    commands = [f"echo $EVENFLOW_TASK_INDEX >> {tmp_path}/{n}; exit {n - 1}" for n in (1, 2)]
    specs = [
        a_spec(n, executor="nohup", executor_config={"command": command})
        for n, command in enumerate(commands, start=1)
    ]
    async with watched(server) as seen:
        await seen.writer.append(queues.Defined((a_queue("default"), a_queue("default/default"))))
        await seen.writer.append(jobs.Submitted(tuple(specs)))
        with (
            a_service("exporter", server, **variables),
            a_service("policy_engine", server, **variables),
            a_service("binder", server, **variables),
        ):
            await seen.until(lambda: len(seen.state.ended) == len(specs), 60)
    reports = [report for fact in seen.facts(runs.Reported) for report in fact.runs]
    ends = [report for report in reports if report.phase is TaskPhase.ENDED]
    assert sorted(report.exit_code or 0 for report in ends) == [0, 1]
    assert [(tmp_path / name).read_text() for name in "12"] == ["0\n", "0\n"]
