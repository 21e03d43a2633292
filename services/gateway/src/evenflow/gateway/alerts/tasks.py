"""Everything about quota alerts in one gateway: watch quotas, tell the log, tell receivers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.ports.lease import LeaseHolder
from evenflow.common.ports.log import Fence
from evenflow.common.runtime.process.async_tasks import first_of
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.gateway.alerts.deliveries import Deliveries, DeliveryCursors
from evenflow.gateway.alerts.metrics import AlertMetrics
from evenflow.gateway.alerts.quota_watch import QuotaWatch
from evenflow.gateway.alerts.rules import AlertRule
from evenflow.gateway.alerts.webhooks import Webhook
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.view.store import Store

_FORGET_SECONDS: Final = 60.0


class AlertTasks:
    """Takes notice of every entry; its tasks do the rest beside the fold, which waits for none."""

    def __init__(self, ctx: ServiceContext, store: Store, cursors: DeliveryCursors) -> None:
        """Nothing is watched and nobody told before the tasks run."""
        settings, metrics = ctx.settings, AlertMetrics(ctx.metrics)
        self._ctx = ctx
        self._metrics = metrics
        self._cursors = cursors
        self._watch: QuotaWatch | None = None
        self._has_news = False
        self.webhooks = [
            Webhook(
                receiver,
                settings.alerts,
                Deliveries(store, cursors),
                settings.shard.name,
                metrics.deliveries,
                ctx.health,
                ctx.log,
            )
            for receiver in settings.alerts.webhooks
        ]

    def note(self, entry: Entry, outcome: Folded | Void) -> None:
        """Take notice of a folded entry."""
        if self._watch is not None:
            self._watch.note(outcome)
        if isinstance(entry.fact, quotas.Alerted):
            self._metrics.note(entry, outcome)
            self._has_news = True

    def written(self) -> None:
        """Take notice that the view holds what was noted."""
        if self._has_news:
            self._has_news = False
            for webhook in self.webhooks:
                webhook.news.set()

    def tasks(
        self,
        gateway: Gateway,
        read_fence: Callable[[], Awaitable[Fence]],
        lease: Callable[[], LeaseHolder],
        catch_up: Callable[[], Awaitable[None]],
    ) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Yield what to run meanwhile, by name.

        Of several gateways the holder of the `lease` tells receivers, once its view holds all that
        the log did when it took over.
        """
        quota = self._ctx.settings.quota
        rule = AlertRule.of_ratios(quota.alerts, quota.alert_hysteresis)
        self._watch = QuotaWatch(gateway, read_fence, rule)
        yield "quota-alerts", self._watch.run
        yield "removed-receivers", self.forget_removed
        if self.webhooks:
            yield "webhooks", partial(self.tell_receivers, lease(), catch_up)

    async def tell_receivers(
        self, lease: LeaseHolder, catch_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Tell receivers whenever no other gateway does, until cancelled."""
        while True:
            await lease.acquire()
            try:
                await catch_up()
                await first_of(lease.wait_lost(), *(webhook.run() for webhook in self.webhooks))
            except TemporarilyUnavailable as error:
                self._ctx.log.warning("receivers_not_told", reason=str(error))
                await asyncio.sleep(error.retry_after_seconds)
            await lease.release()

    async def forget_removed(self) -> None:
        """Let go cursors of receivers that the settings no longer name, until cancelled."""
        after = self._ctx.settings.log_store.dead_after
        known = [webhook.digest for webhook in self.webhooks]
        while True:
            try:
                for name in await self._cursors.forget_dead(known, after):
                    self._ctx.log.info("removed_receiver_forgotten", reader=name)
            except TemporarilyUnavailable as error:
                self._ctx.log.warning("receivers_not_looked_at", reason=str(error))
            await asyncio.sleep(_FORGET_SECONDS)
