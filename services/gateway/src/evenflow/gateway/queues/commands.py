"""Queue definitions under a fence: the loser of a race reads again and decides anew."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import queues, quotas
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.log import FactLog, Fence, Origin
from evenflow.gateway.edge.read_your_writes import ReadGate
from evenflow.gateway.queues.rules.choice import Definitions

_TRIES: Final = 5

Plan = Callable[[ShardState], Definitions | queues.Deleted | None]
"""From the state as it is to what shall be defined; None: nothing to do. Raises RequestRejected."""


@dataclass(slots=True)
class Definer:
    """Appends definitions, one change at a time."""

    state: Callable[[], ShardState]
    log: FactLog
    gate: ReadGate
    read_fence: Callable[[], Awaitable[Fence]]  # as the broker has it now
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def change(self, plan: Plan, origin: Origin) -> int:
        """Decide by `plan` and append; again when somebody else defined queues meanwhile.

        Returns:
            The sequence of the last fact, 0 when there was nothing to do. The view has folded it.

        Raises:
            RequestRejected: what `plan` found.
            RevisionConflict: others were faster five times in a row.
            TemporarilyUnavailable: the bus is away, or the view lags.
        """
        async with self._changing:
            for _ in range(_TRIES):
                fence = await self.read_fence()
                await self.gate.reach(max(fence.expected, self.gate.written))
                wanted = plan(self.state())
                if wanted is None:
                    return 0
                try:
                    sequence = await self._append(wanted, fence, origin)
                except RevisionConflict:
                    continue
                await self.gate.reach(self.gate.wrote(sequence))
                return sequence
        raise RevisionConflict(f"the definitions changed {_TRIES} times meanwhile")

    async def make_missing(self, definitions: Definitions, origin: Origin) -> int:
        """Define those of the queues that do not exist, with their quotas."""

        def plan(state: ShardState) -> Definitions | None:
            missing = tuple(q for q in definitions.queues if q.path not in state.queues)
            paths = {queue.path for queue in missing}
            quotas_ = tuple(quota for quota in definitions.quotas if quota.path in paths)
            return Definitions(missing, quotas_) if missing else None

        return await self.change(plan, origin)

    async def _append(
        self, wanted: Definitions | queues.Deleted, fence: Fence, origin: Origin
    ) -> int:
        if isinstance(wanted, queues.Deleted):
            return await self.log.append_fenced(wanted, fence, origin)
        sequence = 0
        if wanted.queues:
            fact = queues.Defined(wanted.queues)
            sequence = await self.log.append_fenced(fact, fence, origin)
        if wanted.quotas:
            sequence = await self.log.append(quotas.Set(wanted.quotas), origin)
        return sequence
