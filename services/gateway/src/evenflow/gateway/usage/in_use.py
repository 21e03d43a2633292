"""The usage that the engine decides by now: it says which snapshot, the log says what is in it."""

import json
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from evenflow.common.contracts.usage_in_use import UsageInUse, usage_subject
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts.usage import SnapshotTaken
from evenflow.common.domain.usage.snapshot import (
    LEAST_POLL_SECONDS,
    UsageSnapshot,
    digest_of,
    snapshot_of,
    staleness_us,
)
from evenflow.gateway.edge.problems import NoAnswer
from evenflow.gateway.gateway import Gateway

PATIENCE_SECONDS: Final = 1.0
_MICROSECOND: Final = timedelta(microseconds=1)
_POLLS_UNTIL_STALE: Final = 2


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """A snapshot, and its document's other fields, such as `window` and `backend`."""

    content: UsageSnapshot
    fields: dict[str, Any]
    fact_sequence: int


@dataclass(slots=True)
class RecentSnapshots:
    """The last snapshots that the log told of; the engine may be one behind."""

    _told: deque[tuple[int, SnapshotTaken]] = field(default_factory=lambda: deque(maxlen=3))
    _read: dict[str, ReadSnapshot] = field(default_factory=dict)  # the one that was asked for last

    def note(self, entry: Entry) -> None:
        """Take notice of an entry; call it for every one, in order."""
        if isinstance(entry.fact, SnapshotTaken):
            self._told.append((entry.sequence, entry.fact))

    def newest(self) -> tuple[int, SnapshotTaken] | None:
        """Return the newest one and the sequence of its fact, unread."""
        return self._told[-1] if self._told else None

    def find(self, digest: str | None) -> ReadSnapshot | None:
        """Return the snapshot of that digest; None when it is not one of the last.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is no snapshot.
        """
        for sequence, fact in reversed(self._told):
            if digest == fact.digest:
                if fact.digest not in self._read:
                    self._read = {fact.digest: _read(sequence, fact)}
                return self._read[fact.digest]
        return None


def _read(sequence: int, fact: SnapshotTaken) -> ReadSnapshot:
    digest = digest_of(fact.document)
    if digest is None:
        raise ValueError("its digest does not match its content")
    fields: dict[str, Any] = json.loads(fact.document)
    return ReadSnapshot(snapshot_of(fields, digest), fields, sequence)


@dataclass(frozen=True, slots=True)
class UsageNow:
    """What the engine uses, or would by what is known here, when it does not answer."""

    told: UsageInUse
    is_told_by_engine: bool
    read: ReadSnapshot | None
    freshness: str

    @property
    def age_seconds(self) -> float | None:
        """How old the snapshot is, on the shard's clock."""
        return age_seconds(self.told)


def age_seconds(told: UsageInUse) -> float | None:
    """Return how old a snapshot is, on the shard's clock; None without one."""
    if told.generated_at is None:
        return None
    return max(0, told.now - told.generated_at) / SECOND


async def usage_now(gateway: Gateway) -> UsageNow:
    """Ask the engine that leads; without an answer judge by the same rule."""
    told = await _ask(gateway)
    return _read_as_told(gateway, told or judged_here(gateway), is_told=told is not None)


def used_here(gateway: Gateway) -> UsageNow:
    """Return what an engine would use, without asking one: for what is looked at all the time."""
    return _read_as_told(gateway, judged_here(gateway), is_told=False)


def _read_as_told(gateway: Gateway, told: UsageInUse, *, is_told: bool) -> UsageNow:
    try:
        read = gateway.snapshots.find(told.digest) if told.sequence is not None else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        gateway.log.warning("usage_unreadable", sequence=told.fact_sequence, reason=repr(error))
        read = None
    return UsageNow(told, is_told, read, freshness_of(gateway, told))


async def _ask(gateway: Gateway) -> UsageInUse | None:
    subject = usage_subject(gateway.settings.shard.name)
    try:
        answer = UsageInUse.model_validate_json(await gateway.ask(subject, b"{}", PATIENCE_SECONDS))
    except (NoAnswer, TemporarilyUnavailable):
        return None
    except ValidationError as error:
        gateway.log.warning("usage_answer_unreadable", reason=str(error))
        return None
    return answer if answer.is_leader else None


def judged_here(gateway: Gateway) -> UsageInUse:
    """Return what an engine would use that has folded as much as this gateway."""
    now, clock = gateway.commands.now(), gateway.state().clock
    most = staleness_us(gateway.settings.usage.max_staleness // _MICROSECOND, clock)
    newest = gateway.snapshots.newest()
    if newest is None:
        return UsageInUse(now=now, max_staleness_us=most)
    fact_sequence, found = newest
    return UsageInUse(
        now=now,
        is_available=now - found.generated_at <= most,
        max_staleness_us=most,
        sequence=found.sequence,
        fact_sequence=fact_sequence,
        digest=found.digest,
        generated_at=found.generated_at,
        data_until=found.data_until,
    )


def freshness_of(gateway: Gateway, told: UsageInUse) -> str:
    """Return fresh; stale, when polls were missed and it still counts; or unavailable."""
    if not told.is_available or told.generated_at is None:
        return "unavailable"
    poll: Instant = gateway.settings.usage.poll_interval // _MICROSECOND
    # On a fast clock a poll comes as seldom as the wall's clock allows.
    poll = max(poll, round(LEAST_POLL_SECONDS * SECOND) * gateway.state().clock.rate)
    return "fresh" if told.now - told.generated_at <= _POLLS_UNTIL_STALE * poll else "stale"
