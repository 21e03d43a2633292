"""What any store of snapshots promises; asked of the fake and of a real Valkey."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from evenflow.common.adapters.redis_snapshots import RedisSnapshots, open_redis
from evenflow.common.domain.errors import RevisionConflict, TemporarilyUnavailable
from evenflow.common.domain.usage.snapshot import seal
from evenflow.common.ports.snapshots import Change, Kept, Snapshots, StateForgotten
from evenflow.common.testing.fakes.snapshots import FakeSnapshots
from evenflow.common.testing.servers.valkey import RedisServer, redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def store(request, server) -> AsyncIterator[Snapshots]:
    if request.param == "fake":
        yield FakeSnapshots()
        return
    async with open_redis(server.url) as client:
        await client.flushall()
        yield RedisSnapshots(client, "main")


def a_document(sequence: int) -> str:
    return seal({"schema": 1, "sequence": sequence, "padding": "ü" * 100})[0]


async def test_an_empty_store_says_so(store):
    assert await store.get() == Kept(0, None, None)
    assert await store.document() is None


async def test_document_and_state_are_kept_together(store):
    assert await store.put(3, a_document(3), "state 3", life_seconds=60) is None
    assert await store.get() == Kept(3, a_document(3), "state 3")
    assert await store.document() == a_document(3)


async def test_a_sequence_that_does_not_grow_is_refused_with_the_one_that_stands(store):
    await store.put(3, a_document(3), "state 3", life_seconds=60)
    for sequence in (2, 3):
        refused = await store.put(sequence, a_document(sequence), "other", life_seconds=60)
        assert refused == 3
    assert await store.get() == Kept(3, a_document(3), "state 3")
    assert await store.put(12, a_document(12), "state 12", life_seconds=60) is None
    assert await store.put(7, a_document(7), "other", life_seconds=60) == 12


async def test_pieces_are_kept_and_forgotten_with_the_document(store):
    await store.claim("one")
    first = Change({"a": b"\x00\xff", "b": b"2"}, ["never there"])
    await store.put(1, a_document(1), "state 1", life_seconds=60, writer="one", change=first)
    await store.keep("state 2", writer="one", change=Change({"c": b"3"}, ["b"]))
    assert await store.get() == Kept(1, a_document(1), "state 2")
    assert await store.pieces(["a", "b", "c"]) == {"a": b"\x00\xff", "c": b"3"}
    anew = Change({"d": b"4"}, ["d"], is_anew=True)
    await store.keep("state 3", writer="one", change=anew)
    assert await store.pieces(["a", "b", "c", "d"]) == {"d": b"4"}


async def test_pieces_of_a_sequence_that_is_refused_are_not_kept(store):
    await store.claim("one")
    await store.put(3, a_document(3), "state 3", life_seconds=60, writer="one")
    change = Change({"a": b"1"})
    assert await store.put(2, a_document(2), "x", life_seconds=60, writer="one", change=change) == 3
    assert await store.pieces(["a"]) == {}


async def test_who_claims_the_store_is_its_only_writer(store):
    await store.put(1, a_document(1), "state 1", life_seconds=60)
    assert (await store.claim("one")).state == "state 1"
    await store.claim("two")
    change = Change({"a": b"1"})
    with pytest.raises(RevisionConflict):
        await store.put(2, a_document(2), "x", life_seconds=60, writer="one", change=change)
    with pytest.raises(RevisionConflict):
        await store.keep("x", writer="one", change=change)
    assert await store.get() == Kept(1, a_document(1), "state 1")
    assert await store.pieces(["a"]) == {}
    assert await store.put(2, a_document(2), "state 2", life_seconds=60, writer="two") is None


async def test_a_store_that_nobody_has_claimed_since_it_was_wiped_says_so(store):
    with pytest.raises(StateForgotten):
        await store.put(2, a_document(2), "x", life_seconds=60, writer="one")
    with pytest.raises(StateForgotten):
        await store.keep("x", writer="one")
    assert await store.get() == Kept(0, None, None)


@pytest.mark.integration
async def test_a_new_sequence_is_published_and_the_document_has_a_life(server):
    async with open_redis(server.url) as client:
        await client.flushall()
        store = RedisSnapshots(client, "main")
        async with client.pubsub() as listener:
            await listener.subscribe(store.key)
            await listener.get_message(timeout=2)  # the subscription itself
            await store.put(5, a_document(5), "state", life_seconds=60)
            news = await listener.get_message(timeout=2)
        assert news is not None
        assert news["data"] == b"5"
        assert 0 < await client.pttl(store.key) <= 60_000
        assert await client.pttl(store.state_key) == -1
        assert store.key == "evenflow:v1:main:usage:snapshot"


@pytest.mark.integration
async def test_garbage_under_the_key_is_handed_out_as_text_and_overwritten(server):
    async with open_redis(server.url) as client:
        store = RedisSnapshots(client, "main")
        await client.set(store.key, b"\xff\x00garbage")
        assert (await store.get()).sequence == 0
        assert "garbage" in (await store.document() or "")
        assert await store.put(1, a_document(1), "state", life_seconds=60) is None


@pytest.mark.integration
async def test_a_store_that_is_down_is_unavailable_and_comes_back_by_itself():
    with redis_server() as own:
        async with open_redis(own.url) as client:
            store = RedisSnapshots(client, "main")
            await store.put(1, a_document(1), "state 1", life_seconds=60)
            own.kill()
            async with asyncio.timeout(5):
                for call in (store.get(), store.document()):
                    with pytest.raises(TemporarilyUnavailable):
                        await call
                with pytest.raises(TemporarilyUnavailable):
                    await store.put(2, a_document(2), "state 2", life_seconds=60)
            own.start()
            assert await store.put(2, a_document(2), "state 2", life_seconds=60) is None
