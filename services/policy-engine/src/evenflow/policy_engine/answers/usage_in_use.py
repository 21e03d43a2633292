"""Say which usage the next cycle would decide by. Only the engine that leads listens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from faststream.nats import NatsBroker, NatsMessage

from evenflow.common.adapters.nats.connection import broker_errors
from evenflow.common.contracts.usage_in_use import UsageInUse, usage_subject
from evenflow.common.domain.clock import Instant, ShardClock
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.usage.snapshot import Freshness, freshness, staleness_us
from evenflow.common.ports.clock import Clock
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.usage_mirror import MirroredUsage, UsageMirror

_MICROSECOND: Final = timedelta(microseconds=1)


class UsageDesk:
    """Listens for questions while `answering`."""

    def __init__(
        self, broker: NatsBroker, ctx: ServiceContext, mirror: UsageMirror, wall: Clock
    ) -> None:
        """Nobody listens yet."""
        self._ctx = ctx
        self._mirror = mirror
        self._wall = wall
        self._subject = usage_subject(ctx.settings.shard.name)
        self._clock: Callable[[], ShardClock] | None = None
        self._subscriber = broker.subscriber(self._subject)
        self._subscriber(self._on_asked)

    @asynccontextmanager
    async def answering(self, clock: Callable[[], ShardClock]) -> AsyncIterator[None]:
        """Answer meanwhile; `clock` is the shard's. Deciding goes on if nobody can be heard."""
        self._clock = clock
        try:
            with broker_errors("listening for questions about usage"):
                await self._subscriber.start()
        except TemporarilyUnavailable as error:
            self._ctx.log.warning("usage_desk_unavailable", reason=str(error))
        try:
            yield
        finally:
            self._clock = None
            try:
                with broker_errors("listening no more"):
                    await self._subscriber.stop()
            except TemporarilyUnavailable as error:
                self._ctx.log.warning("usage_desk_not_left", reason=str(error))

    async def _on_asked(self, _: NatsMessage) -> bytes:
        answer = UsageInUse(is_leader=False)
        if self._clock is not None:
            clock = self._clock()
            answer = usage_in_use(
                self._mirror.current,
                clock.shard_time(self._wall.now()),
                clock,
                max_staleness_us=self._ctx.settings.usage.max_staleness // _MICROSECOND,
                instance=self._ctx.health.instance,
            )
        self._ctx.metrics.events_handled.labels(self._subject, "replied").inc()
        return answer.model_dump_json().encode()


def usage_in_use(
    known: MirroredUsage | None,
    now: Instant,
    clock: ShardClock,
    *,
    max_staleness_us: int,
    instance: str,
) -> UsageInUse:
    """Return what a cycle at `now` would read, by the rule by which it does."""
    most = staleness_us(max_staleness_us, clock)
    if known is None:
        return UsageInUse(instance=instance, now=now, max_staleness_us=most)
    snapshot = known.snapshot
    return UsageInUse(
        instance=instance,
        now=now,
        is_available=freshness(snapshot, now, most) is Freshness.FRESH,
        max_staleness_us=most,
        sequence=snapshot.sequence,
        fact_sequence=known.fact_sequence,
        digest=snapshot.digest,
        generated_at=snapshot.generated_at,
        data_until=snapshot.data_until,
    )
