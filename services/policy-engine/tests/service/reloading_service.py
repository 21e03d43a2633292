"""A service for tests that only watches its settings, and prints what cycles would decide by."""

import asyncio
import json
import sys
from dataclasses import asdict

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.policy_engine.reload import watch_settings


def changed(settings: SchedulerSettings) -> None:
    sys.stdout.write(json.dumps(asdict(settings)) + "\n")
    sys.stdout.flush()


async def serve(ctx: ServiceContext) -> None:
    watching = ctx.spawn(watch_settings(ctx, changed), "settings")
    await asyncio.sleep(0)  # so that it listens before anybody is told that this is ready
    ctx.health.started()
    await ctx.stopping.wait()
    watching.cancel()


if __name__ == "__main__":
    run_service("policy-engine", serve)
