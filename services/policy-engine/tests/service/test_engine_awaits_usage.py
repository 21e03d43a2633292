"""The engine as a process, on a real broker: what it waits for before it leads."""

import time

import pytest

from evenflow.common.domain.facts import cycle, jobs, leader
from evenflow.common.testing.builders import a_spec
from tests.fleets.engine_process import a_cluster, an_engine, told
from tests.fleets.usage import a_snapshot

pytestmark = pytest.mark.integration


async def test_the_first_snapshot_of_usage_is_awaited_and_no_later_one_however_old(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted((a_spec(1),)))
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="60"):
            with pytest.raises(TimeoutError):
                await listener.until(listener.placed, seconds=6)
            assert not listener.facts(leader.Decided)
            await listener.writer.append(a_snapshot(generated_at=1_000_000))  # the year 1970
            await listener.until(listener.placed, seconds=40)
        assert listener.facts(cycle.Decided)[0].usage_sequence == 0  # too old to count
        await listener.writer.append(jobs.Submitted((a_spec(2),)))
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="60"):
            await listener.until(lambda: len(listener.placed()) == 2, seconds=40)


async def test_without_a_snapshot_of_usage_scheduling_begins_after_the_wait(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted((a_spec(1),)))
        began = time.monotonic()
        with an_engine(server, EVENFLOW_USAGE__STARTUP_WAIT="4"):
            await listener.until(listener.placed, seconds=40)
        assert time.monotonic() - began >= 4
        assert listener.facts(cycle.Decided)[0].usage_sequence == 0
