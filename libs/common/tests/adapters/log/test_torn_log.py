"""A log that lost its end, as by a power cut: readers stand at it and go on when that is said."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import structlog

from evenflow.common.adapters.log.shard_log import BrokerAccess, ShardLog, open_shard_log
from evenflow.common.contracts import checkpoint
from evenflow.common.domain.facts.log import Skip, Skipped
from evenflow.common.runtime.follower import Follower
from evenflow.common.runtime.metrics import Metrics
from evenflow.common.runtime.process.health import Health
from evenflow.common.runtime.process.service import ServiceContext
from evenflow.common.runtime.reading import FoldAnew
from evenflow.common.runtime.settings import Settings
from evenflow.common.testing.nats_kit import a_cancel
from evenflow.common.testing.servers.nats import NatsServer, provisioned

FACTS = 30


def make_ctx() -> ServiceContext:
    health = Health(service="test", shard="main", version="0")
    metrics = Metrics(service="test", shard="main", version="0")
    return ServiceContext(
        settings=Settings(), health=health, metrics=metrics, log=structlog.get_logger("test")
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def cut(directory: Path, size: int, *, forget_index: bool) -> None:
    messages = next(directory.glob("**/streams/EVENFLOW_main/msgs"))
    block = max(messages.glob("*.blk"), key=lambda path: int(path.stem))
    block.write_bytes(block.read_bytes()[:-size])
    if forget_index:
        (messages / "index.db").unlink()


async def a_state(log: ShardLog) -> bytes:
    follower = Follower(make_ctx(), log.open_reader, log.log_id)
    await follower.load()
    folding = asyncio.create_task(follower.run())
    await follower.catch_up()
    folding.cancel()
    return checkpoint.dump(follower.state, log.log_id)


async def torn(tmp_path: Path, *, forget_index: bool) -> tuple[NatsServer, bytes]:
    server = NatsServer(tmp_path)
    server.start()
    provisioned(server.url, "main")
    async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
        writer = log.writer(lambda: 1)
        for number in range(FACTS):
            await writer.append(a_cancel(number))
        base = await a_state(log)
    server.stop()
    cut(tmp_path, 100, forget_index=forget_index)
    server.start()
    return server, base


async def test_a_lost_end_is_told_and_passed_over_when_that_is_said(tmp_path: Path) -> None:
    server, base = await torn(tmp_path, forget_index=False)
    try:
        async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
            assert (await log.span()).gaps == ((FACTS, FACTS),)
            ctx = make_ctx()
            follower = Follower(ctx, log.open_reader, log.log_id)
            await follower.load()
            folding = asyncio.create_task(follower.run())
            await until(lambda: follower.reading.standstill)
            told = ctx.health.reasons["reading"]
            assert f"sequence {FACTS}" in told
            assert "evenflow log repair" in told

            writer = log.writer(lambda: 1)
            fact = Skipped((Skip(FACTS, FACTS, "torn"),), cut_after=FACTS - 1)
            await follower_reaches(follower, await writer.append(fact))
            assert "reading" not in ctx.health.reasons
            assert not folding.done()
            folding.cancel()

            # Who had folded the lost message takes none of that with it.
            late = Follower(make_ctx(), log.open_reader, log.log_id)
            await late.load(lambda: bases((FACTS, base)))
            assert late.base == 0
    finally:
        server.kill()


@pytest.mark.parametrize("grown", [0, 5])
async def test_a_state_that_is_ahead_of_the_log_is_not_used_silently(
    tmp_path: Path, grown: int
) -> None:
    server, base = await torn(tmp_path, forget_index=True)
    try:
        async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
            assert (await log.span()).last == FACTS - 1
            writer = log.writer(lambda: 1)
            for number in range(grown):  # the same sequences, other contents
                await writer.append(a_cancel(f"new-{number}"))
            ctx = make_ctx()
            follower = Follower(ctx, log.open_reader, log.log_id)
            loading = asyncio.create_task(follower.load(lambda: bases((FACTS, base))))
            await until(lambda: follower.reading.standstill)
            assert "evenflow log repair" in ctx.health.reasons["reading"]
            assert not loading.done()
            await writer.append(Skipped((), cut_after=FACTS - 1))
            await asyncio.wait_for(loading, 10)
            assert follower.base == 0
    finally:
        server.kill()


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_loss_that_was_agreed_to_says_nothing_of_the_next_one(
    tmp_path: Path,
    is_first: bool,  # noqa: FBT001
) -> None:
    server, base = await torn(tmp_path, forget_index=True)
    try:
        async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
            told_at = await log.writer(lambda: 1).append(Skipped((), cut_after=FACTS - 3))
            state = checkpoint.load(base, log.log_id)
            state.sequence, state.last_event = FACTS + 9, (FACTS + 9, "of a fact that is gone")
            state.last_loss = 0 if is_first else told_at
            follower = Follower(make_ctx(), log.open_reader, log.log_id)
            given = checkpoint.dump(state, log.log_id)
            loading = asyncio.create_task(follower.load(lambda: bases((FACTS + 9, given))))
            if is_first:  # it was folded before all agreed
                await asyncio.wait_for(loading, 10)
                assert follower.base == 0
                return
            await until(lambda: follower.reading.standstill)
            assert not loading.done()
            loading.cancel()
    finally:
        server.kill()


async def test_who_reads_on_with_lost_messages_in_its_state_folds_anew(tmp_path: Path) -> None:
    server, base = await torn(tmp_path, forget_index=False)
    try:
        async with open_shard_log(BrokerAccess(server.url, "main", "test")) as log:
            follower = Follower(make_ctx(), log.open_reader, log.log_id)
            follower.state = checkpoint.load(base, log.log_id)
            follower._reader = await log.open_reader(FACTS)
            folding = asyncio.create_task(follower.run())
            await log.writer(lambda: 1).append(
                Skipped((Skip(FACTS, FACTS, "torn"),), cut_after=FACTS - 1)
            )
            with pytest.raises(FoldAnew):
                await asyncio.wait_for(folding, 10)
    finally:
        server.kill()


async def follower_reaches(follower: Follower, sequence: int) -> None:
    await asyncio.wait_for(follower.reach(sequence), 10)


async def bases(*given: tuple[int, bytes]) -> AsyncIterator[tuple[int, bytes]]:
    for each in given:
        yield each
