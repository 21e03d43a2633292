"""The start-up proof that the broker keeps two writers apart."""

from typing import Any, cast

import pytest
from nats.js import JetStreamContext

from evenflow.common.adapters.nats.fence import prove_fence
from evenflow.common.domain.errors import UnsupportedServer


class _IgnorantJetStream:
    """A broker that takes the fence's headers and does nothing about them."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def publish(self, subject: str, **_headers: Any) -> Any:
        return await self._real.publish(subject)


async def _proofs(connection: Any) -> list[str]:
    streams = await connection.js.streams_info()
    return [s.config.name for s in streams if "proof" in s.config.name]


async def test_the_proof_passes_here_and_leaves_nothing_behind(connection, shard):
    await prove_fence(connection.js, shard)
    assert await _proofs(connection) == []


async def test_a_server_that_ignores_the_fence_is_refused(connection, shard):
    with pytest.raises(UnsupportedServer, match=r"2\.12"):
        await prove_fence(cast("JetStreamContext", _IgnorantJetStream(connection.js)), shard)
    assert await _proofs(connection) == []
