"""The example of a policy plug-in, installed beside a real engine, decides whose turn it is."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from evenflow.common.domain.facts import cycle, jobs, queues
from evenflow.common.testing.builders import a_queue, a_spec
from evenflow.common.testing.installed import install
from evenflow.common.testing.servers.nats import NatsServer, nats_server
from evenflow.common.testing.watched_log import a_service, watched

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "examples/newest-first"


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a process that sees the distribution."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    source = (EXAMPLE / "src/newest_first/__init__.py").read_text()
    points = project["entry-points"]
    return {"PYTHONPATH": str(install(tmp_path, project["name"], points, newest_first=source))}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


async def test_both_kinds_of_policy_order_the_jobs_of_their_queues(
    server: NatsServer, installed: dict[str, str], tmp_path: Path
) -> None:
    variables = installed | {
        "EVENFLOW_CLUSTER": "simulated:1x8",
        "EVENFLOW_DATA_DIR": str(tmp_path / "data"),
        "SCHEDULING_POLICY": "newest-first",
    }
    small = {"resources": {"cpu": 100}, "executor": "simulated"}
    by_key = [a_spec(n, queue="p/key", **small) for n in (1, 2, 3)]
    tasks = {4: 1, 5: 1, 6: 2}
    by_choice = [a_spec(n, queue="p/choice", tasks=count, **small) for n, count in tasks.items()]
    async with watched(server) as seen:
        plain = a_queue("p/choice", policy="newest-of-lightest")
        await seen.writer.append(queues.Defined((a_queue("p"), a_queue("p/key"), plain)))
        await seen.writer.append(jobs.Submitted((*by_key, *by_choice)))
        with (
            a_service("exporter", server, **variables),
            a_service("policy_engine", server, **variables),
        ):
            await seen.until(lambda: len(placed_in(seen.facts(cycle.Decided))) == 6, 60)
    placed = placed_in(seen.facts(cycle.Decided))
    names = {spec.id: number for number, spec in enumerate((*by_key, *by_choice), start=1)}
    numbers = [names[job_id] for job_id in placed]
    assert [n for n in numbers if n <= 3] == [3, 2, 1], "the newest first"
    assert [n for n in numbers if n > 3] == [5, 4, 6], "the newest of the fewest tasks first"


def placed_in(decisions: list[cycle.Decided]) -> list[str]:
    return [placement.job_id for fact in decisions for placement in fact.placements]
