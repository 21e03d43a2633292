"""Elastic gangs get what they lack when nobody waits for it, or may not have it before."""

from typing import Any

import pytest

from evenflow.common.domain.facts import quotas
from evenflow.common.domain.jobs.job import Constraints, JobSpec, TaskGroup
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.testing.builders import T0, a_queue
from tests.fleets.machine import CARD, MINUTE, Machine


class Elastic(Machine):
    """Two nodes of 4 GPUs, and gangs that may run with fewer tasks than they want."""

    def __init__(self, *queues: Queue | str, **chosen: Any) -> None:
        super().__init__(*(queues or ("p/q",)), nodes=2, gpus=4, **chosen)

    def submit(
        self,
        tasks: int,
        minutes: float | None = None,
        *,
        at_least: int | None = None,
        **fields: Any,
    ) -> JobSpec:
        fields.setdefault("queue", "p/q")
        if at_least is not None:
            fields["groups"] = (TaskGroup("worker", tasks, CARD, min_tasks=at_least),)
            fields["resources"] = {}
        return super().submit(tasks, minutes, **fields)

    def grown(self) -> list[str]:
        """Decide until nothing is left to be said; return what grew, each as often as it did."""
        return [growth.job_id for decision in self.decisions() for growth in decision.growths]

    def held(self, spec: JobSpec) -> int:
        return len(self.shard.job(spec).placement)


def a_full_fleet(
    minutes: float, *queues: Queue | str, **chosen: Any
) -> tuple[Elastic, JobSpec, JobSpec, JobSpec]:
    """4 GPUs are held for an hour, 3 for ten minutes, and a gang of 1 to 4 has the last one."""
    fleet = Elastic(*queues, **chosen)
    held, short = fleet.submit(4, 60), fleet.submit(3, 10)
    gang = fleet.submit(4, minutes, at_least=1)
    fleet.turn()
    assert (fleet.held(held), fleet.held(short), fleet.held(gang)) == (4, 3, 1)
    return fleet, held, short, gang


def test_a_gang_grows_to_its_most_when_nobody_waits_and_that_is_not_undone():
    fleet, _, short, gang = a_full_fleet(600)
    fleet.end(short)
    assert set(fleet.grown()) == {gang.id}
    assert fleet.held(gang) == 4
    for _ in range(20):
        fleet.now += MINUTE
        assert fleet.grown() == []
    assert fleet.held(gang) == 4


@pytest.mark.parametrize(
    ("minutes", "size"),
    [pytest.param(30, 4, id="over before"), pytest.param(90, 1, id="not over before")],
)
def test_while_a_wide_job_waits_a_gang_takes_what_it_gives_back_in_time(minutes, size):
    fleet, held, short, gang = a_full_fleet(minutes)
    wide = fleet.submit(7, 10)  # it may start when the hour is over, beside a gang of one
    fleet.turn()
    fleet.end(short)
    fleet.turn()
    assert fleet.held(gang) == size
    fleet.now = T0 + 30 * MINUTE
    if minutes == 30:
        fleet.end(gang)
    fleet.turn()
    fleet.now = T0 + 60 * MINUTE
    fleet.end(held)
    fleet.turn()
    assert fleet.held(wide) == 7


def test_what_a_promise_leaves_over_is_had_for_any_time():
    fleet, held, short, gang = a_full_fleet(600)
    wide = fleet.submit(5, 10)
    fleet.turn()
    fleet.end(short)  # 3 are free now, 7 in an hour, of which 5 are promised
    fleet.turn()
    assert fleet.held(gang) == 1 + 2
    fleet.now = T0 + 60 * MINUTE
    fleet.end(held)
    fleet.turn()
    assert fleet.held(wide) == 5


@pytest.mark.parametrize("backfill", ["off", "conservative"])
def test_where_gaps_are_not_filled_easily_nothing_grows_while_somebody_waits(backfill):
    fleet, _, short, gang = a_full_fleet(30, backfill=backfill)
    fleet.submit(8, 10)
    fleet.turn()
    fleet.end(short)
    assert fleet.grown() == []
    assert fleet.held(gang) == 1


def test_who_waits_for_a_quota_or_can_never_start_keeps_nothing_from_growing():
    fleet, _, short, gang = a_full_fleet(600, "p/q", "p/full")
    fleet.tell(quotas.Set((Quota("p/full", max_jobs=0),)))
    fleet.submit(1, 10, queue="p/full")
    fleet.submit(1, 10, constraints=Constraints({"gpu-type": ("none",)}))
    fleet.turn()
    fleet.end(short)
    assert set(fleet.grown()) == {gang.id}
    assert fleet.held(gang) == 4


def test_a_gang_does_not_grow_above_the_limit_of_its_queue():
    fleet, _, short, gang = a_full_fleet(600, a_queue("p/q", limit={"gpu": 10_000}))
    fleet.end(short)
    fleet.turn()
    assert fleet.held(gang) == 4
    tight, _, short, gang = a_full_fleet(600, a_queue("p/q", limit={"gpu": 8_000}))
    tight.submit(2, 600)
    tight.turn()
    tight.end(short)
    tight.turn()
    assert tight.held(gang) == 2
