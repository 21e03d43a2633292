"""When to take a checkpoint, and having it taken by a process of its own.

Not on the engine's loop: packing a million jobs takes seconds. Not in a fork of it: it has threads.
The child starts from the last checkpoint, reads the tail, and so also proves that the log folds.
"""

import asyncio
import sys

from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.process.context import ServiceContext

_LOOK_SECONDS = 5.0


async def keep_checkpoints(ctx: ServiceContext, follower: Follower) -> None:
    """While this engine leads, take a checkpoint whenever enough time and facts have passed."""
    settings = ctx.settings.checkpoint
    last, elapsed = 0, 0.0
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        elapsed += _LOOK_SECONDS
        last = max(last, follower.base)
        behind = follower.state.sequence - last
        is_due = elapsed >= settings.every_seconds or behind >= settings.every_records
        if ctx.health.role == "leader" and behind > 0 and is_due:
            last, elapsed = follower.state.sequence, 0.0
            await _take(ctx)


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
        # Only a restart gets slower by it; the next one tries again.
        ctx.log.warning("checkpoint_failed", exit_code=code)
