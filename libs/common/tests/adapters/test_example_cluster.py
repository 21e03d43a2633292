"""The example of a kind of cluster under `examples/`, installed as it is: it keeps the port."""

import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.clock import ShardClock
from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.cluster import ClusterKind, ClusterSetup
from evenflow.common.ports.executor import Executor, RunOrder
from evenflow.common.testing.installed import install, on_path
from evenflow.common.testing.suites.executor import LONG_SECONDS, ExecutorHarness, ExecutorSuite

EXAMPLE = Path(__file__).parents[4] / "examples/nohup"


class WallTime:
    """A shard whose clock is the wall clock."""

    def __init__(self) -> None:
        self.wall = SystemClock()

    def now(self) -> int:
        return self.wall.now()

    def at(self, wall: int) -> int:
        return wall

    def wall_seconds(self, shard_us: int) -> float:
        return ShardClock(0, 0, 1).wall_seconds(shard_us)

    def on_change(self, listener: object) -> None:
        """Never."""


@pytest.fixture
def kind(tmp_path: Path) -> Iterator[ClusterKind]:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    folder = install(tmp_path / "site", project["name"], project["entry-points"])
    with on_path(folder, EXAMPLE / "src"):
        (point,) = entry_points(group="evenflow.clusters", name="nohup")
        yield point.load()


@pytest.fixture
def setup(tmp_path: Path) -> ClusterSetup:
    return ClusterSetup(spec="nohup", data_dir=tmp_path / "data", options={"cores": "2"})


@pytest.fixture
async def cluster(kind: ClusterKind, setup: ClusterSetup) -> AsyncIterator[ExecutorHarness]:
    executor = kind.executor(setup, WallTime())
    await executor.open([])

    async def reopen(orders: Sequence[RunOrder]) -> Executor:
        await harness.executor.close()
        successor = kind.executor(setup, WallTime())
        await successor.open(orders)
        return successor

    harness = ExecutorHarness(
        executor, reopen, lambda seconds, code: {"command": f"sleep {seconds}; exit {code}"}
    )
    yield harness
    for folder in (setup.data_dir / "nohup").glob("*"):
        await harness.executor.stop(folder.name, Outcome.STOPPED)
    await harness.executor.close()


class TestNohupExecutor(ExecutorSuite):
    """Every promise of the port."""


def test_the_distribution_registers_a_kind_of_cluster(kind: ClusterKind) -> None:
    assert isinstance(kind, ClusterKind)
    assert kind.name == "nohup"


@pytest.mark.parametrize(
    ("spec", "options", "field"),
    [
        pytest.param("nohup:there", {}, "cluster", id="something behind its name"),
        pytest.param("nohup", {"cores": "0"}, "executor.nohup.cores", id="no core"),
        pytest.param("nohup", {"cores": "few"}, "executor.nohup.cores", id="no number"),
    ],
)
def test_settings_are_judged(
    kind: ClusterKind, tmp_path: Path, spec: str, options: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidValue) as raised:
        kind.check(ClusterSetup(spec=spec, data_dir=tmp_path, options=options))
    assert raised.value.field == field


async def test_its_node_has_the_cores_of_its_setting(
    kind: ClusterKind, setup: ClusterSetup
) -> None:
    (node,) = await kind.observer(setup).observe()
    assert (node.kind, node.capacity["cpu"]) == ("nohup", 2000)


async def test_output_is_what_the_command_wrote(cluster: ExecutorHarness) -> None:
    cluster.config = lambda *_: {"command": "echo out; echo err >&2"}
    order = cluster.order()
    await cluster.executor.start(order)
    await cluster.ended(order.token)
    assert (await cluster.executor.output(order.token, "stdout", 1, 100)).data == b"ut\n"
    assert (await cluster.executor.output(order.token, "stderr", 0, 2)).data == b"er"


async def test_a_run_without_a_command_is_refused(cluster: ExecutorHarness) -> None:
    cluster.config = lambda *_: {"command": 5}
    order = cluster.order()
    await cluster.executor.start(order)
    ended = await cluster.ended(order.token)
    assert (ended.outcome, ended.started_at) == (Outcome.REFUSED, None)


async def test_a_run_that_left_no_trace_is_lost(cluster: ExecutorHarness) -> None:
    order = cluster.order(LONG_SECONDS)
    started = replace(order, started_at=5)
    await cluster.restart(started)
    ended = await cluster.ended(order.token)
    assert (ended.outcome, ended.started_at) == (Outcome.LOST, 5)
