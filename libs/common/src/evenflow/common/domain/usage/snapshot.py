"""A snapshot of decayed usage: its text, its digest, its age. Pure; computes no usage."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from evenflow.common.domain.clock import SECOND, Instant, ShardClock
from evenflow.common.domain.errors import UnreadableMessage

SCHEMA: Final = 1
LEAST_POLL_SECONDS: Final = 1.0
"""Wall seconds between two polls at least: a minute on a fast clock may last a millisecond."""

_STALE_POLLS: Final = (
    3  # a fast clock outruns `max_staleness` within one poll; that is not an outage
)
_UNCHANGED_PART: Final = 3  # two of them may be lost before history counts as too old
_SEAL: Final = re.compile(r',"digest":"([0-9a-f]{64})"\}')
_HEAD: Final = re.compile(r'\{"schema":\d+,"sequence":(\d+)')
_SEAL_LENGTH: Final = len(',"digest":""}') + 64


class Freshness(StrEnum):
    """Whether history may be used."""

    FRESH = "fresh"
    UNAVAILABLE = "unavailable"  # none, or too old: everybody counts as zero usage (USG-20)


@dataclass(frozen=True, slots=True)
class UsageColumns:
    """Usage of queues, projects, users or users of queues, by resource and name. Absent is 0."""

    rows: Mapping[str, int] = field(default_factory=dict)  # name to its place in every column
    raw_hours: Mapping[str, Sequence[float]] = field(default_factory=dict)
    normalized: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def hours_of(self, name: str, resource: str) -> float:
        """Return decayed resource-hours: of cores, cards, GiB of memory, base units of others."""
        return self._at(self.raw_hours, name, resource)

    def ratio_of(self, name: str, resource: str) -> float:
        """Return decayed usage over decayed capacity, 0..1; 0 where the capacity is unknown."""
        return self._at(self.normalized, name, resource)

    def _at(self, columns: Mapping[str, Sequence[float]], name: str, resource: str) -> float:
        row, column = self.rows.get(name), columns.get(resource)
        return 0.0 if row is None or column is None else column[row]


@dataclass(frozen=True, slots=True)
class UsageSnapshot:
    """One poll's result (USG-18). Replaced as a whole, never changed."""

    sequence: int  # grows with every snapshot of the shard
    generated_at: Instant
    data_until: Instant  # end of the newest sample in it
    half_life_us: int  # 0: no decay
    digest: str
    queues: UsageColumns
    projects: UsageColumns
    users: UsageColumns
    capacity: Mapping[str, float]  # newest, in base units
    capacity_unknown: frozenset[str]  # resources that somebody used and no node reports
    capacity_hours: Mapping[str, float] = field(default_factory=dict)  # decayed like usage
    # By leaf and user, see `queue_user`; empty in documents of before there was such a group.
    queue_users: UsageColumns = UsageColumns()

    def age_us(self, now: Instant) -> int:
        """Return how old it is, on the shard's clock; never negative."""
        return max(0, now - self.generated_at)


def queue_user(path: str, user: str) -> str:
    """Return the name of a user's usage in one leaf; paths have no colon, so it is unique."""
    return f"{path}:{user}"


def freshness(snapshot: UsageSnapshot | None, now: Instant, max_staleness_us: int) -> Freshness:
    """Say whether a snapshot may be used; exactly `max_staleness_us` old still may."""
    if snapshot is None or snapshot.age_us(now) > max_staleness_us:
        return Freshness.UNAVAILABLE
    return Freshness.FRESH


def poll_seconds(interval_us: int, clock: ShardClock) -> float:
    """Return how many wall seconds lie between two polls of an interval on the shard's clock."""
    return max(LEAST_POLL_SECONDS, clock.wall_seconds(interval_us))


def staleness_us(max_staleness_us: int, clock: ShardClock) -> int:
    """Return the staleness to judge by: never less than a few polls on a fast clock (USG-21)."""
    return max(max_staleness_us, int(_STALE_POLLS * LEAST_POLL_SECONDS * SECOND) * clock.rate)


def unchanged_us(max_staleness_us: int) -> int:
    """Return for how long snapshots that change nothing may be left out; then one is told again."""
    return max_staleness_us // _UNCHANGED_PART


def seal(fields: Mapping[str, object]) -> tuple[str, str]:
    """Return a document as text and its digest.

    The digest is the SHA-256 of the text without it, and the document's last field.
    """
    return seal_text(json.dumps(fields, separators=(",", ":"), allow_nan=False))


def seal_text(text: str) -> tuple[str, str]:
    """Return as `seal` does, for fields that are JSON already."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'{text[:-1]},"digest":"{digest}"}}', digest


def digest_of(document: str) -> str | None:
    """Return the digest of a sealed document; None when its content does not match it."""
    seal_found = _SEAL.fullmatch(document[-_SEAL_LENGTH:])
    if seal_found is None:
        return None
    body = document[:-_SEAL_LENGTH] + "}"
    digest = hashlib.sha256(body.encode()).hexdigest()
    return digest if digest == seal_found.group(1) else None


def sequence_of(document: str) -> int:
    """Return a document's sequence, unchecked; 0 when it is not such a document."""
    found = _HEAD.match(document)
    return int(found.group(1)) if found else 0


def parse_snapshot(document: str) -> UsageSnapshot:
    """Read a sealed document.

    Raises:
        UnreadableMessage: cut, changed, of another schema, or not such a document at all.
    """
    digest = digest_of(document)
    if digest is None:
        raise UnreadableMessage("usage snapshot", "its digest does not match its content")
    try:
        return snapshot_of(json.loads(document), digest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableMessage("usage snapshot", repr(error)) from error


_Found = Mapping[str, Any]  # type: ignore[explicit-any]  # JSON, before it is checked


def snapshot_of(found: _Found, digest: str) -> UsageSnapshot:
    """Return the snapshot that the fields of a document are.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: they are not such fields.
    """
    if found["schema"] != SCHEMA:
        raise ValueError(f"schema {found['schema']}, this version reads {SCHEMA}")
    return UsageSnapshot(
        sequence=int(found["sequence"]),
        generated_at=int(found["generated_at"]),
        data_until=int(found["data_until"]),
        half_life_us=round(float(found["half_life_seconds"]) * SECOND),
        digest=digest,
        queues=_columns(found["queues"]),
        projects=_columns(found["projects"]),
        users=_columns(found["users"]),
        capacity={str(name): float(amount) for name, amount in found["capacity"].items()},
        capacity_unknown=frozenset(found["capacity_unknown"]),
        capacity_hours={
            str(name): float(hours) for name, hours in found.get("capacity_hours", {}).items()
        },
        queue_users=_columns(found["queue_users"]) if "queue_users" in found else UsageColumns(),
    )


def _columns(found: _Found) -> UsageColumns:
    names = found["names"]

    def numbers(columns: _Found) -> dict[str, tuple[float, ...]]:
        checked = {name: tuple(map(float, column)) for name, column in columns.items()}
        if any(len(column) != len(names) for column in checked.values()):
            raise ValueError("a column is not as long as its names")
        return checked

    rows = {str(name): row for row, name in enumerate(names)}
    return UsageColumns(rows, numbers(found["raw_hours"]), numbers(found["normalized"]))
