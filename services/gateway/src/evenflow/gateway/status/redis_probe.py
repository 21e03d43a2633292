"""Whether Redis answers: for the status only, no request waits for it."""

import asyncio
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from evenflow.common.runtime.settings import RedisSettings

_EVERY_SECONDS: Final = 2.0


class RedisProbe:
    """Asks every two seconds."""

    def __init__(self, settings: RedisSettings) -> None:
        """Nothing is asked before `run`."""
        self.is_connected = False
        password = settings.password.get_secret_value() if settings.password else None
        trusted: dict[str, Any] = (
            {"ssl_ca_certs": str(settings.ca_file)} if settings.ca_file else {}
        )
        self._client = Redis.from_url(
            settings.url,
            username=settings.user,
            password=password,
            **trusted,
            socket_timeout=_EVERY_SECONDS,
            socket_connect_timeout=_EVERY_SECONDS,
        )

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                try:
                    await self._client.ping()
                    self.is_connected = True
                except (RedisError, OSError):
                    self.is_connected = False
                await asyncio.sleep(_EVERY_SECONDS)
        finally:
            await self._client.aclose()
