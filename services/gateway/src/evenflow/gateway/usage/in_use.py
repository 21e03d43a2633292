"""The usage that the engine decides by now: it says which snapshot, the log says what is in it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from evenflow.common.contracts.usage_in_use import UsageInUse, usage_subject
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.domain.usage.snapshot import (
    LEAST_POLL_SECONDS,
    staleness_us,
    unchanged_us,
)
from evenflow.gateway.edge.problems import NoAnswer
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.usage.snapshots import ReadSnapshot, RecentSnapshots

PATIENCE_SECONDS: Final = 1.0
_MICROSECOND: Final = timedelta(microseconds=1)
_POLLS_UNTIL_STALE: Final = 2


@dataclass(frozen=True, slots=True)
class CurrentUsage:
    """What the engine uses, or would by what is known here, when it does not answer."""

    in_use: UsageInUse
    is_from_engine: bool
    snapshot: ReadSnapshot | None
    freshness: str

    @property
    def age_seconds(self) -> float | None:
        """How old the snapshot is, on the shard's clock."""
        return age_seconds(self.in_use)


def age_seconds(in_use: UsageInUse) -> float | None:
    """Return how old a snapshot is, on the shard's clock; None without one."""
    if in_use.generated_at is None:
        return None
    return max(0, in_use.now - in_use.generated_at) / SECOND


async def current_usage(gateway: Gateway) -> CurrentUsage:
    """Ask the engine that leads; without an answer judge by the same rule."""
    answer = await _ask(gateway)
    in_use = answer or expected_in_use(gateway)
    return _with_content(gateway, in_use, is_from_engine=answer is not None)


def expected_usage(gateway: Gateway) -> CurrentUsage:
    """Return what an engine would use, without asking one: for what is looked at all the time."""
    return _with_content(gateway, expected_in_use(gateway), is_from_engine=False)


def _with_content(gateway: Gateway, in_use: UsageInUse, *, is_from_engine: bool) -> CurrentUsage:
    snapshots = gateway.part(RecentSnapshots)
    try:
        found = snapshots.find(in_use.digest) if in_use.sequence is not None else None
    except (ValueError, KeyError, TypeError, AttributeError, UnreadableMessage) as error:
        gateway.log.warning("usage_unreadable", sequence=in_use.fact_sequence, reason=repr(error))
        found = None
    return CurrentUsage(in_use, is_from_engine, found, freshness_of(gateway, in_use))


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


def expected_in_use(gateway: Gateway) -> UsageInUse:
    """Return what an engine would use that has folded as much as this gateway."""
    now, clock = gateway.now(), gateway.state().clock
    most = staleness_us(gateway.settings.usage.max_staleness // _MICROSECOND, clock)
    newest = gateway.part(RecentSnapshots).newest()
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


def freshness_of(gateway: Gateway, in_use: UsageInUse) -> str:
    """Return fresh; stale, when polls were missed and it still counts; or unavailable."""
    if not in_use.is_available or in_use.generated_at is None:
        return "unavailable"
    poll: Instant = gateway.settings.usage.poll_interval // _MICROSECOND
    # On a fast clock a poll comes as seldom as the wall's clock allows.
    poll = max(poll, round(LEAST_POLL_SECONDS * SECOND) * gateway.state().clock.rate)
    # Polls that change nothing are left out for a while.
    most = _POLLS_UNTIL_STALE * poll + unchanged_us(in_use.max_staleness_us)
    return "fresh" if in_use.now - in_use.generated_at <= most else "stale"
