"""What a gateway sets right before it answers: the built-in queue, and the clock's speed."""

from typing import Final

from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.domain.facts import clock
from evenflow.common.domain.queue import DEFAULT_PROJECT, DEFAULT_QUEUE
from evenflow.common.ports.log import Origin
from evenflow.gateway.core.queue_choice import project_with_default_queue
from evenflow.gateway.gateway import ACTOR, Gateway
from evenflow.gateway.view.store import Store

_AS_GATEWAY: Final = Origin(actor=ACTOR)


async def prepare(gateway: Gateway, store: Store) -> None:
    """Define what is missing; raises TemporarilyUnavailable when the bus is away."""
    commands, state = gateway.commands, gateway.state()
    if gateway.settings.gateway.default_queue and not state.children.get(DEFAULT_PROJECT):
        builtin = project_with_default_queue(DEFAULT_PROJECT, commands.now(), commands.new_id)
        await commands.definer.make_missing(builtin, _AS_GATEWAY)
        gateway.log.info("queue_defined", queue=f"{DEFAULT_PROJECT}/{DEFAULT_QUEUE}")
    # Once a change of the setting, not at every start: a rate set by hand outlives a restart.
    speed = gateway.settings.clock.speed
    if store.speed != speed:
        if state.clock.rate != speed:
            await set_rate(gateway, speed, _AS_GATEWAY)
        store.speed = speed


async def set_rate(gateway: Gateway, rate: int, origin: Origin) -> int:
    """Let the shard's clock run `rate` times as fast from now on; return the fact's sequence."""
    wall_at = SystemClock().now()
    shard_at = gateway.state().clock.shard_time(wall_at)
    return await gateway.commands.append(clock.Set(wall_at, shard_at, rate), origin)
