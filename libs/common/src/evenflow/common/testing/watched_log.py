"""For tests of whole services: run one as a process, and watch everything that the log says."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from nats.aio.msg import Msg

from evenflow.common.adapters.log.samples import SamplesStream
from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import health_subject
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts.usage import SnapshotTaken, UsageSample
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import AttemptEnd, Folded
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.testing.servers.nats import NatsServer

_F = TypeVar("_F")


@contextmanager
def a_service(
    module: str, server: NatsServer, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service; what is left of it at the end is killed."""
    environment = os.environ | {
        "EVENFLOW_NATS__URL": server.url,
        "EVENFLOW_USAGE__POLL_INTERVAL": "1s",
        "EVENFLOW_USAGE__STARTUP_WAIT": "0",  # many tests have no aggregator
        "EVENFLOW_LOG__LEVEL": "warning",
    }
    process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
        [sys.executable, "-m", f"evenflow.{module}"], env=environment | variables
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


class Watched:
    """A shard as it goes on: every entry, the folded state, ended attempts, samples."""

    def __init__(self, log: ShardLog) -> None:
        """Nothing is read before `watched` starts it."""
        self.log = log
        self.state = ShardState()
        self.entries: list[Entry] = []
        self.ends: list[AttemptEnd] = []
        self.writer = log.writer(SystemClock().now)
        samples_writer = log.samples_writer(SystemClock().now)
        self.samples = SamplesStream(log.connection, log.access.shard, samples_writer)
        self.sampled: list[UsageSample] = []
        self._more = asyncio.Event()

    async def follow(self) -> None:
        """Read the log for ever."""
        reader = await self.log.open_reader(0)
        async for batch in reader.batches():
            for message in batch:
                entry = codec.decode(message.subject, message.data, message.sequence)
                outcome = apply(self.state, entry)
                if isinstance(outcome, Folded):
                    self.ends += outcome.attempts_ended
                self.entries.append(entry)
            self._more.set()

    async def follow_samples(self) -> None:
        """Read the stream of samples for ever."""
        async for batch in self.samples.batches(0):
            for message in batch:
                self.sampled += message.fact.samples
            self._more.set()

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for a condition on what was read; it is asked after each batch."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._more.clear()
                await self._more.wait()

    async def heartbeats(self, service: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what a service says of itself, every second."""
        beats: asyncio.Queue[bytes] = asyncio.Queue()

        async def on_beat(message: Msg) -> None:
            beats.put_nowait(message.data)

        subject = health_subject(self.log.access.shard, service)
        subscription = await self.log.connection.client.subscribe(subject, cb=on_beat)
        try:
            while True:
                yield json.loads(await beats.get())
        finally:
            await subscription.unsubscribe()

    def usage_documents(self) -> list[str]:
        """Return the documents that all facts of usage snapshots tell, oldest first."""
        known = UsageDocuments()
        found = []
        for entry in self.entries:
            if isinstance(entry.fact, SnapshotTaken):
                known.note(entry.sequence, entry.fact)
                found.append(known.document(entry.sequence))
        return found

    def facts(self, kind: type[_F]) -> list[_F]:
        """Return all facts of a kind so far."""
        return [entry.fact for entry in self.entries if isinstance(entry.fact, kind)]


@asynccontextmanager
async def watched(server: NatsServer) -> AsyncIterator[Watched]:
    """Watch the shard `main` on a server."""
    async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
        watcher = Watched(log)
        tasks = [
            asyncio.create_task(watcher.follow()),
            asyncio.create_task(watcher.follow_samples()),
        ]
        yield watcher
        for task in tasks:
            task.cancel()
