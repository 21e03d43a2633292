"""When the view takes a base, a checkpoint of its own, and what that may cost."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from evenflow.common.contracts import checkpoint
from evenflow.common.domain.state.shard_state import ShardState

_SHARE: Final = 20  # a base may cost at most one part in twenty of the time between two of them


@dataclass(slots=True)
class BaseSchedule:
    """A base is taken when this time and this many facts have passed since the last one."""

    every_seconds: float
    every_facts: int
    sequence: int = 0  # of the last base
    _at: float = field(default_factory=time.monotonic)
    _cost_seconds: float = 0.0

    def is_due(self, sequence: int) -> bool:
        """Whether a base is to be taken now that the view is at `sequence`."""
        passed = time.monotonic() - self._at
        facts = sequence - self.sequence
        is_wanted = facts > 0 and (passed >= self.every_seconds or facts >= self.every_facts)
        return is_wanted and passed >= self._cost_seconds * _SHARE

    async def take(self, state: ShardState, log_id: str) -> bytes:
        """Return a base of the state, which the caller holds still."""
        began = time.monotonic()
        # The thread only keeps the loop answering meanwhile.
        data = await asyncio.to_thread(checkpoint.dump, state, log_id)
        self._at = time.monotonic()
        self._cost_seconds = self._at - began
        self.sequence = state.sequence
        return data
