"""When to take a checkpoint, and having it taken by a process of its own.

Not on the engine's loop: packing a million jobs takes seconds. Not in a fork of it: it has threads.
The child starts from the last checkpoint, reads the tail, and so also proves that the log folds.
"""

import asyncio
import sys

from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.context import ServiceContext

_LOOK_SECONDS = 5.0


class CheckpointKeeper:
    """Takes checkpoints while this engine leads: when they are due, and when somebody asks."""

    def __init__(self, ctx: ServiceContext, follower: Follower) -> None:
        """Nothing is taken before `run`, or `take`."""
        self._ctx = ctx
        self._follower = follower
        self._last = 0  # sequence of the newest one, at least
        self._elapsed = 0.0
        self._taking = asyncio.Lock()

    async def run(self) -> None:
        """Take one whenever enough time and facts have passed, until cancelled."""
        settings = self._ctx.settings.checkpoint
        while True:
            await asyncio.sleep(min(_LOOK_SECONDS, settings.every_seconds))
            self._elapsed += min(_LOOK_SECONDS, settings.every_seconds)
            self._last = max(self._last, self._follower.base)
            behind = self._follower.state.sequence - self._last
            is_due = self._elapsed >= settings.every_seconds or behind >= settings.every_records
            if self._ctx.health.role == "leader" and behind > 0 and is_due:
                await self.take()

    async def take(self) -> None:
        """Take one now."""
        async with self._taking:
            self._last, self._elapsed = self._follower.state.sequence, 0.0
            await _take(self._ctx)


async def _take(ctx: ServiceContext) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "evenflow.policy_engine.checkpoints.checkpointer",
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        code = await child.wait()
    finally:
        if child.returncode is None:
            child.terminate()
            await child.wait()
    if code:
        # Only a restart gets slower by it, and the log is not cut; the next one tries again.
        ctx.log.warning("checkpoint_failed", exit_code=code)
