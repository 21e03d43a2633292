"""Whatever comes before: at their start reservations find the room that was kept for them.

As long as no node is lost, and what has a limit is over by then.
"""

import random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import settings
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.testing.builders import HOUR, T0
from tests.fleets.reserving import Reserving

MINUTE = HOUR // 60
SHAPES = ({"gpu": 1000}, {"gpu": 2000}, {"gpu": 8000}, {"gpu": 500}, {"cpu": 20_000})


class Days:
    """Jobs of other queues that come and go, and two reservations that nobody may be in."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.world = Reserving(rng.randint(2, 4))
        self.world.shard.with_queues("robotics")
        chosen = SchedulerSettings(
            backfill=rng.choice(("easy", "conservative", "off")),
            strict_order=rng.random() < 0.7,
            strategy=rng.choice(("pack", "spread")),
            backfill_reservations=rng.choice((1, 3)),
        )
        self.world.tell(settings.Set(chosen))
        self.kept: list[dict] = []
        self.live: dict[str, tuple[JobSpec, int]] = {}

    def reserve(self, name: str, queue: str, start: int) -> None:
        fields = {
            "queue": queue,
            "tasks": self.rng.randint(1, 6),
            "resources": self.rng.choice(SHAPES[:3]),
            "start_at": start,
            "end_at": start + 3 * HOUR,
        }
        nodes = len(self.world.shard.state.nodes)
        gpus = sum(k["tasks"] * k["resources"]["gpu"] for k in (*self.kept, fields))
        if gpus <= (nodes - 1) * 8000:  # so that they fit beside each other, however they lie
            self.kept.append(fields)
            self.world.reserve(name, **fields)

    def submit_others(self) -> None:
        rng = self.rng
        fields: dict = {"resources": rng.choice(SHAPES), "tasks": rng.choice((1, 1, 3, 9))}
        if rng.random() < 0.2:
            group = TaskGroup("worker", 6, rng.choice(SHAPES), min_tasks=1)
            fields = {"groups": (group,), "tasks": 6, "resources": {}}
        limit = rng.choice((MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 9 * HOUR))
        self.world.submit("speech", limit=limit, **fields)

    def pass_time(self, until: int) -> None:
        """Let jobs end by their limits at the latest, and others start in their place."""
        while True:
            ends = sorted((end, job_id) for job_id, (_, end) in self.live.items())
            now = min(until, ends[0][0]) if ends else until
            self.world.now = now
            for end, job_id in ends:
                if end <= now or self.rng.random() < 0.1:
                    self.world.end(self.live.pop(job_id)[0])
            self.decide()
            if now == until:
                return

    def decide(self) -> None:
        for job_id in self.world.turn():
            spec = self.world.shard.state.jobs[job_id].spec
            assert spec.time_limit_us is not None
            self.live[job_id] = (spec, self.world.now + spec.time_limit_us)


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_at_their_start_reservations_find_what_was_kept(seed):
    days = Days(seed)
    first = T0 + days.rng.choice((0, 10 * MINUTE, HOUR))
    days.reserve("one", "vision/train", first)
    days.reserve("two", "robotics", first + days.rng.choice((0, MINUTE, HOUR)))
    for kept in days.kept:
        while days.world.now < kept["start_at"]:
            days.submit_others()
            step = days.world.now + days.rng.choice((MINUTE, 20 * MINUTE))
            days.pass_time(min(step, kept["start_at"]))
        for _ in range(3):
            days.submit_others()
        days.pass_time(kept["start_at"])
        mine = days.world.submit(
            kept["queue"], tasks=kept["tasks"], resources=kept["resources"], limit=HOUR
        )
        days.decide()
        assert mine.id in days.live, (kept, days.world.reason(mine))
