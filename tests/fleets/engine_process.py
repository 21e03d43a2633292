"""An engine as a process on a real broker, and everything that its log says."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import cluster, cycle, queues
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.testing.builders import a_node, a_queue
from evenflow.common.testing.servers.nats import NatsServer


@contextmanager
def an_engine(server: NatsServer, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    unawaited = {"EVENFLOW_USAGE__STARTUP_WAIT": "0"}  # no aggregator runs here
    environment = os.environ | {"EVENFLOW_NATS__URL": server.url} | unawaited | variables
    engine = subprocess.Popen([sys.executable, "-m", "evenflow.policy_engine"], env=environment)
    try:
        yield engine
    finally:
        if engine.poll() is None:
            engine.send_signal(signal.SIGCONT)
            engine.kill()
        engine.wait()


class Told:
    """Everything the log says, as it comes."""

    def __init__(self, log: ShardLog) -> None:
        self.log = log
        self.entries: list[Entry] = []
        self.state = ShardState()
        self.writer = log.writer(SystemClock().now)
        self._more = asyncio.Event()

    async def follow(self) -> None:
        reader = await self.log.open_reader(0)
        async for batch in reader.batches():
            for message in batch:
                entry = codec.decode(message.subject, message.data, message.sequence)
                apply(self.state, entry)
                self.entries.append(entry)
            self._more.set()

    async def until(self, condition, seconds: float = 15.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._more.clear()
                await self._more.wait()

    def facts(self, kind: type) -> list:
        return [entry.fact for entry in self.entries if isinstance(entry.fact, kind)]

    def placed(self) -> list[str]:
        return [p.job_id for fact in self.facts(cycle.Decided) for p in fact.placements]


@asynccontextmanager
async def told(server: NatsServer) -> AsyncIterator[Told]:
    async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
        listener = Told(log)
        following = asyncio.create_task(listener.follow())
        yield listener
        following.cancel()


async def a_cluster(listener: Told) -> None:
    await listener.writer.append(queues.Defined((a_queue("default"), a_queue("default/default"))))
    await listener.writer.append(cluster.Observed("simulated", (a_node("n1", cpu=10_000_000),)))
