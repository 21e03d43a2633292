"""What a gateway sets right before it answers, and what it keeps small while it does."""

import asyncio
from typing import Final

from evenflow.common.domain.queues.queue import DEFAULT_PROJECT, DEFAULT_QUEUE
from evenflow.common.ports.log import Origin
from evenflow.gateway.clock.rate import set_rate
from evenflow.gateway.edge.idempotency import IdempotencyKeys
from evenflow.gateway.gateway import ACTOR, Gateway
from evenflow.gateway.queues.commands import QueueCommands
from evenflow.gateway.queues.rules.projects import project_with_default_queue
from evenflow.gateway.view.store import Store
from evenflow.gateway.view.sweep import sweep_jobs
from evenflow.gateway.view.usage.sweep import sweep_usage

_SWEEP_SECONDS: Final = 60.0
_STEP_SECONDS: Final = 0.2
_AS_GATEWAY: Final = Origin(actor=ACTOR)


async def prepare(gateway: Gateway, store: Store) -> None:
    """Define what is missing; raises TemporarilyUnavailable when the bus is away."""
    state = gateway.state()
    if gateway.settings.gateway.default_queue and not state.children.get(DEFAULT_PROJECT):
        builtin = project_with_default_queue(DEFAULT_PROJECT, gateway.now(), gateway.new_id)
        await gateway.part(QueueCommands).make_missing(builtin, _AS_GATEWAY)
        gateway.log.info("queue_defined", queue=f"{DEFAULT_PROJECT}/{DEFAULT_QUEUE}")
    # Once a change of the setting, not at every start: a rate set by hand outlives a restart.
    speed = gateway.settings.clock.speed
    if store.speed != speed:
        if state.clock.rate != speed:
            await set_rate(gateway, speed, _AS_GATEWAY)
        store.speed = speed


async def enforce_retention(gateway: Gateway, store: Store) -> None:
    """Remove ended jobs and old keys beyond their retention, in small steps, until cancelled."""
    settings, history = gateway.settings.gateway, gateway.settings.usage.history
    while True:
        removed = await sweep_jobs(
            store,
            keep_seconds=settings.keep_ended.total_seconds(),
            keep_rows=settings.keep_ended_rows,
            now=gateway.now(),
        )
        if await sweep_usage(store, history, gateway.now()):
            removed += 1
        if not removed:
            await gateway.part(IdempotencyKeys).sweep()
        # Steps follow each other closely only while there is something to remove.
        await asyncio.sleep(_STEP_SECONDS if removed else _SWEEP_SECONDS)
