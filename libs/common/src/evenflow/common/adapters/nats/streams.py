"""Every stream and bucket Evenflow keeps in NATS, declared once, each with why it is as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StoreCompression, StreamConfig, StreamInfo
from nats.js.errors import BadRequestError, NotFoundError

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.domain.errors import LogMismatch

LEASE_TTL_SECONDS = 3.0
DUPLICATE_WINDOW_SECONDS = 120.0
SAMPLES_MAX_AGE_SECONDS = 2 * 24 * 3600.0
_DEAD_MAX_AGE_SECONDS = 30 * 24 * 3600.0
_DEAD_MAX_BYTES = 64 * 1024 * 1024
_NAME_TAKEN = 10058  # JetStream: stream name already in use with a different configuration
_LOG_ID = "log_id"
_SAMPLES = "_samples"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a shard keeps. Subjects are listed one by one: a stream over `>` would answer requests.

    `max_bytes` bounds the log: 0 is unlimited. `samples_max_age_seconds` is how long measurements
    stay. None leaves either as it is found, which is what tools that only look want. `replicas` is
    1 on one machine, 3 on a cluster.
    """

    shard: str
    facts: Sequence[str]
    samples: Sequence[str] = ()
    max_bytes: int | None = None
    samples_max_age_seconds: float | None = None
    replicas: int = 1
    duplicate_window_seconds: float = DUPLICATE_WINDOW_SECONDS
    lease_ttl_seconds: float = LEASE_TTL_SECONDS

    @property
    def log(self) -> str:
        """Name of the stream of facts."""
        return log_stream(self.shard)


def log_stream(shard: str) -> str:
    """Name the one ordered stream of a shard's facts."""
    return f"EVENFLOW_{shard}"


def samples_stream(shard: str) -> str:
    """Name the stream of a shard's measurements."""
    return f"EVENFLOW_{shard}{_SAMPLES}"


def dead_stream(shard: str) -> str:
    """Name the stream of messages nobody could read."""
    return f"EVENFLOW_{shard}_DEAD"


def dead_subject(shard: str) -> str:
    """Return the prefix under which a shard's unreadable messages are stored."""
    return f"evenflow.v1.dead.{shard}"


def leases_bucket(shard: str) -> str:
    """Name the key-value bucket of leases."""
    return f"EVENFLOW_{shard}_leases"


def cursors_bucket(shard: str) -> str:
    """Name the key-value bucket of the readers' cursors."""
    return f"EVENFLOW_{shard}_cursors"


def checkpoints_bucket(shard: str) -> str:
    """Name the object bucket of checkpoints."""
    return f"EVENFLOW_{shard}_checkpoints"


async def ensure(js: JetStreamContext, layout: Layout) -> str:
    """Make or update all streams and buckets of the shard and return the log's id.

    Any number of services may do this at once: the first creation wins and gives the log its id,
    which never changes afterwards. Subjects are only ever added, so an older service takes nothing
    away.

    Raises:
        LogMismatch: a stream of the log's name exists that Evenflow has not made.
    """
    info = await _ensure_stream(js, replace(_log(layout), metadata={_LOG_ID: IdMaker().new()}))
    for config in (
        _samples(layout),
        _dead(layout),
        _leases(layout),
        _cursors(layout),
        _checkpoints(layout),
    ):
        if config.subjects:
            await _ensure_stream(js, config)
    return log_id_of(info)


async def log_id_at(js: JetStreamContext, shard: str) -> str:
    """Return the id of a shard's log, without making one.

    Raises:
        LogMismatch: there is no such log, or Evenflow has not made it.
    """
    info = await _info(js, log_stream(shard))
    if info is None:
        raise LogMismatch(f"there is no stream {log_stream(shard)}: has the system ever run?")
    return log_id_of(info)


def log_id_of(info: StreamInfo) -> str:
    """Return the id a log was given when it was made.

    Raises:
        LogMismatch: it has none.
    """
    found = (info.config.metadata or {}).get(_LOG_ID)
    if not found:
        raise LogMismatch(
            f"stream {info.config.name} exists but was not made by Evenflow (it has no {_LOG_ID}): "
            "rename or remove it, or choose another shard name"
        )
    return found


async def _ensure_stream(js: JetStreamContext, wanted: StreamConfig) -> StreamInfo:
    # Asked first: a server whose disk is nearly promised refuses to make even what exists already.
    found = await _info(js, str(wanted.name))
    if found is None:
        try:
            return await js.add_stream(_made_first(wanted))
        except BadRequestError as error:
            if error.err_code != _NAME_TAKEN:
                raise
        found = await js.stream_info(str(wanted.name))
    if _LOG_ID in (wanted.metadata or {}):
        log_id_of(found)
    # What must not change stays as it was found: storage, the log's id, subjects of newer services.
    subjects = list(dict.fromkeys((*(found.config.subjects or ()), *(wanted.subjects or ()))))
    merged = replace(
        wanted,
        subjects=subjects,
        metadata=found.config.metadata,
        storage=found.config.storage,
        max_bytes=found.config.max_bytes if wanted.max_bytes is None else wanted.max_bytes,
        max_age=found.config.max_age if wanted.max_age is None else wanted.max_age,
    )
    return await js.update_stream(merged)


def _made_first(wanted: StreamConfig) -> StreamConfig:
    """Fill in what a writer that only looks leaves open."""
    max_age = wanted.max_age
    if max_age is None and str(wanted.name).endswith(_SAMPLES):
        max_age = SAMPLES_MAX_AGE_SECONDS
    return replace(wanted, max_bytes=wanted.max_bytes or -1, max_age=max_age)


async def _info(js: JetStreamContext, name: str) -> StreamInfo | None:
    try:
        return await js.stream_info(name)
    except NotFoundError:
        return None


def _log(layout: Layout) -> StreamConfig:
    """The truth. No age, and full means refuse: no fact is dropped to make room for another."""
    return StreamConfig(
        name=log_stream(layout.shard),
        description="All facts of the shard, in their one order",
        subjects=list(layout.facts),
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=layout.max_bytes if layout.max_bytes is None else layout.max_bytes or -1,
        num_replicas=layout.replicas,
        duplicate_window=layout.duplicate_window_seconds,
        # No direct reads: a replica that lags would tell an old "last message under the fence".
        allow_direct=False,
        allow_atomic=True,  # a gang larger than one message is decided by one batch
    )


def _samples(layout: Layout) -> StreamConfig:
    """Measurements are many and lose their worth: they have an age, so that the log need not."""
    return StreamConfig(
        name=samples_stream(layout.shard),
        description="Measurements, kept for a while",
        subjects=list(layout.samples),
        storage=StorageType.FILE,
        max_age=layout.samples_max_age_seconds,
        num_replicas=layout.replicas,
        duplicate_window=layout.duplicate_window_seconds,
        compression=StoreCompression.S2,  # read once, seldom again: disk matters more than speed
    )


def _dead(layout: Layout) -> StreamConfig:
    """What nobody could read is kept for people, and bounded: garbage must not fill the disk."""
    return StreamConfig(
        name=dead_stream(layout.shard),
        description="Unreadable messages, each with its reason",
        subjects=[f"{dead_subject(layout.shard)}.>"],
        storage=StorageType.FILE,
        max_age=_DEAD_MAX_AGE_SECONDS,
        max_bytes=_DEAD_MAX_BYTES,
        num_replicas=layout.replicas,
    )


def _leases(layout: Layout) -> StreamConfig:
    """A lease ends by itself when its holder is gone. On disk: a broker's restart ends none."""
    return replace(
        _key_value(leases_bucket(layout.shard), "Who may act"),
        num_replicas=layout.replicas,
        max_age=layout.lease_ttl_seconds,
        duplicate_window=layout.lease_ttl_seconds,
    )


def _cursors(layout: Layout) -> StreamConfig:
    """How far each reader is: retention cuts the log nowhere above the oldest of them."""
    return replace(
        _key_value(cursors_bucket(layout.shard), "How far each reader is"),
        num_replicas=layout.replicas,
    )


def _key_value(bucket: str, description: str) -> StreamConfig:
    # The shape that clients of NATS agree on for key-value buckets; a key keeps its last value.
    return StreamConfig(
        name=f"KV_{bucket}",
        description=description,
        subjects=[f"$KV.{bucket}.>"],
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_msgs_per_subject=1,
        allow_rollup_hdrs=True,
        deny_delete=True,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
    )


def _checkpoints(layout: Layout) -> StreamConfig:
    """States of the fold, so that a restart reads only the tail of the log."""
    bucket = checkpoints_bucket(layout.shard)
    return StreamConfig(
        name=f"OBJ_{bucket}",
        description="Checkpoints of the fold",
        subjects=[f"$O.{bucket}.C.>", f"$O.{bucket}.M.>"],
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        num_replicas=layout.replicas,
        allow_rollup_hdrs=True,
        allow_direct=True,
    )
