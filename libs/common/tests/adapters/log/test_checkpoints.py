"""Checkpoints are whole or not there, and the newest three are kept."""

import os

import structlog

from evenflow.common.adapters.log.checkpoints import CheckpointStore
from evenflow.common.adapters.nats.stream_names import checkpoints_bucket
from evenflow.common.testing.nats_kit import a_log


async def _all(store: CheckpointStore) -> list[tuple[int, bytes]]:
    return [found async for found in store.newest()]


async def test_the_newest_three_come_newest_first(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    assert await _all(store) == []
    for sequence in (9, 100, 20, 1_000, 300):
        await store.save(sequence, b"state %d" % sequence)
    assert await _all(store) == [
        (1_000, b"state 1000"),
        (300, b"state 300"),
        (100, b"state 100"),
    ]


async def test_a_state_of_many_chunks_comes_back_byte_for_byte(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    data = os.urandom(3_000_001)
    await store.save(7, data)
    assert await _all(store) == [(7, data)]


async def test_an_empty_state_is_a_state(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    await store.save(7, b"")
    assert await _all(store) == [(7, b"")]


async def test_a_saved_checkpoint_never_changes(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    await store.save(7, b"first")
    await store.save(7, b"second")
    assert await _all(store) == [(7, b"first")]


async def test_dropped_checkpoints_leave_nothing_behind(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    for sequence in range(1, 11):
        await store.save(sequence, b"state")
    info = await connection.js.stream_info(f"OBJ_{checkpoints_bucket(shard)}")
    assert info.state.messages == 3 * 2  # a name and a chunk each


async def test_a_checkpoint_with_a_wrong_byte_is_skipped_and_named(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    await store.save(1, b"older and whole")
    await store.save(2, b"newer and broken")
    stream = f"OBJ_{checkpoints_bucket(shard)}"
    chunk = await connection.js.get_msg(stream, 3)
    await connection.js.purge_stream(stream, subject=chunk.subject)
    await connection.js.publish(chunk.subject, b"newer and brokeN")
    with structlog.testing.capture_logs() as logs:
        assert await _all(store) == [(1, b"older and whole")]
    (warning,) = [line for line in logs if line["event"] == "checkpoint_skipped"]
    assert warning["checkpoint"].endswith("/2")
    assert "digest" in warning["reason"]


async def test_a_checkpoint_whose_description_is_garbage_is_skipped(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    await store.save(1, b"older and whole")
    await store.save(2, b"newer")
    stream = f"OBJ_{checkpoints_bucket(shard)}"
    meta = await connection.js.get_msg(stream, 4)
    await connection.js.publish(meta.subject, b"{", headers={"Nats-Rollup": "sub"})
    assert await _all(store) == [(1, b"older and whole")]


async def test_a_checkpoint_that_lost_its_chunks_is_skipped_at_once(connection, shard):
    store = CheckpointStore(connection, shard=shard, log_id=await a_log(connection, shard))
    await store.save(1, b"older and whole")
    await store.save(2, b"newer")
    stream = f"OBJ_{checkpoints_bucket(shard)}"
    chunk = await connection.js.get_msg(stream, 3)
    await connection.js.purge_stream(stream, subject=chunk.subject)
    assert await _all(store) == [(1, b"older and whole")]


async def test_checkpoints_of_another_log_are_neither_read_nor_dropped(connection, shard):
    await a_log(connection, shard)
    other = CheckpointStore(connection, shard=shard, log_id="other")
    await other.save(5, b"other")
    store = CheckpointStore(connection, shard=shard, log_id="mine")
    for sequence in range(1, 6):
        await store.save(sequence, b"mine")
    assert [sequence for sequence, _ in await _all(store)] == [5, 4, 3]
    assert await _all(other) == [(5, b"other")]
