"""The engine as a process, on a real broker: it leads, decides, is fenced, and comes back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from evenflow.common.adapters.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import decisions_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, settings
from evenflow.common.domain.fold import apply
from evenflow.common.domain.state import ShardState
from evenflow.common.ports.log import Fence
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.common.testing.servers import NatsServer, nats_server

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


@contextmanager
def an_engine(server: NatsServer, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"EVENFLOW_NATS__URL": server.url} | variables
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


async def test_jobs_are_placed_in_order_once_and_settings_are_in_the_log(server):
    async with told(server) as listener:
        await a_cluster(listener)
        specs = [a_spec(i) for i in range(50)]
        with an_engine(server, EVENFLOW_SCHEDULER__POLICY="priority"):
            for spec in specs:
                await listener.writer.append(jobs.Submitted((spec,)))
            await listener.until(lambda: len(listener.placed()) == 50)
    assert sorted(listener.placed()) == sorted(spec.id for spec in specs)
    assert listener.facts(settings.Set)[0].scheduler.policy == "priority"
    first = listener.facts(cycle.Decided)[0]
    assert first.settings_sequence > 0
    assert first.epoch == listener.state.epoch


async def test_a_standby_takes_over_after_kill_9_and_places_nothing_twice(server):
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server) as first:
            await listener.until(lambda: listener.facts(leader.Decided))
            with an_engine(server):
                await listener.writer.append(jobs.Submitted((a_spec(1),)))
                await listener.until(listener.placed)
                first.kill()
                await listener.writer.append(jobs.Submitted((a_spec(2),)))
                await listener.until(lambda: len(listener.placed()) == 2)
    assert len(listener.facts(leader.Decided)) == 2
    assert listener.placed() == [a_spec(1).id, a_spec(2).id]


async def test_the_broker_refuses_a_leader_that_was_paused(server):
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server) as paused:
            await listener.until(lambda: listener.facts(leader.Decided))
            with an_engine(server):
                paused.send_signal(signal.SIGSTOP)
                await listener.writer.append(jobs.Submitted((a_spec(1),)))
                await listener.until(listener.placed)
                old_epoch, new_epoch = (
                    e.sequence for e in listener.entries if isinstance(e.fact, leader.Decided)
                )
                stale = Fence(decisions_of("main"), old_epoch)
                with pytest.raises(RevisionConflict):
                    await listener.writer.append_fenced(cycle.Decided(old_epoch, 1, 1, "1"), stale)
                paused.send_signal(signal.SIGCONT)
                await listener.writer.append(jobs.Submitted((a_spec(2),)))
                await listener.until(lambda: len(listener.placed()) == 2)
    assert {fact.epoch for fact in listener.facts(cycle.Decided)} == {new_epoch}


async def test_a_restarted_engine_starts_from_its_checkpoint(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted(tuple(a_spec(i) for i in range(300))))
        with an_engine(server) as engine:
            await listener.until(lambda: len(listener.placed()) == 300)
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "evenflow.policy_engine.checkpointer",
                env=os.environ | {"EVENFLOW_NATS__URL": server.url},
            )
            assert await child.wait() == 0
            engine.kill()
        taken = [s async for s, _ in listener.log.checkpoints.newest()]
        assert taken == [listener.state.sequence]
        await listener.log.connection.js.purge_stream("EVENFLOW_main", seq=taken[0])
        began = time.monotonic()
        with an_engine(server):
            await listener.writer.append(jobs.Submitted((a_spec(999),)))
            await listener.until(lambda: len(listener.placed()) == 301)
    assert time.monotonic() - began < 15
    assert listener.placed()[-1] == a_spec(999).id


async def test_sigterm_ends_the_engine_in_order_and_its_standby_leads_at_once(server):
    async with told(server) as listener:
        with an_engine(server) as first:
            await listener.until(lambda: listener.facts(leader.Decided))
            first.terminate()
            assert await asyncio.to_thread(first.wait, 10) == 0
        with an_engine(server):
            await listener.until(lambda: len(listener.facts(leader.Decided)) == 2)
