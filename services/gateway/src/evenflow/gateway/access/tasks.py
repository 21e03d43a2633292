"""What goes on beside requests: when tokens were used is kept, what has expired is forgotten."""

import asyncio
from typing import Final

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.runtime.logging import Logger
from evenflow.gateway.access.commands import Access

PERIOD_SECONDS: Final = 30.0


async def look_after(access: Access, log: Logger) -> None:
    """Keep and forget until cancelled."""
    while True:
        await asyncio.sleep(PERIOD_SECONDS)
        access.credentials.forget_expired()
        try:
            await access.keep_used()
        except TemporarilyUnavailable as error:
            log.debug("used_not_kept", reason=str(error))
