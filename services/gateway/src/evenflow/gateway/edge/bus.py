"""The gateway's way to the bus beside appending: fences, clients' readers, questions."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from evenflow.common.adapters.log.cursors import of_log
from evenflow.common.adapters.log.dead_letters import DeadLetters
from evenflow.common.adapters.log.gaps import StoredSpan
from evenflow.common.adapters.log.reader import LogReader
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.log.single_facts import last_fact
from evenflow.common.adapters.log.skips import LogSkips
from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.adapters.nats.fence import read_fence
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.contracts import checkpoint
from evenflow.common.contracts.subjects import definitions_of, health_subject, subject_of
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import LogMismatch, UnreadableMessage
from evenflow.common.domain.facts import quotas, usage
from evenflow.common.ports.log import Fence, LogMessage
from evenflow.gateway.edge.problems import NoAnswer


@dataclass(frozen=True, slots=True)
class Bus:
    """One shard's bus, on the connection of its log."""

    log: ShardLog

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self.log.connection.is_connected

    async def read_definitions_fence(self) -> Fence:
        """Return the fence of the queue definitions as it stands now.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        return await self._fence(definitions_of(self.log.access.shard))

    async def read_alerts_fence(self) -> Fence:
        """Return the fence of the quota alerts as it stands now; raises TemporarilyUnavailable."""
        return await self._fence(subject_of(quotas.Alerted, self.log.access.shard))

    async def _fence(self, subject: str) -> Fence:
        stream = log_stream(self.log.access.shard)
        with broker_errors(f"reading what is last under {subject}"):
            return await read_fence(self.log.connection.js, stream, subject)

    async def last_snapshot(self) -> Entry | None:
        """Return the newest fact of a usage snapshot; None when the log holds none.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
            UnreadableMessage: it breaks its contract.
        """
        shard = self.log.access.shard
        return await last_fact(self.log.connection, log_stream(shard), shard, usage.SnapshotTaken)

    async def last_sequence(self) -> int:
        """Return where the log ends now; raises TemporarilyUnavailable."""
        return await self._reader(0).last_sequence()

    @property
    def skips(self) -> LogSkips:
        """What readers of the log pass over."""
        return self.log.skips

    async def message_at(self, sequence: int) -> LogMessage | None:
        """Return a message as it is stored, None when there is none; TemporarilyUnavailable."""
        return await self.log.message_at(sequence)

    async def span(self) -> StoredSpan:
        """Return what the log says that it holds; raises TemporarilyUnavailable."""
        return await self.log.span()

    async def cursors(self) -> dict[str, int]:
        """Return how far readers have folded the log; raises TemporarilyUnavailable."""
        cursors = of_log(await self.log.cursors.all(), self.log.log_id)
        return {reader: cursor.sequence for reader, cursor in cursors.items()}

    async def states(self) -> dict[int, bool]:
        """Return the checkpoints' sequences, and whether the log holds what they end with.

        Those are left out that are dropped, as far as `skips` knows.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        found = {}
        async for sequence, data in self.log.checkpoints.newest():
            try:
                state = await asyncio.to_thread(checkpoint.load, data, self.log.log_id)
            except (UnreadableMessage, LogMismatch):
                continue
            fits = await self.holds(state.last_event)
            if not self.skips.is_dropped(sequence, fits=fits, told_of=state.last_loss):
                found[sequence] = fits
        return found

    async def holds(self, event: tuple[int, str]) -> bool:
        """Whether the log holds what was folded last: sequence and event id; "" is not compared.

        Raises:
            TemporarilyUnavailable: the broker does not answer.
        """
        at, event_id = event
        return not event_id or await self._reader(0).holds(at, event_id)

    async def set_cursors_back(self, to: int) -> None:
        """Set back the cursors that are beyond a sequence; raises TemporarilyUnavailable."""
        cursors = of_log(await self.log.cursors.all(), self.log.log_id)
        for reader, cursor in cursors.items():
            if cursor.sequence > to:
                await self.log.cursors.put(reader, replace(cursor, sequence=to))

    async def put_aside(self, error: UnreadableMessage, data: bytes) -> None:
        """Keep what nobody can read among the dead letters; raises TemporarilyUnavailable."""
        shard = self.log.access.shard
        await DeadLetters(self.log.connection, shard=shard, service="gateway").put(error, data)

    async def open_reader(self, after: int) -> LogReader:
        """Open a reader that ends with its client.

        Raises:
            LogMismatch: the log does not go on behind `after`.
            TemporarilyUnavailable: the broker does not answer.
        """
        reader = self._reader(after)
        with broker_errors("opening the log for a client"):
            await reader.open()
        return reader

    def _reader(self, after: int) -> LogReader:
        # Not `log.open_reader`: what that opens lives as long as the process.
        stream = log_stream(self.log.access.shard)
        connection, log_id = self.log.connection, self.log.log_id
        return LogReader(
            connection, stream=stream, log_id=log_id, after=after, skips=self.log.skips
        )

    async def ask(self, subject: str, payload: bytes, seconds: float) -> bytes:
        """Ask a service and return its answer.

        Raises:
            NoAnswer: none came in time.
            TemporarilyUnavailable: nobody listens, or the broker is away.
        """
        try:
            async with asyncio.timeout(seconds):
                with broker_errors(f"asking on {subject}"):
                    client = self.log.connection.client
                    reply = await client.request(subject, payload, timeout=seconds + 1)
        except TimeoutError as error:
            raise NoAnswer(f"nobody answered on {subject} within {seconds:g} s") from error
        return bytes(reply.data)

    async def subscribe_heartbeats(self, on_heartbeat: Callable[[bytes], None]) -> None:
        """Hand every heartbeat of the shard to `on_heartbeat`."""

        async def on_message(message: Any) -> None:
            on_heartbeat(message.data)

        listener: Callable[[Any], Awaitable[None]] = on_message
        with broker_errors("listening for heartbeats"):
            await self.log.connection.client.subscribe(
                health_subject(self.log.access.shard, "*"), cb=listener
            )
