"""Streams are made once, by whoever comes first, and never lose anything to an older service."""

import asyncio
from dataclasses import replace

import pytest

from evenflow.common.adapters.nats.connection import connect
from evenflow.common.adapters.nats.layout import Layout
from evenflow.common.adapters.nats.stream_names import log_stream
from evenflow.common.adapters.nats.streams import ensure
from evenflow.common.contracts.subjects import log_subjects
from evenflow.common.domain.errors import LogMismatch
from evenflow.common.testing.nats_kit import a_cancel, a_writer, layout


async def test_five_services_that_start_together_agree_on_the_logs_id(nats_url, shard):
    connections = [await connect(nats_url, name=f"s{i}") for i in range(5)]
    ids = await asyncio.gather(*(ensure(c.js, layout(shard)) for c in connections))
    assert len(set(ids)) == 1
    await asyncio.gather(*(c.close() for c in connections))


async def test_starting_again_changes_neither_the_id_nor_the_facts(connection, shard):
    first = await ensure(connection.js, layout(shard))
    await a_writer(connection, shard).append(a_cancel(1))
    assert await ensure(connection.js, layout(shard)) == first
    assert (await connection.js.stream_info(log_stream(shard))).state.messages == 1


async def test_a_newer_service_adds_subjects_and_an_older_one_takes_none_away(connection, shard):
    new, old = layout(shard), replace(layout(shard), facts=log_subjects(shard)[:3])
    await ensure(connection.js, old)
    await ensure(connection.js, new)
    await ensure(connection.js, old)
    info = await connection.js.stream_info(log_stream(shard))
    assert set(info.config.subjects) == set(log_subjects(shard))


async def test_a_new_limit_takes_effect_at_the_next_start(connection, shard):
    await ensure(connection.js, layout(shard))
    await ensure(connection.js, layout(shard, max_bytes=1_000_000))
    info = await connection.js.stream_info(log_stream(shard))
    assert info.config.max_bytes == 1_000_000


async def test_a_stream_that_somebody_else_made_is_not_taken_over(connection, shard):
    await connection.js.add_stream(name=log_stream(shard), subjects=[f"{shard}.other"])
    with pytest.raises(LogMismatch, match="not made by Evenflow"):
        await ensure(connection.js, layout(shard))


async def test_who_only_looks_leaves_the_limit_of_the_log_as_it_is(connection, shard):
    facts = [f"evenflow.v1.{shard}.jobs.submitted"]
    await ensure(connection.js, Layout(shard, facts, max_bytes=10**6))
    await ensure(connection.js, Layout(shard, facts))
    info = await connection.js.stream_info(log_stream(shard))
    assert info.config.max_bytes == 10**6
    await ensure(connection.js, Layout(shard, facts, max_bytes=0))
    info = await connection.js.stream_info(log_stream(shard))
    assert info.config.max_bytes == -1
