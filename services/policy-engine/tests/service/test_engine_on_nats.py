"""The engine as a process, on a real broker: it leads, decides, is fenced, and comes back."""

import asyncio
import os
import signal
import sys
import time

import pytest

from evenflow.common.contracts.subjects import decisions_of
from evenflow.common.domain.errors import RevisionConflict
from evenflow.common.domain.facts import cycle, jobs, leader, settings
from evenflow.common.ports.log import Fence
from evenflow.common.testing.builders import a_spec
from tests.fleets.engine_process import a_cluster, an_engine, told

pytestmark = pytest.mark.integration


async def test_jobs_are_placed_in_order_once_and_settings_are_in_the_log(server):
    async with told(server) as listener:
        await a_cluster(listener)
        specs = [a_spec(i) for i in range(50)]
        with an_engine(server, EVENFLOW_SCHEDULER__POLICY="priority"):
            for spec in specs:
                await listener.writer.append(jobs.Submitted((spec,)))
            await listener.until(lambda: len(listener.placed()) == 50)
    assert sorted(listener.placed()) == sorted(spec.id for spec in specs)
    assert listener.facts(settings.Set)[0].scheduler.policy == "priority"
    first = listener.facts(cycle.Decided)[0]
    assert first.settings_sequence > 0
    assert first.epoch == listener.state.epoch


async def test_a_leader_decides_by_reloaded_settings_and_not_by_broken_ones(server, tmp_path):
    config = tmp_path / "evenflow.yaml"
    config.write_text("fairness: {k_value: 2}")
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server, EVENFLOW_CONFIG=str(config)) as engine:
            await listener.until(lambda: listener.facts(settings.Set))
            for text in ("fairness: {k_value: -1}", "fairness: {k_value: 3}"):
                config.write_text(text)
                engine.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.3)  # the broken one is refused before the next is read
            await listener.until(lambda: listener.facts(settings.Set)[-1].scheduler.k == 3.0)
            spec = a_spec(1)
            await listener.writer.append(jobs.Submitted((spec,)))
            await listener.until(lambda: listener.placed() == [spec.id])
    assert [fact.scheduler.k for fact in listener.facts(settings.Set)] == [2.0, 3.0]
    assert listener.facts(cycle.Decided)[-1].settings_sequence == max(
        entry.sequence for entry in listener.entries if isinstance(entry.fact, settings.Set)
    )


async def test_a_standby_takes_over_after_kill_9_and_places_nothing_twice(server):
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server) as first:
            await listener.until(lambda: listener.facts(leader.Decided))
            with an_engine(server):
                await listener.writer.append(jobs.Submitted((a_spec(1),)))
                await listener.until(listener.placed)
                first.kill()
                await listener.writer.append(jobs.Submitted((a_spec(2),)))
                await listener.until(lambda: len(listener.placed()) == 2, seconds=40)
    assert len(listener.facts(leader.Decided)) == 2
    assert listener.placed() == [a_spec(1).id, a_spec(2).id]


async def test_the_broker_refuses_a_leader_that_was_paused(server):
    async with told(server) as listener:
        await a_cluster(listener)
        with an_engine(server) as paused:
            await listener.until(lambda: listener.facts(leader.Decided))
            with an_engine(server):
                paused.send_signal(signal.SIGSTOP)
                await listener.writer.append(jobs.Submitted((a_spec(1),)))
                await listener.until(listener.placed)
                old_epoch, new_epoch = (
                    e.sequence for e in listener.entries if isinstance(e.fact, leader.Decided)
                )
                stale = Fence(decisions_of("main"), old_epoch)
                with pytest.raises(RevisionConflict):
                    await listener.writer.append_fenced(cycle.Decided(old_epoch, 1, 1, "1"), stale)
                paused.send_signal(signal.SIGCONT)
                await listener.writer.append(jobs.Submitted((a_spec(2),)))
                await listener.until(lambda: len(listener.placed()) == 2, seconds=40)
    assert {fact.epoch for fact in listener.facts(cycle.Decided)} == {new_epoch}


async def test_a_restarted_engine_starts_from_its_checkpoint(server):
    async with told(server) as listener:
        await a_cluster(listener)
        await listener.writer.append(jobs.Submitted(tuple(a_spec(i) for i in range(300))))
        with an_engine(server) as engine:
            await listener.until(lambda: len(listener.placed()) == 300)
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "evenflow.policy_engine.checkpoints.checkpointer",
                env=os.environ | {"EVENFLOW_NATS__URL": server.url},
            )
            assert await child.wait() == 0
            engine.kill()
        taken = [s async for s, _ in listener.log.checkpoints.newest()]
        assert taken == [listener.state.sequence]
        await listener.log.connection.js.purge_stream("EVENFLOW_main", seq=taken[0])
        began = time.monotonic()
        with an_engine(server):
            await listener.writer.append(jobs.Submitted((a_spec(999),)))
            await listener.until(lambda: len(listener.placed()) == 301)
    assert time.monotonic() - began < 15
    assert listener.placed()[-1] == a_spec(999).id


async def test_sigterm_ends_the_engine_in_order_and_its_standby_leads_at_once(server):
    async with told(server) as listener:
        with an_engine(server) as first:
            await listener.until(lambda: listener.facts(leader.Decided))
            first.terminate()
            assert await asyncio.to_thread(first.wait, 10) == 0
        with an_engine(server):
            await listener.until(lambda: len(listener.facts(leader.Decided)) == 2)
