"""Define queues and quotas under a fence: the loser of a race reads again and decides anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.decisions.settings import POLICIES
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import queues, quotas
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import Fence, Origin
from evenflow.common.runtime.registry import installed_names
from evenflow.gateway.edge.writer import FactWriter
from evenflow.gateway.queues.rules.projects import Definitions

_TRIES: Final = 5

Plan = Callable[[ShardState], Definitions | queues.Deleted | None]
"""From the state as it is to what shall be defined; None: nothing to do. Raises RequestRejected."""


@dataclass(slots=True)
class QueueCommands:
    """Appends definitions, one change at a time."""

    state: Callable[[], ShardState]
    writer: FactWriter
    read_fence: Callable[[], Awaitable[Fence]]  # as the broker has it now
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def define(self, plan: Plan, origin: Origin) -> int:
        """Decide by `plan` and append; again when somebody else defined queues meanwhile.

        Returns:
            The sequence of the last fact, 0 when there was nothing to do. The view has folded it.

        Raises:
            RequestRejected: what `plan` found.
            RevisionConflict: others were faster five times in a row.
            TemporarilyUnavailable: the bus is away, or the view lags.
        """
        async with self.writer.limited():
            return await self._define(plan, origin)

    async def make_missing(self, definitions: Definitions, origin: Origin) -> int:
        """Define those of the queues that do not exist, with their quotas; waits for the bus."""

        def plan(state: ShardState) -> Definitions | None:
            missing = tuple(q for q in definitions.queues if q.path not in state.queues)
            paths = {queue.path for queue in missing}
            quotas_ = tuple(quota for quota in definitions.quotas if quota.path in paths)
            return Definitions(missing, quotas_) if missing else None

        return await self._define(plan, origin)

    async def _define(self, plan: Plan, origin: Origin) -> int:
        consistency = self.writer.consistency
        async with self._changing:
            for _ in range(_TRIES):
                fence = await self.read_fence()
                await consistency.wait_for(max(fence.expected, consistency.written))
                wanted = plan(self.state())
                if wanted is None:
                    return 0
                try:
                    sequence = await self._append(wanted, fence, origin)
                except RevisionConflict:
                    continue
                await consistency.wait_for(consistency.note_write(sequence))
                return sequence
        raise RevisionConflict(f"the definitions changed {_TRIES} times meanwhile")

    async def _append(
        self, wanted: Definitions | queues.Deleted, fence: Fence, origin: Origin
    ) -> int:
        log = self.writer.log
        if isinstance(wanted, queues.Deleted):
            return await log.append_fenced(wanted, fence, origin)
        sequence = 0
        if wanted.queues:
            fact = queues.Defined(wanted.queues)
            sequence = await log.append_fenced(fact, fence, origin)
        if wanted.quotas:
            sequence = await log.append(quotas.Set(wanted.quotas), origin)
        return sequence


def known_policies() -> tuple[str, ...]:
    """Return the policies that queues may name, those installed too; their code is not imported."""
    return (*POLICIES, *installed_names("policies"))
