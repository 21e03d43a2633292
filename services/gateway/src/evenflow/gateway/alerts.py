"""Everything about quota alerts in one gateway: watch quotas, tell the log, tell receivers."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from evenflow.common.domain.entry import Entry
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.folded import Folded, Void
from evenflow.common.ports.log import Fence
from evenflow.common.runtime.service import ServiceContext
from evenflow.gateway.alerting import QuotaWatch
from evenflow.gateway.commands import Commands
from evenflow.gateway.core.near_quota import AlertRule
from evenflow.gateway.metrics import AlertMetrics
from evenflow.gateway.view.deliveries import Deliveries
from evenflow.gateway.view.store import Store
from evenflow.gateway.webhooks import Webhook


class Alerts:
    """Hears of every entry; its tasks do the rest beside the fold, which waits for none of them."""

    def __init__(self, ctx: ServiceContext, store: Store) -> None:
        """Nothing is watched and nobody told before the tasks of `runs` run."""
        settings, metrics = ctx.settings, AlertMetrics(ctx.metrics)
        self._ctx = ctx
        self._metrics = metrics
        self._watch: QuotaWatch | None = None
        self._has_news = False
        self.webhooks = [
            Webhook(
                receiver,
                settings.alerts,
                Deliveries(store),
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

    def runs(
        self, commands: Commands, read_fence: Callable[[], Awaitable[Fence]]
    ) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
        """Yield what to run meanwhile, by name."""
        quota = self._ctx.settings.quota
        rule = AlertRule.of_ratios(quota.alerts, quota.alert_hysteresis)
        self._watch = QuotaWatch(commands, read_fence, rule, self._ctx.log)
        yield "quota-alerts", self._watch.run
        for number, webhook in enumerate(self.webhooks):
            yield f"webhook-{number}", webhook.run
