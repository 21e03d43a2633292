"""Pasts whose usage snapshots are told as the aggregator tells them: whole, or as changes."""

import random

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts.usage import SnapshotTaken, UsageEntry, UsageSample
from evenflow.common.domain.state.usage_documents import UsageDocuments
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import T0
from evenflow.usage_aggregator.core.ledger import Ledger
from evenflow.usage_aggregator.core.snapshot import take_snapshot
from evenflow.usage_aggregator.core.telling import Telling
from tests.golden.pasts import SECOND, World


class MeasuredWorld(World):
    """A small cluster with an aggregator beside it."""

    def __init__(self, chance: random.Random, scheduler: SchedulerSettings) -> None:
        self.chance = chance
        self.ledger, self.telling = Ledger(3600 * SECOND), Telling()
        self.measured_at = T0 - SECOND
        self.documents: dict[int, str] = {}
        super().__init__(scheduler)

    def measure(self, half_life_seconds: int = 3600) -> None:
        del half_life_seconds
        if self.now <= self.measured_at:
            return
        users = self.chance.sample(("ruby", "bea", "cy"), 2)
        used = tuple(
            UsageEntry("job", f"{colour}/q", colour, user, {"gpu": self.chance.uniform(0, 90)})
            for colour, user in zip(("red", "blue"), users, strict=True)
            if self.chance.random() < 0.7
        )
        self.snapshots += 1
        sample = UsageSample(f"s{self.snapshots}", self.measured_at, self.now, used, {"gpu": 4.0})
        self.ledger.fold(sample, latest=self.now)
        self.measured_at = self.now
        taken = take_snapshot(self.ledger, self.now, self.snapshots)
        told = self.telling.of(taken)
        self.tell(
            SnapshotTaken(
                taken.sequence, taken.generated_at, taken.data_until, taken.digest,
                content=told.content, whole_at=told.whole_at,
            ),
            "usage-aggregator",
        )  # fmt: skip
        sequence = self.state.sequence
        self.telling.told(taken, told, sequence)
        document = UsageDocuments(facts=self.state.usage_facts).document(sequence)
        assert document == taken.document  # byte for byte
        self.documents[sequence] = document
        self.engine.use(parse_snapshot(document), sequence)


def measured(seed: int, steps: int) -> MeasuredWorld:
    """Jobs of both queues at random, with snapshots between; no two things at one instant."""
    chance = random.Random(seed)
    world = MeasuredWorld(chance, SchedulerSettings())
    for _ in range(steps):
        if chance.random() < 0.4:
            world.measure()
        world.submit(
            chance.choice(("red/q", "blue/q")), chance.uniform(1, 60),
            user=chance.choice(("ruby", "bea", "cy")), priority=chance.randrange(3) * 10,
            resources={"gpu": chance.choice((500, 1000, 2000)), "cpu": 1000},
        )  # fmt: skip
        world.pass_time(chance.randint(1, 30))
    world.pass_time(chance.choice((1, 10_000)))
    return world
