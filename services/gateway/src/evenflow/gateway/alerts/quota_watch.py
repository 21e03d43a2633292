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
from evenflow.common.runtime.logging import Logger
from evenflow.gateway.alerts.rules import AlertRule, alerts_to_tell
from evenflow.gateway.jobs.commands import Commands

LOOK_SECONDS: Final = 1.0
_TRIES: Final = 5
_AT_ONCE: Final = 500  # alerts in one fact
_AS_GATEWAY: Final = Origin(actor="gateway")


@dataclass(slots=True)
class QuotaWatch:
    """Looks once a second at the quotas above what moved."""

    commands: Commands
    read_fence: Callable[[], Awaitable[Fence]]  # of the alerts, as the broker has it now
    rule: AlertRule
    log: Logger
    _moved: set[str] = field(default_factory=set)

    def note(self, outcome: Folded | Void) -> None:
        """Take notice of a folded entry; call it for every one."""
        if isinstance(outcome, Folded):
            self._moved.update(job.spec.queue for job in outcome.jobs.values())
            self._moved |= outcome.queues

    def note_all(self) -> None:
        """Look at all quotas the next time."""
        self._moved |= set(self.commands.state().quotas)

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
            await self._tell(self._paths(moved))
        except (LogFull, RevisionConflict, TemporarilyUnavailable) as error:
            self._moved |= moved
            self.log.warning("alerts_not_told", reason=str(error))

    def _paths(self, moved: Iterable[str]) -> set[str]:
        state = self.commands.state()
        paths = {above for path in moved for above in lineage(path) if above in state.quotas}
        if state.budgets:  # they are used up by time alone
            paths |= {path for path, quota in state.quotas.items() if quota.period is not None}
        return paths

    async def _tell(self, paths: set[str]) -> None:
        commands, tries = self.commands, 0
        while alerts_to_tell(commands.state(), paths, self.rule, commands.now()):
            fence = await self.read_fence()
            await commands.gate.reach(fence.expected)
            found = alerts_to_tell(commands.state(), paths, self.rule, commands.now())
            if not found:
                return
            try:
                async with commands.bus():
                    fact = quotas.Alerted(tuple(found[:_AT_ONCE]))
                    sequence = await commands.log.append_fenced(fact, fence, _AS_GATEWAY)
            except RevisionConflict:
                tries += 1
                if tries == _TRIES:
                    raise
                continue
            await commands.gate.reach(commands.gate.wrote(sequence))
            self.log.info("quota_alerts_told", alerts=len(fact.alerts), sequence=sequence)
