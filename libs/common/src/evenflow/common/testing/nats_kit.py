"""What tests of the log share: a shard's streams, a writer, all entries, acks that get lost."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import nats.errors

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.adapters.log.reader import LogReader
from evenflow.common.adapters.log.writer import LogWriter
from evenflow.common.adapters.nats.connection import NatsConnection
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.adapters.nats.streams import ensure
from evenflow.common.contracts import codec
from evenflow.common.contracts.subjects import log_subjects, sample_subjects
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import jobs


def layout(shard: str, **changes: Any) -> Layout:
    """Return the layout of a shard; `changes` are fields of `Layout`."""
    return Layout(shard, log_subjects(shard), sample_subjects(shard), **changes)


async def a_log(connection: NatsConnection, shard: str, **changes: Any) -> str:
    """Make the shard's streams and return the log's id."""
    return await ensure(connection.js, layout(shard, **changes))


def a_writer(
    connection: Any, shard: str, *, now: Callable[[], int] = lambda: 1_000_000, **options: Any
) -> LogWriter:
    """Return a writer to the shard's log; `options` are those of `LogWriter`."""
    return LogWriter(
        connection,
        stream=log_stream(shard),
        shard=shard,
        now=now,
        new_id=IdMaker().new,
        **options,
    )


def a_cancel(job: object) -> jobs.CancelRequested:
    """Return a small fact that shares messages with its kind."""
    return jobs.CancelRequested((jobs.CancelRequest(str(job), "ann"),))


async def an_answer(connection: NatsConnection) -> None:
    """Return when the broker answers: a kill that nobody noticed yet looks like a connection."""
    async with asyncio.timeout(30):
        while True:
            await connection.wait_connected()
            with contextlib.suppress(nats.errors.Error, OSError):
                await connection.js.account_info()
                return
            await asyncio.sleep(0.02)


async def entries(connection: NatsConnection, shard: str, after: int = 0) -> list[Entry]:
    """Read and decode everything the log holds above `after`."""
    reader = LogReader(connection, stream=log_stream(shard), log_id="", after=after)
    found: list[Entry] = []
    async with reader:
        last = await reader.last_sequence()
        while reader.sequence < last:
            async for batch in reader.batches():
                found += [codec.decode(m.subject, m.data, m.sequence) for m in batch]
                if reader.sequence >= last:
                    break
    return found


def cancelled_jobs(found: list[Entry]) -> list[str]:
    """Return the job of each cancel request, in the order of the log."""
    return [
        request.job_id
        for entry in found
        if isinstance(entry.fact, jobs.CancelRequested)
        for request in entry.fact.requests
    ]


class ForgetfulConnection:
    """A connection on which acks get lost: the broker stores, the caller hears nothing."""

    def __init__(self, connection: NatsConnection, *, lose_acks: int) -> None:
        """Lose the first `lose_acks` acks."""
        self._connection = connection
        self.left = lose_acks

    def __getattr__(self, name: str) -> Any:
        """Be the real connection otherwise."""
        return getattr(self._connection, name)

    @property
    def js(self) -> "_ForgetfulJetStream":
        """JetStream, forgetful."""
        return _ForgetfulJetStream(self, self._connection.js)


class _ForgetfulJetStream:
    def __init__(self, owner: ForgetfulConnection, real: Any) -> None:
        self._owner = owner
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def publish(self, *args: Any, **options: Any) -> Any:
        ack = await self._real.publish(*args, **options)
        if self._owner.left:
            self._owner.left -= 1
            raise nats.errors.TimeoutError
        return ack
