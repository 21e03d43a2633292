"""A service for tests that does what DEMO says: drain, crash, hang or return."""

import asyncio
import os
from pathlib import Path

from evenflow.common.domain.errors import BrokenInvariant
from evenflow.common.runtime.process.service import ServiceContext, run_service


async def serve(ctx: ServiceContext) -> None:
    behaviour = os.environ.get("DEMO", "drain")
    ctx.spawn(asyncio.Event().wait(), "idle")
    ctx.health.started()
    if behaviour == "crash":
        ctx.spawn(_crash(), "fold")
    if behaviour == "return":
        return
    if behaviour == "hang":
        await asyncio.Event().wait()
    await ctx.stopping.wait()
    if drained := os.environ.get("DEMO_DRAINED"):
        await asyncio.sleep(0.05)  # a drain takes a moment: it must not be cut
        Path(drained).write_text(f"{ctx.stop_cause} jobs={ctx.must_stop_jobs}", encoding="utf-8")


async def _crash() -> None:
    raise BrokenInvariant("a run was seen twice", "first at 7", "again at 9")


if __name__ == "__main__":
    run_service("demo", serve, drain_seconds=float(os.environ.get("DEMO_LIMIT", "5")))
