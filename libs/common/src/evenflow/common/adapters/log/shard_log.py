"""A service's way to its shard's log: connection, streams, writer, readers, leases, checkpoints."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.adapters.log.checkpoints import CheckpointStore
from evenflow.common.adapters.log.cursors import CursorStore
from evenflow.common.adapters.log.cuts import LogCuts
from evenflow.common.adapters.log.extent import log_extent
from evenflow.common.adapters.log.gaps import StoredSpan, stored_span
from evenflow.common.adapters.log.lease import Lease
from evenflow.common.adapters.log.reader import LogReader
from evenflow.common.adapters.log.single_facts import fact_at, message_at
from evenflow.common.adapters.log.skips import LogSkips
from evenflow.common.adapters.log.writer import LogWriter
from evenflow.common.adapters.nats.connection import (
    Credentials,
    NatsConnection,
    broker_errors,
    connect,
)
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.provisioning import provision, require_provisioned
from evenflow.common.adapters.nats.stream_names import leases_bucket, log_stream, samples_stream
from evenflow.common.adapters.nats.streams import Made, log_id_at
from evenflow.common.contracts.subjects import log_subjects, sample_subjects
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.retention.plan import Extent
from evenflow.common.ports.log import LogMessage


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Where the broker is, as whom to speak to it, and which shard's log is meant."""

    url: str
    shard: str
    name: str  # of this process, shown by the broker
    user: str = ""
    password: str = ""
    credentials_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    api_prefix: str = ""
    connect_timeout_seconds: float = 2.0
    max_bytes: int | None = None  # of the log; 0 is unlimited, None leaves it as it is
    reserve_bytes: int = 0  # that many of them only for what must always be taken
    samples_max_age_seconds: float | None = None  # None leaves it as it is
    replicas: int = 1

    async def connect(self, suffix: str = "") -> NatsConnection:
        """Open one more connection; raises what `nats.connection.connect` raises."""
        return await connect(self.url, self.credentials, name=f"{self.name}{suffix}")

    @property
    def credentials(self) -> Credentials:
        """How to log in."""
        return Credentials(
            self.user,
            self.password,
            self.credentials_file,
            self.ca_file,
            self.cert_file,
            self.key_file,
            self.api_prefix,
            self.connect_timeout_seconds,
        )

    @property
    def layout(self) -> Layout:
        """What provisioning makes of it."""
        return Layout(
            self.shard,
            log_subjects(self.shard),
            sample_subjects(self.shard),
            max_bytes=self.max_bytes,
            samples_max_age_seconds=self.samples_max_age_seconds,
            replicas=self.replicas,
        )


class ShardLog:
    """The log of one shard. Made by `open_shard_log`, which also closes it."""

    def __init__(
        self, access: BrokerAccess, connection: NatsConnection, log_id: str, stack: AsyncExitStack
    ) -> None:
        """Everything hangs on `connection`, but leases, which have their own."""
        self.access = access
        self.connection = connection
        self.log_id = log_id
        self.checkpoints = CheckpointStore(connection, shard=access.shard, log_id=log_id)
        self.cursors = CursorStore(connection, access.shard)
        self.skips = LogSkips(connection, log_stream(access.shard))
        self.cuts = LogCuts(connection, access.shard)
        self._stack = stack

    def writer(self, now: Callable[[], Instant]) -> LogWriter:
        """Return a writer to the ordered log; `now` is the shard's clock. Closed with this log."""
        return self._writer(log_stream(self.access.shard), now)

    def samples_writer(self, now: Callable[[], Instant]) -> LogWriter:
        """Return a writer to the stream of samples."""
        return self._writer(samples_stream(self.access.shard), now)

    async def open_reader(self, after: int, told_of: int = 0) -> LogReader:
        """Read the ordered log behind `after`.

        `told_of` is where the caller's state was last told of a loss; see `Skips.is_dropped`.

        Raises:
            LogMismatch: the log does not go on there.
        """
        return await self._open(log_stream(self.access.shard), self.log_id, after, told_of=told_of)

    async def bounds(self) -> tuple[int, int]:
        """Return the first and the last sequence that the ordered log holds."""
        with broker_errors("asking where the log begins and ends"):
            info = await self.connection.js.stream_info(log_stream(self.access.shard))
        return info.state.first_seq, info.state.last_seq

    async def span(self) -> StoredSpan:
        """Return from where to where the ordered log reaches, and what is gone from within."""
        return await stored_span(self.connection, log_stream(self.access.shard))

    async def extent(self) -> Extent:
        """Return how much the ordered log holds and may hold; raises TemporarilyUnavailable."""
        return await log_extent(self.connection, self.access.shard, self.access.reserve_bytes)

    async def entry_at(self, sequence: int) -> Entry | None:
        """Return one fact of the ordered log, None when it is not there (any more)."""
        return await fact_at(self.connection, log_stream(self.access.shard), sequence)

    async def message_at(self, sequence: int) -> LogMessage | None:
        """Return one message as it is stored, readable or not; None when it is not there."""
        return await message_at(self.connection, log_stream(self.access.shard), sequence)

    def lease(
        self, name: str, holder: str, *, on_trouble: Callable[[str], None] = lambda _reason: None
    ) -> Lease:
        """Return a lease of this shard, with a connection and a thread of its own.

        `on_trouble` hears why nobody can have it, "" when that is over.
        """
        lease = Lease(
            lambda: self.access.connect("-lease"),
            bucket=leases_bucket(self.access.shard),
            name=name,
            holder=holder,
            on_trouble=on_trouble,
        )
        self._stack.push_async_callback(lease.close)
        return lease

    async def publish(self, subject: str, payload: bytes) -> None:
        """Send a message that nobody stores, such as a heartbeat."""
        with broker_errors(f"publishing on {subject}"):
            await self.connection.client.publish(subject, payload)

    def _writer(self, stream: str, now: Callable[[], Instant]) -> LogWriter:
        writer = LogWriter(
            self.connection,
            stream=stream,
            shard=self.access.shard,
            now=now,
            new_id=IdMaker().new,
        )
        self._stack.push_async_callback(writer.close)
        return writer

    async def _open(
        self,
        stream: str,
        log_id: str,
        after: int,
        subjects: Sequence[str] = (),
        told_of: int = 0,
    ) -> LogReader:
        reader = LogReader(
            self.connection,
            stream=stream,
            log_id=log_id,
            after=after,
            subjects=subjects,
            skips=self.skips,
            told_of=told_of,
        )
        await reader.open()
        self._stack.push_async_callback(reader.close)
        return reader


@asynccontextmanager
async def open_log_to_read(access: BrokerAccess) -> AsyncIterator[ShardLog]:
    """Connect to a log that is there, for tools that only read; nothing is made or changed.

    Raises:
        TemporarilyUnavailable, AccessDenied, UnsupportedServer: see `nats.connection.connect`.
        LogMismatch: there is no such log, or it is not ours.
    """
    async with AsyncExitStack() as stack:
        connection = await access.connect()
        stack.push_async_callback(connection.close)
        with broker_errors("looking at the log"):
            log_id = await log_id_at(connection.js, access.shard)
        yield ShardLog(access, connection, log_id, stack)


@asynccontextmanager
async def open_shard_log(access: BrokerAccess) -> AsyncIterator[ShardLog]:
    """Connect, make sure that the shard was provisioned, and close everything at the end.

    Raises:
        TemporarilyUnavailable, AccessDenied, UnsupportedServer: see `nats.connection.connect`.
        NotProvisioned: `evenflow provision` was not run for this release and server.
        LogMismatch: the stream of that name is not ours.
    """
    async with AsyncExitStack() as stack:
        connection = await access.connect()
        stack.push_async_callback(connection.close)
        log_id = await require_provisioned(connection, access.layout)
        yield ShardLog(access, connection, log_id, stack)


async def provision_shard(access: BrokerAccess, *, dry_run: bool = False) -> list[Made]:
    """Make the shard's streams and buckets, as the provisioner; say what was done.

    Raises:
        TemporarilyUnavailable, AccessDenied, UnsupportedServer: see `nats.connection.connect`.
        LogMismatch: the stream of that name is not ours.
    """
    connection = await access.connect()
    try:
        return await provision(connection, access.layout, dry_run=dry_run)
    finally:
        await connection.close()
