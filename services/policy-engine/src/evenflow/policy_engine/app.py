"""The policy engine as a process: reads settings, opens the log, decides."""

from typing import Final

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.runtime.broker import connected_log
from evenflow.common.runtime.cursor_keeping import CursorKeeper
from evenflow.common.runtime.process.service import ServiceContext, run_service
from evenflow.common.runtime.usage_mirror import UsageMirror
from evenflow.policy_engine.answers.usage_in_use import UsageDesk
from evenflow.policy_engine.answers.why import ExplainDesk, edge
from evenflow.policy_engine.checkpoints.keeping import CheckpointKeeper
from evenflow.policy_engine.config import check_plugins, plugins_of
from evenflow.policy_engine.handlers import Engine
from evenflow.policy_engine.reload import watch_settings
from evenflow.policy_engine.retention.cutting import Retention
from evenflow.policy_engine.watches import UsageWatch

READER: Final = "policy-engine"
"""The engine that leads, whichever it is: a successor begins with a base."""


async def serve(ctx: ServiceContext) -> None:
    """Run until asked to stop; a decision under way is finished or lost with its batch."""
    redis = ctx.settings.redis
    password = redis.password.get_secret_value() if redis.password else None
    async with (
        connected_log(ctx) as log,
        open_redis(redis.url, user=redis.user, password=password, ca_file=redis.ca_file) as client,
        edge(ctx.settings) as broker,
    ):
        mirror = UsageMirror(RedisSnapshots(client, ctx.settings.shard.name), ctx.log)
        desk = ExplainDesk(broker, ctx)
        engine = Engine(
            ctx,
            log,
            SystemClock(),
            mirror,
            plugins_of(ctx.settings),
            desk=desk,
            usage_desk=UsageDesk(broker, ctx, mirror, SystemClock()),
        )
        ctx.spawn(mirror.run(), "usage-mirror")
        usage = UsageWatch(ctx, mirror, lambda: engine.follower.state.clock, SystemClock())
        ctx.spawn(usage.run(), "usage-watch")
        work = ctx.spawn(engine.serve(), "engine")
        bases = CheckpointKeeper(ctx, engine.follower)
        ctx.spawn(bases.run(), "checkpoints")
        retention = Retention(ctx, log, lambda: engine.follower.state, bases, engine.renew)
        ctx.spawn(retention.run(), "retention")
        cursor = CursorKeeper(log.cursors, log.log_id, READER, engine.position, ctx.log)
        ctx.spawn(cursor.run(), "cursor")
        ctx.spawn(watch_settings(ctx, engine.decide_by), "settings")
        await ctx.stopping.wait()
        await end_task(work)


def main() -> None:
    """Entry point of `evenflow-policy-engine`."""
    run_service("policy-engine", serve, check=check_plugins)
