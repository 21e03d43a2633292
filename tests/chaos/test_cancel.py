"""A cancel published right after its decision, or right after its submission, 300 times."""

import asyncio
from pathlib import Path

import pytest

from evenflow.common.adapters.ids import IdMaker
from evenflow.common.adapters.log.shard_log import ShardLog
from evenflow.common.adapters.system_clock import SystemClock
from evenflow.common.contracts import codec
from evenflow.common.domain.facts import cycle, jobs
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.testing.builders import a_spec
from tests.chaos.audit import read_history
from tests.chaos.load import CONFIG, OPEN, Load, a_load, command
from tests.chaos.system import a_system, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(360)]

TIMES = 300


def sleeper(load: Load, ids: IdMaker) -> JobSpec:
    return a_spec(
        id=ids.new(),
        queue=OPEN,
        executor="local",
        submitted_at=SystemClock().now(),
        resources={"cpu": 10, "memory": 64 * 2**20},
        executor_config={"command": command(load.record, "sleep 120")},
    )


async def cancel_when_decided(log: ShardLog, after: int, wanted: set[str]) -> None:
    """Append the cancel of each wanted job as soon as its placement is read."""
    writer = log.writer(SystemClock().now)
    reader = await log.open_reader(after)
    left = set(wanted)
    async for batch in reader.batches():
        for message in batch:
            fact = codec.decode(message.subject, message.data, message.sequence).fact
            if not isinstance(fact, cycle.Decided):
                continue
            placed = [p.job_id for p in fact.placements if p.job_id in left]
            if placed:
                left -= set(placed)
                requests = tuple(jobs.CancelRequest(job, "ann") for job in placed)
                await writer.append(jobs.CancelRequested(requests))
        if not left:
            return


async def test_a_cancel_is_never_overtaken_by_its_decision(tmp_path: Path) -> None:
    ids = IdMaker()
    async with a_system(tmp_path, config=CONFIG) as system, a_load(system, seed=1) as load:
        specs = [sleeper(load, ids) for _ in range(TIMES)]
        decided_first = {spec.id for spec in specs[::2]}
        async with system.log() as log:
            writer = log.writer(SystemClock().now)
            begin = await writer.append(jobs.Submitted((specs[0],)))
            cancelling = asyncio.create_task(cancel_when_decided(log, begin - 1, decided_first))
            for spec in specs[1:]:
                await writer.append(jobs.Submitted((spec,)))
                if spec.id not in decided_first:
                    await writer.append(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))
            await cancelling
            await load.drained(60)
            history = await read_history(log)
        await until(lambda: not system.live_runs(), "nothing is left running", 10)
    endings = {spec.id: history.endings[spec.id] for spec in specs}
    assert all(ending == [JobState.CANCELLED] for ending in endings.values())
    attempts = {job: len(history.attempts[job]) for job in decided_first}
    assert set(attempts.values()) == {1}, "each was placed once and is over"
    assert not [line for line in load.lines() if line.what != "start"], "none came to its end"
