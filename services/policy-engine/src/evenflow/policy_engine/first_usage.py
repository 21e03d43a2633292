"""The usage snapshot that an engine begins with: the last one that was taken, or the first ever."""

from typing import Final

from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.log.single_facts import last_fact
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.domain.facts import usage
from evenflow.common.domain.state.usage_documents import SnapshotFacts
from evenflow.common.runtime.process.context import ServiceContext
from evenflow.common.runtime.usage_mirror import UsageMirror

_SILENT_SECONDS: Final = 3.0
"""That a first snapshot takes in a system which has just been started."""


async def prime_mirror(
    ctx: ServiceContext, log: ShardLog, mirror: UsageMirror, known: SnapshotFacts
) -> None:
    """Tell the mirror of the last snapshot: behind a base the fold does not meet it again.

    `known` is what the base remembers. A base of an older release remembers none, nor does a state
    that begins with the log; then the log is asked.
    """
    if known:
        mirror.begin(known)
        return
    shard = ctx.settings.shard.name
    try:
        entry = await last_fact(log.connection, log_stream(shard), shard, usage.SnapshotTaken)
    except (TemporarilyUnavailable, UnreadableMessage) as error:
        ctx.log.warning("usage_not_primed", reason=str(error))
    else:
        if entry is not None and not entry.fact.whole_at:
            mirror.on_entry(entry)


async def await_first_usage(ctx: ServiceContext, mirror: UsageMirror) -> None:
    """Wait for the first snapshot that was ever taken, if none was yet (USG-21).

    Decisions before that would pass over what a store of usage knows of. Nobody waits for one
    that is merely old: history is unavailable then, and scheduling goes on (USG-20).
    """
    wait = ctx.settings.usage.startup_wait.total_seconds()
    if await mirror.has_first(min(wait, _SILENT_SECONDS)) or wait <= _SILENT_SECONDS:
        return
    ctx.health.warn(
        "usage", f"decides nothing before a first snapshot of usage, for at most {wait:g} s"
    )
    ctx.log.info("usage_awaited", most_seconds=wait)
    if await mirror.has_first(wait - _SILENT_SECONDS):
        ctx.log.info("usage_arrived")
    else:
        ctx.log.warning("usage_not_there", waited_seconds=wait)
