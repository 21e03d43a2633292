"""The promises of reading: all, once, in order, from the right log, whatever the broker does."""

import asyncio

import pytest

from evenflow.common.adapters.log.reader import LogReader
from evenflow.common.adapters.nats.connection import NatsConnection, connect
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.contracts.subjects import subject_of
from evenflow.common.domain.errors import LogMismatch, TemporarilyUnavailable
from evenflow.common.domain.facts import jobs, nodes
from evenflow.common.testing.nats_kit import a_cancel, a_log, a_writer, an_answer
from evenflow.common.testing.servers.nats import NatsServer


def _reader(connection: NatsConnection, shard: str, after: int = 0, **options) -> LogReader:
    options.setdefault("log_id", "")
    return LogReader(connection, stream=log_stream(shard), after=after, **options)


async def _fill(connection: NatsConnection, shard: str, count: int, size: int = 10) -> None:
    """Put raw messages in: the reader does not look inside."""
    subject = subject_of(jobs.Submitted, shard)
    for start in range(0, count, 100):
        await asyncio.gather(
            *(
                connection.js.publish(subject, b"%d " % i + b"x" * size)
                for i in range(start, min(start + 100, count))
            )
        )


async def _read(reader: LogReader, upto: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(30):
        async for batch in reader.batches():
            found += [message.sequence for message in batch]
            if found[-1] >= upto:
                break
    return found


async def test_a_reader_gets_what_was_there_and_what_comes_later(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 20)
    async with _reader(connection, shard, after=5) as reader:
        assert await _read(reader, 20) == list(range(6, 21))
        assert reader.is_caught_up
        await _fill(connection, shard, 3)
        assert await _read(reader, 23) == [21, 22, 23]
        assert await reader.last_sequence() == reader.sequence == 23


async def test_a_message_tells_its_place_subject_content_and_time(connection, shard):
    await a_log(connection, shard)
    await connection.js.publish(subject_of(nodes.Cordoned, shard), b"content")
    stored = await connection.js.get_msg(log_stream(shard), 1)
    async with _reader(connection, shard) as reader:
        async for message in reader:
            assert message.sequence == 1
            assert message.subject == subject_of(nodes.Cordoned, shard)
            assert message.data == b"content"
            assert message.stored_at == int(stored.time.timestamp() * 1_000_000)
            break


async def test_what_waits_comes_in_batches_of_the_asked_size(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 50)
    async with _reader(connection, shard) as reader:
        async for _ in reader:
            break  # everything is here by the time the first one is handed out, or soon
        sizes = []
        async for batch in reader.batches(max_messages=7):
            sizes.append(len(batch))
            if reader.sequence == 50:
                break
    assert max(sizes) <= 7


async def test_a_reader_of_some_subjects_gets_only_those_in_order(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    for i in range(6):
        await writer.append(a_cancel(i))
        await writer.append(nodes.Cordoned((f"n{i}",)))
        await writer.append(nodes.Uncordoned((f"n{i}",)))
    wanted = [subject_of(kind, shard) for kind in (nodes.Cordoned, nodes.Uncordoned)]
    async with _reader(connection, shard, subjects=wanted) as reader:
        assert await _read(reader, 18) == [s for s in range(1, 19) if s % 3 != 1]
        assert reader.is_caught_up


async def test_the_broker_is_killed_twice_and_every_message_comes_once(own_nats: NatsServer, shard):
    connection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    await _fill(connection, shard, 3_000, size=1_000)
    found: list[int] = []
    async with asyncio.timeout(60), _reader(connection, shard) as reader:
        async for batch in reader.batches(max_messages=50):
            found += [message.sequence for message in batch]
            if reader.sequence in {500, 1_500}:
                own_nats.kill()
                own_nats.start()
            if reader.sequence == 3_000:
                break
        await an_answer(connection)
        await _fill(connection, shard, 10)
        found += await _read(reader, 3_010)
    assert found == list(range(1, 3_011))
    await connection.close()


async def test_a_lost_consumer_is_made_again_from_where_it_was(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 5)
    async with _reader(connection, shard) as reader:
        assert await _read(reader, 5) == [1, 2, 3, 4, 5]
        for consumer in await connection.js.consumers_info(log_stream(shard)):
            await connection.js.delete_consumer(log_stream(shard), consumer.name)
        await _fill(connection, shard, 5)
        assert await _read(reader, 10) == [6, 7, 8, 9, 10]


async def test_a_message_delivered_twice_is_handed_out_once(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 3)
    async with _reader(connection, shard) as reader:
        assert await _read(reader, 3) == [1, 2, 3]
        feed = reader._feed
        again = f"$JS.ACK.{log_stream(shard)}.{feed._consumer}.1.2.2.1000.0"
        await connection.client.publish(feed._subscription.subject, b"again", reply=again)
        await connection.client.flush()
        await _fill(connection, shard, 1)
        assert await _read(reader, 4) == [4]


async def test_memory_stays_bounded_while_nobody_takes(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 600, size=100_000)
    async with _reader(connection, shard) as reader:
        feed = reader._feed
        while reader._feed.received < 10:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # there is no event for "the broker does not send"
        assert (
            sum(len(m.data) for m in feed._buffer._waiting if not isinstance(m, str)) < 10_000_000
        )
        assert await _read(reader, 600) == list(range(1, 601))


async def test_a_state_of_another_log_is_refused(connection, shard):
    await a_log(connection, shard)
    with pytest.raises(LogMismatch, match="belongs to log other"):
        await _reader(connection, shard, log_id="other").open()


async def test_a_state_ahead_of_the_log_is_refused(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 3)
    await _reader(connection, shard, after=3).open()
    with pytest.raises(LogMismatch, match="ends at 3"):
        await _reader(connection, shard, after=4).open()


async def test_a_state_behind_what_was_purged_is_refused(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 10)
    await connection.js.purge_stream(log_stream(shard), seq=6)
    async with _reader(connection, shard, after=5) as reader:
        assert await _read(reader, 10) == [6, 7, 8, 9, 10]
    with pytest.raises(LogMismatch, match="begins at 6"):
        await _reader(connection, shard, after=4).open()


async def test_a_log_that_is_not_there_is_named(connection, shard):
    with pytest.raises(LogMismatch, match="no stream"):
        await _reader(connection, shard).open()


async def test_a_log_replaced_while_we_read_is_noticed(connection, shard):
    log_id = await a_log(connection, shard)
    await _fill(connection, shard, 3)
    async with _reader(connection, shard, log_id=log_id) as reader:
        await _read(reader, 3)
        await connection.js.delete_stream(log_stream(shard))
        await a_log(connection, shard)
        await _fill(connection, shard, 5)
        with pytest.raises(LogMismatch, match="belongs to log"):
            await _read(reader, 5)


async def test_facts_removed_before_they_were_read_are_noticed(connection, shard):
    await a_log(connection, shard)
    await _fill(connection, shard, 5)
    await connection.js.delete_msg(log_stream(shard), 3)
    async with _reader(connection, shard) as reader:
        with pytest.raises(LogMismatch, match="sequences 3 to 3"):
            await _read(reader, 5)


async def test_a_closed_connection_ends_reading_with_an_error(nats_url, connection, shard):
    await a_log(connection, shard)
    other = await connect(nats_url, name="short")
    reader = _reader(other, shard)
    await reader.open()
    reading = asyncio.create_task(_read(reader, 1))
    await asyncio.sleep(0)
    await other.close()
    with pytest.raises(Exception, match="is closed"):
        await reading
    await reader.close()


async def test_closing_wakes_whoever_waits_for_messages(connection, shard):
    await a_log(connection, shard)
    reader = _reader(connection, shard)
    await reader.open()
    reading = asyncio.create_task(_read(reader, 1))
    await asyncio.sleep(0)
    await reader.close()
    await reader.close()
    with pytest.raises(TemporarilyUnavailable, match="was ended"):
        await reading
