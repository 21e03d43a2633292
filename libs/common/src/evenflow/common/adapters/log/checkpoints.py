"""Checkpoints of a fold in the broker's object store: immutable, each proven whole."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import nats.errors
import structlog
from nats.js.api import ObjectInfo, ObjectMeta
from nats.js.errors import BadObjectMetaError, NotFoundError
from nats.js.object_store import ObjectStore

from evenflow.common.adapters.nats.connection import NatsConnection, broker_errors
from evenflow.common.adapters.nats.ordered_feed import OrderedFeed
from evenflow.common.adapters.nats.stream_names import checkpoints_bucket
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.domain.retention.plan import Base

KEPT = 3
_CHUNKS_AT_ONCE = 64
_CHUNK_SECONDS = 10.0  # between two chunks; a broker that restarts meanwhile needs about three
_ORPHAN_AGE = timedelta(minutes=10)  # chunks without a name are a writer at work, or what it left

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Named:
    sequence: int
    name: str
    meta_subject: str


class CheckpointStore:
    """`ports.checkpoints.Checkpoints` of one log, under `engine/<log_id>/<sequence>`.

    `owner` is whose they are; those of other owners and other logs are left alone.
    """

    def __init__(
        self, connection: NatsConnection, *, shard: str, log_id: str, owner: str = "engine"
    ) -> None:
        """Use the shard's bucket."""
        self._connection = connection
        self._bucket = checkpoints_bucket(shard)
        self._stream = f"OBJ_{self._bucket}"
        self._prefix = f"{owner}/{log_id}/"
        self._known_times: dict[int, int] = {}

    async def save(
        self, sequence: int, data: bytes, *, note: str = "", keep: int | None = KEPT
    ) -> None:
        """Keep `data` as the state after `sequence`; drop what is older than the newest `keep`.

        A checkpoint of that sequence which is there already stays as it is. `note` is read without
        the data. `keep` None drops nothing: whoever cuts the log does (`thin`).

        Raises:
            TemporarilyUnavailable: the broker is away, slow or full; older ones are untouched.
        """
        try:
            named = await self._named()
            if all(one.sequence != sequence for one in named):
                name = f"{self._prefix}{sequence}"
                described = ObjectMeta(name=name, description=note or None)
                await self._objects.put(name, data, meta=described)
                named = await self._named()
            for old in named[keep:] if keep is not None else ():
                await self._drop(old)
            await self._drop_orphans()
        except (nats.errors.Error, OSError) as error:
            raise TemporarilyUnavailable(
                f"checkpoint {sequence} was not saved ({error!r}); the next one is tried as usual"
            ) from error

    async def newest(self, at_most: int | None = None) -> AsyncIterator[tuple[int, bytes]]:
        """Yield `(sequence, data)` newest first; what is not whole is skipped with a warning.

        `at_most`: those of later sequences are left alone.

        Raises:
            TemporarilyUnavailable: the broker is away.
        """
        with broker_errors("listing the checkpoints"):
            named = await self._named()
        some = [one for one in named if at_most is None or one.sequence <= at_most]
        async for found in self._whole(some):
            yield found

    async def _whole(self, named: Iterable[_Named]) -> AsyncIterator[tuple[int, bytes]]:
        for one in named:
            try:
                data = await self._read(one)
            except (UnreadableMessage, TemporarilyUnavailable) as error:
                _log.warning("checkpoint_skipped", checkpoint=one.name, reason=str(error))
                continue
            yield one.sequence, data

    async def oldest(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield `(sequence, data)` oldest first; otherwise as `newest`."""
        with broker_errors("listing the checkpoints"):
            named = await self._named()
        async for found in self._whole(reversed(named)):
            yield found

    async def bases(self) -> list[Base]:
        """Return all of them with when they were taken, oldest first.

        Raises:
            TemporarilyUnavailable: the broker is away.
        """
        with broker_errors("listing the checkpoints"):
            named = await self._named()
            taken = {one.sequence: await self._taken_at(one) for one in reversed(named)}
        self._known_times = taken
        return [Base(sequence, at) for sequence, at in taken.items()]

    async def newest_note(self) -> str:
        """Return what the newest one is described by, empty without one or a note.

        Raises:
            TemporarilyUnavailable: the broker is away.
        """
        with broker_errors("reading what the newest checkpoint is described by"):
            for one in await self._named():
                try:
                    info = await self._objects.get_info(one.name)
                except (BadObjectMetaError, NotFoundError):
                    continue
                return info.description or ""
        return ""

    async def thin(self, keep: Collection[int]) -> None:
        """Drop all but those of the given sequences, and any that is newer than these.

        Raises:
            TemporarilyUnavailable: the broker is away; some may be gone.
        """
        newest = max(keep, default=0)
        with broker_errors("dropping checkpoints"):
            for one in await self._named():
                if one.sequence < newest and one.sequence not in keep:
                    await self._drop(one)

    async def drop(self, sequences: Collection[int]) -> None:
        """Drop those of the given sequences.

        Raises:
            TemporarilyUnavailable: the broker is away; some may be gone.
        """
        with broker_errors("dropping checkpoints"):
            for one in await self._named():
                if one.sequence in sequences:
                    await self._drop(one)

    async def _taken_at(self, one: _Named) -> int:
        """Return when it was stored: wall, whole microseconds. They never change, so asked once."""
        known = self._known_times.get(one.sequence)
        if known is not None:
            return known
        stored = await self._connection.js.get_last_msg(self._stream, one.meta_subject)
        return round(stored.time.timestamp() * 1_000_000) if stored.time is not None else 0

    @property
    def _objects(self) -> ObjectStore:
        return ObjectStore(name=self._bucket, stream=self._stream, js=self._connection.js)

    async def _named(self) -> list[_Named]:
        """Return this log's checkpoints, newest first."""
        prefix = f"$O.{self._bucket}.M."
        found = []
        for subject in await self._subjects(f"{prefix}>"):
            name = base64.urlsafe_b64decode(subject.removeprefix(prefix)).decode()
            number = name.removeprefix(self._prefix)
            if name.startswith(self._prefix) and number.isdecimal():
                found.append(_Named(int(number), name, subject))
        return sorted(found, key=lambda one: one.sequence, reverse=True)

    async def _subjects(self, pattern: str) -> dict[str, int]:
        """Return how many messages each subject of the pattern holds."""
        info = await self._connection.js.stream_info(self._stream, subjects_filter=pattern)
        return info.state.subjects or {}

    async def _read(self, one: _Named) -> bytes:
        with broker_errors(f"reading checkpoint {one.name}"):
            try:
                info = await self._objects.get_info(one.name)
            except (BadObjectMetaError, NotFoundError) as error:
                raise UnreadableMessage(one.name, "its description cannot be read") from error
        chunks = await self._chunks(one.name, info)
        data = await asyncio.to_thread(b"".join, chunks)
        if len(data) != info.size:
            raise UnreadableMessage(one.name, f"{len(data)} bytes instead of {info.size}")
        # Megabytes are hashed off the loop: this one may be answering requests meanwhile.
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
        expected = (info.digest or "").partition("=")[2]
        if base64.urlsafe_b64encode(digest).decode() != expected:
            raise UnreadableMessage(one.name, "its digest does not match")
        return data

    async def _chunks(self, name: str, info: ObjectInfo) -> list[bytes]:
        """Read all chunks through one ordered consumer and join once.

        Not `ObjectStore.get`: it appends to bytes, which is quadratic (50 MB: 6 s instead of 0.4).
        """
        count = info.chunks or 0
        subject = f"$O.{self._bucket}.C.{info.nuid}"
        with broker_errors(f"reading checkpoint {name}"):
            present = (await self._subjects(subject)).get(subject, 0)
        if present != count:
            raise UnreadableMessage(name, f"{present} of {count} chunks are there")
        feed = OrderedFeed(
            self._connection,
            self._stream,
            after=0,
            subjects=(subject,),
        )
        chunks: list[bytes] = []
        await feed.start()
        try:
            while len(chunks) < count:
                async with asyncio.timeout(_CHUNK_SECONDS):
                    taken = await feed.take(_CHUNKS_AT_ONCE)
                chunks.extend(message.data for message in taken)
        except TimeoutError as error:
            raise UnreadableMessage(name, f"{len(chunks)} of {count} chunks are there") from error
        finally:
            await feed.close()
        return chunks

    async def _drop(self, old: _Named) -> None:
        """Remove name and chunks, the name first: half a removal must not look like a checkpoint.

        Not `ObjectStore.delete`: it leaves a marker for each name, for ever.
        """
        try:
            nuid = (await self._objects.get_info(old.name, show_deleted=True)).nuid
        except (BadObjectMetaError, NotFoundError):
            nuid = None
        await self._connection.js.purge_stream(self._stream, subject=old.meta_subject)
        if nuid:
            await self._drop_chunks(nuid)

    async def _drop_orphans(self) -> None:
        """Remove chunks whose writer died before it named them."""
        prefix = f"$O.{self._bucket}.C."
        present = {subject.removeprefix(prefix) for subject in await self._subjects(f"{prefix}>")}
        if len(present) <= len(await self._subjects(f"$O.{self._bucket}.M.>")):
            return
        for subject in await self._subjects(f"$O.{self._bucket}.M.>"):
            meta = await self._connection.js.get_last_msg(self._stream, subject)
            present -= {nuid for nuid in present if nuid.encode() in (meta.data or b"")}
        for nuid in sorted(present):
            last = await self._connection.js.get_last_msg(self._stream, f"{prefix}{nuid}")
            if last.time is not None and datetime.now(UTC) - last.time > _ORPHAN_AGE:
                await self._drop_chunks(nuid)

    async def _drop_chunks(self, nuid: str) -> None:
        subject = f"$O.{self._bucket}.C.{nuid}"
        await self._connection.js.purge_stream(self._stream, subject=subject)
