"""Usage snapshots in Redis or Valkey: compared by sequence, written and announced in one step."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.usage import sequence_of
from evenflow.common.ports.snapshots import Kept

ANSWER_SECONDS: Final = 2.0

# Only the document's beginning is looked at, so the size of a snapshot costs the server nothing.
_PUT: Final = """
local head = redis.call('GETRANGE', KEYS[1], 0, 63)
local held = string.match(head, '"sequence":(%d+)')
if held and tonumber(held) >= tonumber(ARGV[1]) then return held end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
redis.call('SET', KEYS[2], ARGV[3])
redis.call('PUBLISH', KEYS[1], ARGV[1])
return false
"""


class RedisSnapshots:
    """`ports.snapshots.Snapshots` of one shard. New sequences are published on the key."""

    def __init__(self, client: Redis, shard: str) -> None:
        """Use `client`; it is not closed here."""
        self._client = client
        self.key = f"evenflow:v1:{shard}:usage:snapshot"
        self.state_key = f"evenflow:v1:{shard}:usage:state"
        self._script = client.register_script(_PUT)

    async def put(
        self, sequence: int, document: str, state: str, *, life_seconds: float
    ) -> int | None:
        """See `Snapshots.put`."""
        with _translated():
            standing = await self._script(
                keys=[self.key, self.state_key],
                args=[sequence, document, state, max(1, int(life_seconds * 1000))],
            )
        return None if standing is None else int(standing)

    async def get(self) -> Kept:
        """See `Snapshots.get`."""
        with _translated():
            found = await self._client.mget(self.key, self.state_key)
        document, state = map(_text, found)
        return Kept(sequence_of(document or ""), document, state)

    async def document(self) -> str | None:
        """See `Snapshots.document`."""
        with _translated():
            return _text(await self._client.get(self.key))


def _text(value: bytes | str | None) -> str | None:
    # Garbage is found out by its digest, not by an exception here.
    return value.decode(errors="replace") if isinstance(value, bytes) else value


@asynccontextmanager
async def open_redis(
    url: str, *, user: str | None = None, password: str | None = None
) -> AsyncIterator[Redis]:
    """A client that connects when used, again after every loss, and answers or fails in time."""
    client = Redis.from_url(
        url,
        username=user,
        password=password,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),  # one retry: the server may have closed an idle connection
    )
    try:
        yield client
    finally:
        await client.aclose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise TemporarilyUnavailable(f"Redis does not answer: {error or repr(error)}") from error
