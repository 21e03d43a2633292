"""Tell on the log which quotas are nearly used up. Any number of gateways may do so at once.

The fence lets one of them tell; the others fold what it told and find nothing left to tell. So
after a restart, too: what was told is part of the folded state.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.errors import LogFull, RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.facts import quotas
from evenflow.common.domain.fold.folded import Folded, Void
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.ports.log import Fence, Origin
from evenflow.gateway.alerts.rules import AlertRule, due_alerts
from evenflow.gateway.gateway import ACTOR, Gateway

LOOK_SECONDS: Final = 1.0
_TRIES: Final = 5
_AT_ONCE: Final = 500  # alerts in one fact
_AS_GATEWAY: Final = Origin(actor=ACTOR)


@dataclass(slots=True)
class QuotaWatch:
    """Looks once a second at the quotas above what moved."""

    gateway: Gateway
    read_fence: Callable[[], Awaitable[Fence]]  # of the alerts, as the broker has it now
    rule: AlertRule
    _moved: set[str] = field(default_factory=set)

    def note(self, outcome: Folded | Void) -> None:
        """Take notice of a folded entry; call it for every one."""
        if isinstance(outcome, Folded):
            self._moved.update(job.spec.queue for job in outcome.jobs.values())
            self._moved |= outcome.queues

    def note_all(self) -> None:
        """Look at all quotas the next time."""
        self._moved |= set(self.gateway.state().quotas)

    async def run(self, pause: float = LOOK_SECONDS) -> None:
        """Look and tell until cancelled; the first time at all quotas."""
        self.note_all()
        while True:
            await self.look()
            await asyncio.sleep(pause)

    async def look(self) -> None:
        """Tell what there is to tell now; what cannot be told is looked at again."""
        moved, self._moved = self._moved, set()
        try:
            await self._append_due(self._paths(moved))
        except (LogFull, RevisionConflict, TemporarilyUnavailable) as error:
            self._moved |= moved
            self.gateway.log.warning("alerts_not_told", reason=str(error))

    def _paths(self, moved: Iterable[str]) -> set[str]:
        state = self.gateway.state()
        paths = {above for path in moved for above in lineage(path) if above in state.quotas}
        if state.budgets:  # they are used up by time alone
            paths |= {path for path, quota in state.quotas.items() if quota.period is not None}
        return paths

    async def _append_due(self, paths: set[str]) -> None:
        tries = 0
        while self._due(paths):
            writer = self.gateway.writer
            fence = await self.read_fence()
            await writer.consistency.wait_for(fence.expected)
            found = self._due(paths)
            if not found:
                return
            try:
                async with writer.limited():
                    fact = quotas.Alerted(tuple(found[:_AT_ONCE]))
                    sequence = await writer.log.append_fenced(fact, fence, _AS_GATEWAY)
            except RevisionConflict:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            await writer.consistency.wait_for(writer.consistency.note_write(sequence))
            self.gateway.log.info("quota_alerts_told", alerts=len(fact.alerts), sequence=sequence)

    def _due(self, paths: set[str]) -> list[quotas.QuotaAlert]:
        return due_alerts(self.gateway.state(), paths, self.rule, self.gateway.now())
