"""Take one checkpoint and end. A process of its own, with the engine's settings."""

import asyncio
import os

from evenflow.common.adapters.failpoint import failpoint
from evenflow.common.adapters.log.shard_log import ShardLog, open_shard_log
from evenflow.common.contracts import checkpoint
from evenflow.common.contracts.base_note import base_note
from evenflow.common.domain.errors import EvenflowError, LogMismatch
from evenflow.common.runtime.broker import broker_access
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.logging import configure_logging
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.async_tasks import first_of
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.settings import load

NAME = "checkpointer"


async def take_checkpoint(ctx: ServiceContext) -> int:
    """Fold from the newest checkpoint to the log's end and save the state; return its sequence."""
    async with open_shard_log(broker_access(ctx.settings, NAME)) as log:
        follower = Follower(ctx, log.open_reader, log.log_id)
        before = await log.checkpoints.bases()
        await first_of(_fold(follower, log), _refuse_to_stand(follower))
        failpoint("checkpoint.folded")
        # Newer than the one that was taken, and folded from what the log has lost.
        newer = {base.sequence for base in before if base.sequence > follower.base}
        await log.checkpoints.drop({at for at in newer if log.skips.is_dropped(at)})
        data = checkpoint.dump(follower.state, log.log_id)
        # Kept until the log is cut behind it: see `retention`.
        note = base_note(follower.state.clock)
        await log.checkpoints.save(follower.state.sequence, data, note=note, keep=None)
        ctx.log.info("checkpoint_taken", sequence=follower.state.sequence, size_bytes=len(data))
        return follower.state.sequence


async def _fold(follower: Follower, log: ShardLog) -> None:
    await follower.load(log.checkpoints.newest)
    await first_of(follower.run(), follower.catch_up())


async def _refuse_to_stand(follower: Follower) -> None:
    await follower.reading.stands.wait()
    raise LogMismatch(str(follower.reading.standstill))


def main() -> int:
    """Return the exit code: 0 when the checkpoint is kept."""
    os.nice(5)  # deciding goes first
    settings = load()
    shard = settings.shard.name
    log = configure_logging(settings.log, service=NAME, shard=shard)
    health = Health(service=NAME, shard=shard, version="")
    metrics = Metrics(service=NAME, shard=shard, version="")
    ctx = ServiceContext(settings=settings, health=health, metrics=metrics, log=log)
    try:
        asyncio.run(take_checkpoint(ctx))
    except EvenflowError as error:
        log.warning("checkpoint_not_taken", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
