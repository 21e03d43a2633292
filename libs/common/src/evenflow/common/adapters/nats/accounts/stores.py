"""The streams and buckets of a shard, each in an account of its own.

Why of its own: a consumer delivers wherever its maker says, with the rights of the account the
stream is in. Alone in its account a stream can be made to deliver to nobody else's subjects, and
onto its own the broker refuses to ("forms a cycle").
"""

from collections.abc import Iterable
from dataclasses import dataclass

from evenflow.common.adapters.nats.stream_names import (
    access_bucket,
    checkpoints_bucket,
    cursors_bucket,
    dead_stream,
    dead_subject,
    leases_bucket,
    log_stream,
    proof_stream,
    proof_subject,
    samples_stream,
)
from evenflow.common.contracts.subjects import log_subjects, sample_subjects


@dataclass(frozen=True, slots=True)
class Store:
    """A stream, which is also the name of its account, and the subjects it answers."""

    stream: str
    subjects: tuple[str, ...]

    def covered(self, subjects: Iterable[str]) -> list[str]:
        """Return which of these subjects it answers."""
        return [each for each in subjects if any(matches(own, each) for own in self.subjects)]


def matches(pattern: str, subject: str) -> bool:
    """Whether the pattern covers the subject, which may be a pattern too."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">" and len(given) >= len(wanted):
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(
        part in ("*", token) for part, token in zip(wanted, given, strict=True)
    )


def log(shard: str) -> Store:
    """Return the ordered log."""
    return Store(log_stream(shard), tuple(log_subjects(shard)))


def samples(shard: str) -> Store:
    """Return the measurements."""
    return Store(samples_stream(shard), tuple(sample_subjects(shard)))


def dead(shard: str) -> Store:
    """Return what nobody could read."""
    return Store(dead_stream(shard), (f"{dead_subject(shard)}.>",))


def leases(shard: str) -> Store:
    """Return who may act."""
    return _bucket(leases_bucket(shard))


def cursors(shard: str) -> Store:
    """Return how far each reader is."""
    return _bucket(cursors_bucket(shard))


def access(shard: str) -> Store:
    """Return digests of tokens and sessions: the gateway's alone."""
    return _bucket(access_bucket(shard))


def checkpoints(shard: str) -> Store:
    """Return the states of the fold."""
    bucket = checkpoints_bucket(shard)
    return Store(f"OBJ_{bucket}", (f"$O.{bucket}.>",))


def proof(shard: str) -> Store:
    """Return the scratch stream on which provisioning tries the fence."""
    return Store(proof_stream(shard), (f"{proof_subject(shard)}.>",))


def kept(shard: str) -> tuple[Store, ...]:
    """Return all that lasts."""
    makers = (log, samples, dead, leases, cursors, access, checkpoints)
    return tuple(make(shard) for make in makers)


def _bucket(bucket: str) -> Store:
    return Store(f"KV_{bucket}", (f"$KV.{bucket}.>",))
