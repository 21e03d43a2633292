"""What a shard keeps in NATS: every stream and bucket, declared once, each with why it is so."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nats.js.api import DiscardPolicy, StorageType, StoreCompression, StreamConfig

from evenflow.common.adapters.nats.stream_names import (
    access_bucket,
    checkpoints_bucket,
    cursors_bucket,
    dead_stream,
    dead_subject,
    leases_bucket,
    log_stream,
    samples_stream,
)

LEASE_TTL_SECONDS = 3.0
DUPLICATE_WINDOW_SECONDS = 120.0
SAMPLES_MAX_AGE_SECONDS = 2 * 24 * 3600.0
_DEAD_MAX_AGE_SECONDS = 30 * 24 * 3600.0
_DEAD_MAX_BYTES = 64 * 1024 * 1024


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


def log_config(layout: Layout) -> StreamConfig:
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


def other_configs(layout: Layout) -> list[StreamConfig]:
    """Return the shard's other streams and buckets; that of samples only if it has subjects."""
    configs = (
        _samples(layout),
        _dead(layout),
        _leases(layout),
        _cursors(layout),
        _checkpoints(layout),
        _access(layout),
    )
    return [config for config in configs if config.subjects]


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


def _access(layout: Layout) -> StreamConfig:
    """Who gets in: digests of secrets. Sessions and one-time codes leave it by their own age."""
    return replace(
        _key_value(access_bucket(layout.shard), "Who gets in"),
        num_replicas=layout.replicas,
        allow_msg_ttl=True,
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
