"""The promises of appending: grouped, in order, once, and refused when it must be."""

import asyncio
from itertools import count

import pytest

from evenflow.common.adapters.log.writer import LogWriter
from evenflow.common.adapters.nats.connection import NatsConnection, connect
from evenflow.common.adapters.nats.fence import read_fence
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.adapters.nats.streams import ensure
from evenflow.common.contracts.subjects import decisions_of, log_subjects, subject_of
from evenflow.common.domain.errors import (
    BrokenInvariant,
    InvalidValue,
    LogFull,
    RevisionConflict,
    TemporarilyUnavailable,
)
from evenflow.common.domain.facts import jobs, leader, nodes
from evenflow.common.ports.log import Fence, Origin
from evenflow.common.testing.nats_kit import (
    ForgetfulConnection,
    a_cancel,
    a_log,
    a_writer,
    cancelled_jobs,
    entries,
)
from evenflow.common.testing.servers.nats import NatsServer, nats_server


async def test_waiting_facts_of_one_kind_share_messages_and_each_caller_learns_its_place(
    connection, shard
):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    places = await asyncio.gather(*(writer.append(a_cancel(i)) for i in range(200)))
    found = await entries(connection, shard)
    assert len(found) <= 3
    held = {e.sequence: {r.job_id for r in e.fact.requests} for e in found}
    assert all(str(i) in held[place] for i, place in enumerate(places))
    assert cancelled_jobs(found) == [str(i) for i in range(200)]


async def test_the_order_between_kinds_is_the_order_in_which_they_were_given(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    facts = [a_cancel(1), a_cancel(2), nodes.Cordoned(("n1",)), a_cancel(3)]
    await asyncio.gather(*map(writer.append, facts))
    assert [e.fact for e in await entries(connection, shard)] == [
        jobs.CancelRequested((*a_cancel(1).requests, *a_cancel(2).requests)),
        nodes.Cordoned(("n1",)),
        a_cancel(3),
    ]


async def test_a_message_holds_at_most_500_records(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    await asyncio.gather(*(writer.append(a_cancel(i)) for i in range(1_200)))
    assert [len(e.fact.requests) for e in await entries(connection, shard)] == [500, 500, 200]


async def test_a_message_holds_at_most_256_kilobytes(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    await asyncio.gather(*(writer.append(a_cancel("x" * 100_000 + str(i))) for i in range(5)))
    assert [len(e.fact.requests) for e in await entries(connection, shard)] == [2, 2, 1]


async def test_facts_of_different_actors_never_share_a_message(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    await asyncio.gather(
        writer.append(a_cancel(1), Origin("ann", "request-1")),
        writer.append(a_cancel(2), Origin("ann", "request-2")),
        writer.append(a_cancel(3), Origin("bob", "request-3")),
    )
    found = await entries(connection, shard)
    assert [(e.actor, e.correlation_id) for e in found] == [("ann", ""), ("bob", "request-3")]


async def test_a_lost_ack_does_not_double_a_fact(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(ForgetfulConnection(connection, lose_acks=2), shard)
    assert await writer.append(a_cancel(1)) == 1
    assert await writer.append(a_cancel(2)) == 2
    assert cancelled_jobs(await entries(connection, shard)) == ["1", "2"]


async def test_a_lost_ack_older_than_the_duplicate_window_does_not_double_a_fact(connection, shard):
    await a_log(connection, shard, duplicate_window_seconds=0.1)
    hours = count(step=3_600)
    writer = a_writer(
        ForgetfulConnection(connection, lose_acks=1),
        shard,
        duplicate_window_seconds=0.1,
        monotonic=lambda: next(hours),
    )
    other = a_writer(connection, shard)
    waiting = asyncio.create_task(writer.append(a_cancel(1)))
    assert await waiting == 1
    await other.append(a_cancel(2))
    assert cancelled_jobs(await entries(connection, shard)) == ["1", "2"]


async def test_a_fenced_fact_whose_ack_was_lost_is_recognised_as_our_own(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(ForgetfulConnection(connection, lose_acks=1), shard)
    fence = Fence(decisions_of(shard))
    assert await writer.append_fenced(leader.Decided("a", "1"), fence) == 1
    assert fence.expected == 1
    assert await writer.append_fenced(leader.Decided("a", "1"), fence) == 2
    assert len(await entries(connection, shard)) == 2


async def test_a_stale_writer_is_refused_by_the_broker(connection, shard):
    await a_log(connection, shard)
    old, new = a_writer(connection, shard), a_writer(connection, shard)
    old_fence = Fence(decisions_of(shard))
    await old.append_fenced(leader.Decided("old", "1"), old_fence)
    new_fence = await read_fence(connection.js, log_stream(shard), decisions_of(shard))
    await new.append_fenced(leader.Decided("new", "1"), new_fence)
    with pytest.raises(RevisionConflict, match="another writer was there"):
        await old.append_fenced(leader.Decided("old", "2"), old_fence)
    with pytest.raises(RevisionConflict):  # and stays refused
        await old.append_fenced(leader.Decided("old", "3"), old_fence)
    assert [e.fact.instance for e in await entries(connection, shard)] == ["old", "new"]


async def test_an_empty_log_refuses_a_writer_that_expects_something(connection, shard):
    await a_log(connection, shard)
    with pytest.raises(RevisionConflict):
        await a_writer(connection, shard).append_fenced(
            leader.Decided("a", "1"), Fence(decisions_of(shard), 7)
        )


async def test_several_fenced_facts_may_wait_at_once(connection, shard):
    await a_log(connection, shard)
    writer, fence = a_writer(connection, shard), Fence(decisions_of(shard))
    places = await asyncio.gather(
        *(writer.append_fenced(leader.Decided(str(i), "1"), fence) for i in range(5))
    )
    assert places == [1, 2, 3, 4, 5]
    assert fence.expected == 5


async def test_a_cancelled_caller_does_not_break_the_batch(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    first = asyncio.create_task(writer.append(a_cancel("first")))
    rest = [asyncio.create_task(writer.append(a_cancel(i))) for i in range(10)]
    await asyncio.sleep(0)  # all wait; nothing is under way
    rest[3].cancel()
    done = await asyncio.gather(first, *rest, return_exceptions=True)
    assert isinstance(done[4], asyncio.CancelledError)
    expected = ["first", *(str(i) for i in range(10) if i != 3)]
    assert cancelled_jobs(await entries(connection, shard)) == expected


async def _append_for_ever(writer: LogWriter, accepted: list[str], size: int) -> None:
    for i in count():
        job = f"{i}-{'x' * size}"
        await writer.append(a_cancel(job))
        accepted.append(job)


async def test_a_full_stream_says_so_and_keeps_what_it_has(connection, shard):
    await a_log(connection, shard, max_bytes=20_000)
    writer = a_writer(connection, shard)
    accepted = []
    with pytest.raises(LogFull, match="what was accepted is safe"):
        await _append_for_ever(writer, accepted, size=500)
    assert cancelled_jobs(await entries(connection, shard)) == accepted
    with pytest.raises(LogFull):
        await writer.append_fenced(leader.Decided("x" * 1_000, "1"), Fence(decisions_of(shard)))


async def test_a_full_server_says_so_and_keeps_what_it_has(shard, tmp_path):
    config = f'jetstream {{ store_dir: "{tmp_path}", max_file_store: 100000 }}'
    with nats_server(extra_config=config, shards=()) as server:
        connection = await connect(server.url, name="test")
        await connection.js.add_stream(name="EVENFLOW_full", subjects=log_subjects("full"))
        writer = a_writer(connection, "full")
        accepted = []
        with pytest.raises(LogFull):
            await _append_for_ever(writer, accepted, size=5_000)
        info = await connection.js.stream_info("EVENFLOW_full")
        assert info.state.messages == len(accepted) > 10
        await connection.close()


async def test_a_fact_larger_than_a_message_is_refused_and_the_next_one_is_not(connection, shard):
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    with pytest.raises(InvalidValue, match="send fewer at once"):
        await writer.append(a_cancel("x" * 2_000_000))
    assert await writer.append(a_cancel(1)) == 1


async def test_a_fact_the_stream_was_not_told_of_is_a_bug_and_not_a_wait(connection, shard):
    await ensure(connection.js, Layout(shard, [subject_of(jobs.Submitted, shard)]))
    with pytest.raises(BrokenInvariant, match="does not take"):
        await a_writer(connection, shard).append(a_cancel(1))


async def test_closing_fails_what_waits_instead_of_hanging(own_nats, shard):
    connection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    own_nats.kill()
    waiting = [asyncio.create_task(writer.append(a_cancel(i))) for i in range(3)]
    await asyncio.sleep(0)
    await writer.close()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(error, TemporarilyUnavailable) for error in done)
    with pytest.raises(TemporarilyUnavailable):
        await writer.append(a_cancel(9))
    await connection.close()


async def test_facts_appended_while_the_broker_dies_are_there_once_and_in_order(
    own_nats: NatsServer, shard
):
    connection: NatsConnection = await connect(own_nats.url, name="test")
    await a_log(connection, shard)
    writer = a_writer(connection, shard)
    tasks = []
    for i in range(400):
        tasks.append(asyncio.create_task(writer.append(a_cancel(i))))
        if i in (100, 250):
            await tasks[i - 50]  # something is stored, something is under way
            own_nats.kill()
            own_nats.start()
        await asyncio.sleep(0)
    places = await asyncio.gather(*tasks)
    assert places == sorted(places)
    expected = [str(i) for i in range(400)]
    assert cancelled_jobs(await entries(connection, shard)) == expected
    await writer.close()
    await connection.close()
