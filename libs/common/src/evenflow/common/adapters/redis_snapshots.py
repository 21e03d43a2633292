"""Usage snapshots in Redis or Valkey: compared by sequence, written and announced in one step."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from evenflow.common.domain.errors import RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.usage.snapshot import sequence_of
from evenflow.common.ports.snapshots import NO_CHANGE, Change, Kept, StateForgotten

ANSWER_SECONDS: Final = 2.0

_PIECES_AT_ONCE: Final = 64  # bounds what one answer holds
_OVERTAKEN: Final = b"overtaken"
_FORGOTTEN: Final = b"forgotten"

# KEYS: document, state, pieces, writer. ARGV: sequence (0: no document), document, state,
# milliseconds to live, writer, how many names go (-1: all), these, then names and bytes in turn.
# Only the document's beginning is looked at, so the size of a snapshot costs the server nothing.
_PUT: Final = """
if ARGV[5] ~= '' then
  local writer = redis.call('GET', KEYS[4])
  if not writer then return 'forgotten' end
  if writer ~= ARGV[5] then return 'overtaken' end
end
if ARGV[1] ~= '0' then
  local head = redis.call('GETRANGE', KEYS[1], 0, 63)
  local held = string.match(head, '"sequence":(%d+)')
  if held and tonumber(held) >= tonumber(ARGV[1]) then return held end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
end
redis.call('SET', KEYS[2], ARGV[3])
local gone = tonumber(ARGV[6])
if gone < 0 then
  redis.call('DEL', KEYS[3])
  gone = 0
end
for i = 7, 6 + gone do redis.call('HDEL', KEYS[3], ARGV[i]) end
for i = 7 + gone, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1]) end
if ARGV[1] ~= '0' then redis.call('PUBLISH', KEYS[1], ARGV[1]) end
return false
"""


class RedisSnapshots:
    """`ports.snapshots.Snapshots` of one shard. New sequences are published on the key."""

    def __init__(self, client: Redis, shard: str) -> None:
        """Use `client`; it is not closed here."""
        self._client = client
        self.key = f"evenflow:v1:{shard}:usage:snapshot"
        self.state_key = f"evenflow:v1:{shard}:usage:state"
        self.pieces_key = f"evenflow:v1:{shard}:usage:pieces"
        self.writer_key = f"evenflow:v1:{shard}:usage:writer"
        self._script = client.register_script(_PUT)

    async def put(
        self,
        sequence: int,
        document: str,
        state: str,
        *,
        life_seconds: float,
        writer: str = "",
        change: Change = NO_CHANGE,
    ) -> int | None:
        """See `Snapshots.put`."""
        life_ms = max(1, int(life_seconds * 1000))
        return await self._run([sequence, document, state, life_ms, writer], change)

    async def keep(self, state: str, *, writer: str, change: Change = NO_CHANGE) -> None:
        """See `Snapshots.keep`."""
        await self._run([0, "", state, 1, writer], change)

    async def claim(self, writer: str) -> Kept:
        """See `Snapshots.claim`."""
        with _translated():
            await self._client.set(self.writer_key, writer)
        return await self.get()

    async def pieces(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """See `Snapshots.pieces`."""
        found: dict[str, bytes] = {}
        for at in range(0, len(names), _PIECES_AT_ONCE):
            asked = list(names[at : at + _PIECES_AT_ONCE])
            with _translated():
                answered = await self._client.hmget(self.pieces_key, asked)
            found |= {
                name: data
                for name, data in zip(asked, answered, strict=True)
                if isinstance(data, bytes)
            }
        return found

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

    async def _run(self, arguments: list[str | int], change: Change) -> int | None:
        sent: list[str | int | bytes] = [*arguments, -1]
        if not change.is_anew:
            sent[-1:] = [len(change.forgotten), *change.forgotten]
        for name, data in change.written.items():
            sent += (name, data)
        with _translated():
            answer = await self._script(
                keys=[self.key, self.state_key, self.pieces_key, self.writer_key], args=sent
            )
        if answer == _OVERTAKEN:
            raise RevisionConflict("another aggregator has claimed the store of snapshots")
        if answer == _FORGOTTEN:
            raise StateForgotten("the store of snapshots was wiped")
        return None if answer is None else int(answer)


def _text(value: bytes | str | None) -> str | None:
    # Garbage is found out by its digest, not by an exception here.
    return value.decode(errors="replace") if isinstance(value, bytes) else value


@asynccontextmanager
async def open_redis(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    ca_file: Path | None = None,
) -> AsyncIterator[Redis]:
    """A client that connects when used, again after every loss, and answers or fails in time.

    `ca_file` signs the certificate of a `rediss://` server.
    """
    trusted: dict[str, Any] = {"ssl_ca_certs": str(ca_file)} if ca_file else {}
    client = Redis.from_url(
        url,
        username=user,
        password=password,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        **trusted,
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
