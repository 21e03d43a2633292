"""A bucket that is followed by several at once, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from evenflow.common.adapters.async_tasks import end_task
from evenflow.common.adapters.nats.connection import connect
from evenflow.common.adapters.nats.layout import Layout, other_configs
from evenflow.common.adapters.nats.stream_names import access_bucket
from evenflow.common.adapters.nats.watched_bucket import WatchedBucket
from evenflow.common.testing.servers.nats import NatsServer, nats_server


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


class Follower:
    """One who follows, and what it knows."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}
        self.bucket: Any = None

    def note(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.known.pop(key, None)
        else:
            self.known[key] = value

    async def until(self, look: Callable[[], bool], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not look():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def following(url: str, shard: str) -> AsyncIterator[Follower]:
    connection = await connect(url, name="follower")
    name = access_bucket(shard)
    (config,) = [c for c in other_configs(Layout(shard, ())) if c.name == f"KV_{name}"]
    await connection.js.add_stream(config)
    follower = Follower()
    follower.bucket = WatchedBucket(connection, name, follower.note)
    task = asyncio.create_task(follower.bucket.run())
    async with asyncio.timeout(10):
        await follower.bucket.loaded()
    try:
        yield follower
    finally:
        await end_task(task)
        await connection.close()


async def test_what_one_puts_and_removes_all_know(server: NatsServer) -> None:
    shard = f"s{uuid4().hex[:8]}"
    async with following(server.url, shard) as one, following(server.url, shard) as two:
        await one.bucket.put("token.a", b"1")
        await one.bucket.put("token.b", b"2")
        assert one.known == {"token.a": b"1", "token.b": b"2"}  # at once, where it was put
        await two.until(lambda: two.known == one.known)
        await two.bucket.put("token.a", b"3")
        assert await two.bucket.remove("token.b")
        assert two.known == {"token.a": b"3"}
        await one.until(lambda: one.known == two.known)
        async with following(server.url, shard) as late:
            assert late.known == {"token.a": b"3"}


async def test_a_value_is_removed_by_one_alone(server: NatsServer) -> None:
    shard = f"s{uuid4().hex[:8]}"
    async with following(server.url, shard) as one, following(server.url, shard) as two:
        for number in range(20):
            key = f"code.{number}"
            await one.bucket.put(key, b"x")
            await two.until(lambda key=key: key in two.known)  # type: ignore[misc]
            done = await asyncio.gather(one.bucket.remove(key), two.bucket.remove(key))
            assert sorted(done) == [False, True]
        assert not await one.bucket.remove("code.never")


async def test_a_value_with_an_age_leaves_the_broker_by_itself(server: NatsServer) -> None:
    shard = f"s{uuid4().hex[:8]}"
    async with following(server.url, shard) as one:
        await one.bucket.put("code.a", b"x", seconds=1)
        await one.bucket.put("token.a", b"x")
        await asyncio.sleep(1.5)
        async with following(server.url, shard) as late:
            assert set(late.known) == {"token.a"}


async def test_what_changed_while_the_broker_was_away_from_one_is_known_afterwards(
    server: NatsServer,
) -> None:
    shard = f"s{uuid4().hex[:8]}"
    async with following(server.url, shard) as one:
        await one.bucket.put("token.a", b"1")
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        async with following(server.url, shard) as two:
            assert two.known == {"token.a": b"1"}
            await two.bucket.remove("token.a")
            await one.until(lambda: one.known == {}, 15)
