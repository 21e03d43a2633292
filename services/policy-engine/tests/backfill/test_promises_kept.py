"""A blocked job that was promised a start gets it by then, when all ends as planned."""

import random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.fleets.machine import Machine


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_promised_job_starts_no_later_than_promised_when_all_ends_as_planned(seed):
    """Every blocked head of a single queue, over random jobs that run exactly to their limits."""
    rng = random.Random(seed)
    machine = Machine(nodes=3)
    promised: dict[str, int] = {}
    started: dict[str, int] = {}
    for _ in range(25):
        machine.submit(rng.choice((1, 2, 4, 8, 16, 24)), rng.choice((1, 5, 10, 30, 60)))
    for _ in range(200):
        started |= dict.fromkeys(machine.turn(), machine.now)
        live = [job for job in machine.shard.state.jobs.values() if job.is_live]
        if not live:
            break
        _promise(machine, promised)
        machine.now = min(_end(job) for job in live)
        for job in live:
            if _end(job) <= machine.now:
                machine.end(job.spec)
    assert not machine.shard.state.jobs
    late = {i: at for i, at in promised.items() if started[i] > at}
    assert not late


def _end(job) -> int:
    return job.started_at + job.spec.time_limit_us


def _promise(machine: Machine, promised: dict[str, int]) -> None:
    head = machine.engine.waiting.head_or_none("default/default")
    if head is None:
        return
    needs = machine.engine.outlooks.needs(head[1].shape, machine.now)
    (_, shadow), *_ = needs[0].outlook.shadows(needs[0].slots, machine.now)
    promised.setdefault(head[0], shadow.at)
