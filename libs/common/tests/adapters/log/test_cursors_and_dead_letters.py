"""Small stores beside the log: how far readers are, and what nobody could read."""

import pytest

from evenflow.common.adapters.log.cursors import Cursor, CursorStore
from evenflow.common.adapters.log.dead_letters import DeadLetters
from evenflow.common.adapters.nats.connection import connect
from evenflow.common.adapters.nats.stream_names import cursors_bucket, dead_stream
from evenflow.common.domain.errors import TemporarilyUnavailable, UnreadableMessage
from evenflow.common.testing.nats_kit import a_log


async def test_the_newest_cursor_of_each_reader_is_kept(connection, shard):
    await a_log(connection, shard)
    store = CursorStore(connection, shard)
    assert await store.all() == {}
    assert await store.get("gateway") is None
    await store.put("gateway", Cursor("log", 5))
    await store.put("binder.local", Cursor("log", 3))
    await store.put("gateway", Cursor("log", 9))
    assert await store.get("gateway") == Cursor("log", 9)
    assert await store.all() == {"binder.local": Cursor("log", 3), "gateway": Cursor("log", 9)}


async def test_garbage_under_a_readers_name_is_named(connection, shard):
    await a_log(connection, shard)
    bucket = await connection.js.key_value(cursors_bucket(shard))
    await bucket.put("gateway", b"[]")
    with pytest.raises(UnreadableMessage, match="gateway"):
        await CursorStore(connection, shard).get("gateway")


async def test_a_broker_that_is_away_is_a_temporary_error(own_nats, shard):
    connection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    own_nats.kill()
    with pytest.raises(TemporarilyUnavailable, match="cursor of gateway"):
        await CursorStore(connection, shard).put("gateway", Cursor("log", 1))
    await connection.close()


async def test_an_unreadable_message_is_kept_with_its_reason(connection, shard):
    await a_log(connection, shard)
    letters = DeadLetters(connection, shard=shard, service="gateway")
    error = UnreadableMessage("evenflow.v1.cmd.main.jobs.submit", "line 1\nis broken")
    place = await letters.put(error, b"\xff\x00")
    kept = await connection.js.get_msg(dead_stream(shard), place)
    assert kept.data == b"\xff\x00"
    assert kept.headers["Evenflow-Reason"] == "line 1 is broken"
    assert kept.headers["Evenflow-Subject"] == "evenflow.v1.cmd.main.jobs.submit"
