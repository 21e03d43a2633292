"""What the exporter tells of a cluster, and what it keeps to itself."""

import asyncio
from contextlib import suppress

import structlog

from evenflow.common.contracts import codec
from evenflow.common.domain.facts import cluster, nodes
from evenflow.common.domain.nodes.node import Node
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.fakes.log import FakeLog
from evenflow.exporter.cluster_watch import ClusterWatch


def a_context() -> ServiceContext:
    return ServiceContext(
        settings=Settings(),
        health=Health("exporter", "main", "1"),
        metrics=Metrics(service="exporter", shard="main", version="1"),
        log=structlog.get_logger(),
    )


def told(log: FakeLog) -> list[object]:
    return [codec.decode(each.subject, each.data).fact for each in log.messages]


class Machines:
    """A cluster that shows what it is told to."""

    def __init__(self, *shown: Node) -> None:
        self.shown = shown

    async def observe(self) -> tuple[Node, ...]:
        return self.shown


async def test_what_operators_say_of_a_node_is_not_taken_for_a_change_of_it() -> None:
    ctx, log = a_context(), FakeLog(now=lambda: T0)
    machines = Machines(a_node("n1", labels={"rack": "r1"}))
    follower = Follower(ctx, log.open_reader, log.log_id)
    await follower.load()
    folding = asyncio.create_task(follower.run())
    watch = ClusterWatch(ctx, "simulated", machines, follower, log)
    await watch.observe()
    said = nodes.Labelled((nodes.LabelChange("n1", {"rack": "r9"}),))
    await follower.reach(await log.append(said))
    await watch.observe()
    assert [type(fact) for fact in told(log)] == [cluster.Observed, nodes.Labelled]
    machines.shown = (a_node("n1", labels={"rack": "r2"}),)
    await watch.observe()
    assert told(log)[-1] == cluster.Observed("simulated", machines.shown)
    assert follower.state.nodes["n1"].labels == {"rack": "r9"}
    folding.cancel()
    with suppress(asyncio.CancelledError):
        await folding
