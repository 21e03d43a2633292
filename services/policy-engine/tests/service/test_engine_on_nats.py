"""The engine as a process, on a real broker: it leads, decides, is fenced, and comes back."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import nats.errors
import pytest

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.contracts.explanation import ExplainAnswer, explain_subject
from evenflow.common.contracts.subjects import decisions_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, queues, settings, usage
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import seal
from evenflow.common.ports.log import Fence
from evenflow.common.testing.builders import a_node, a_queue, a_spec
from evenflow.common.testing.servers.nats import NatsServer, nats_server

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


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


async def test_a_leader_decides_by_reloaded_settings_and_not_by_broken_ones(server, tmp_path):
    config = tmp_path / "evenflow.yaml"
    config.write_text("fairness: {k_value: 2}")
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server, EVENFLOW_CONFIG=str(config)) as engine:
            await listener.until(lambda: listener.facts(settings.Set))
            for text in ("fairness: {k_value: -1}", "fairness: {k_value: 3}"):
                config.write_text(text)
                engine.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.3)  # the broken one is refused before the next is read
            await listener.until(lambda: listener.facts(settings.Set)[-1].scheduler.k == 3.0)
            spec = a_spec(1)
            await listener.writer.append(jobs.Submitted((spec,)))
            await listener.until(lambda: listener.placed() == [spec.id])
    assert [fact.scheduler.k for fact in listener.facts(settings.Set)] == [2.0, 3.0]
    assert listener.facts(cycle.Decided)[-1].settings_sequence == max(
        entry.sequence for entry in listener.entries if isinstance(entry.fact, settings.Set)
    )


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
                await listener.until(lambda: len(listener.placed()) == 2, seconds=40)
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
                await listener.until(lambda: len(listener.placed()) == 2, seconds=40)
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
                "evenflow.policy_engine.checkpoints.checkpointer",
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


async def test_the_leader_explains_jobs_and_goes_on_deciding(server):
    async with told(server) as listener:
        await a_cluster(listener)
        wide, waiting = (
            a_spec(i, resources={"cpu": 10_000_000}, time_limit_us=60_000_000) for i in (1, 2)
        )
        with an_engine(server):
            await listener.writer.append(jobs.Submitted((wide,)))
            await listener.until(listener.placed)
            await listener.writer.append(jobs.Submitted((waiting, a_spec(3))))
            last = a_spec(3).id
            await listener.until(lambda: is_told(listener, waiting.id))
            answer = await explained(listener, last)
            garbage = await explained(listener, "")
            unknown = await explained(listener, "nobody")
    found = answer.explanation
    assert found is not None
    assert answer.is_leader
    assert (found.place, found.ahead, found.policy) == (2, 1, "fifo")
    assert [(each.id, each.because.basis) for each in found.first] == [
        (waiting.id, "submitted earlier")
    ]
    assert [level.path for level in found.levels] == ["default", "default/default"]
    assert found.levels[0].held == {"cpu": 10_000_000}
    assert found.short is not None
    assert (found.short.resource, found.short.free) == ("cpu", 0)
    assert found.prediction is not None
    assert found.prediction.basis == "ends of running jobs by limit"
    assert (garbage.code, unknown.code) == ("invalid_value", "not_found")


def is_told(listener: Told, job_id: str) -> bool:
    changes = (change for fact in listener.facts(cycle.Decided) for change in fact.reasons)
    return any(change.job_id == job_id for change in changes)


async def explained(listener: Told, job_id: str) -> ExplainAnswer:
    """Ask until an engine leads."""
    body = json.dumps({"job_id": job_id}).encode()
    async with asyncio.timeout(15):
        while True:
            try:
                client = listener.log.connection.client
                reply = await client.request(explain_subject("main"), body, timeout=5)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.05)
            else:
                return ExplainAnswer.model_validate_json(reply.data)


def a_snapshot(generated_at: int) -> usage.SnapshotTaken:
    nothing: dict[str, object] = {"names": [], "raw_hours": {}, "normalized": {}}
    document, digest = seal(
        {
            "schema": 1, "sequence": 1, "generated_at": generated_at, "data_until": generated_at,
            "half_life_seconds": 1, "capacity": {}, "capacity_unknown": [],
            "queues": nothing, "projects": nothing, "users": nothing,
        }
    )  # fmt: skip
    return usage.SnapshotTaken(1, generated_at, generated_at, digest, document)


async def test_the_first_snapshot_of_usage_is_awaited_and_no_later_one_however_old(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted((a_spec(1),)))
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="60"):
            with pytest.raises(TimeoutError):
                await listener.until(listener.placed, seconds=6)
            assert not listener.facts(leader.Decided)
            await listener.writer.append(a_snapshot(1_000_000))  # the year 1970
            await listener.until(listener.placed, seconds=40)
        assert listener.facts(cycle.Decided)[0].usage_sequence == 0  # too old to count
        await listener.writer.append(jobs.Submitted((a_spec(2),)))
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="60"):
            await listener.until(lambda: len(listener.placed()) == 2, seconds=40)


async def test_without_a_snapshot_of_usage_scheduling_begins_after_the_wait(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted((a_spec(1),)))
        began = time.monotonic()
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="4"):
            await listener.until(listener.placed, seconds=40)
        assert time.monotonic() - began >= 4
        assert listener.facts(cycle.Decided)[0].usage_sequence == 0
