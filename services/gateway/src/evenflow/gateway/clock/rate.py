"""How fast the shard's clock runs, said to the log."""

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.facts import clock
from evenflow.common.ports.log import Origin
from evenflow.gateway.gateway import Gateway


async def set_rate(gateway: Gateway, rate: int, origin: Origin) -> int:
    """Let the shard's clock run `rate` times as fast from now on; return the fact's sequence."""
    wall_at = SystemClock().now()
    shard_at = gateway.state().clock.shard_time(wall_at)
    return await gateway.writer.append(clock.Set(wall_at, shard_at, rate), origin)
