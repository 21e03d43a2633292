"""Say once a second who lives and how: core NATS messages that nobody stores."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final

from evenflow.common.contracts.subjects import health_subject
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.process.health import Health

Publish = Callable[[str, bytes], Awaitable[None]]
"""Takes subject and payload; may raise while the broker is away."""

PERIOD_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 1.0


def beat(health: Health, *, sent_at: int) -> bytes:
    """Return one heartbeat: the status document and when it was sent (wall clock, microseconds)."""
    return json.dumps({**health.status(), "sent_at": sent_at}).encode()


async def send_heartbeats(health: Health, publish: Publish, log: Logger) -> None:
    """Publish a heartbeat every second until cancelled; a missing broker costs a warning, once."""
    subject = health_subject(health.shard, health.service)
    is_heard = True
    while True:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await publish(subject, beat(health, sent_at=time.time_ns() // 1000))
        except Exception as error:  # noqa: BLE001 - whatever the broker's library raises
            if is_heard:
                log.warning("heartbeat_failed", reason=str(error) or type(error).__name__)
            is_heard = False
        else:
            is_heard = True
        await asyncio.sleep(PERIOD_SECONDS)
