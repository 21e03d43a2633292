"""A service for tests of the supervisor: ready at once, and it notes how it ended."""

import os
import sys
from pathlib import Path

from starlette.applications import Starlette

from evenflow.common.runtime.http.server import serving
from evenflow.common.runtime.process.health import health_routes
from evenflow.common.runtime.process.service import ServiceContext, run_service


async def serve(ctx: ServiceContext) -> None:
    ctx.health.started()
    if ctx.health.service == "gateway":
        app = Starlette(routes=health_routes(ctx.health, ctx.metrics))
        async with serving(app, ctx.settings.gateway.host, ctx.settings.gateway.port):
            await ctx.stopping.wait()
    await ctx.stopping.wait()
    with Path(ctx.settings.data_dir / "ended").open("a", encoding="utf-8") as notes:
        notes.write(f"{ctx.health.service} {ctx.stop_cause} jobs={ctx.must_stop_jobs}\n")


if __name__ == "__main__":
    name = sys.argv.pop(1)
    if os.environ.get("STAND_IN_REFUSES") == name:
        sys.stderr.write("usage.half_life: must not be negative\n")
        sys.exit(2)
    run_service(name, serve)
