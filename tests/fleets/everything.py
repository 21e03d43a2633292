"""A shard in which everything that the log can tell happens at random."""

from evenflow.common.domain.facts import (
    cluster,
    jobs,
    leader,
    nodes,
    queues,
    quotas,
    reservations,
    runs,
    settings,
)
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.usage.snapshot import parse_snapshot
from evenflow.common.testing.builders import a_node, a_queue
from tests.fleets import drawn
from tests.fleets.racing import Racing
from tests.fleets.usage import a_snapshot

LEAVES, USERS = drawn.LEAVES, drawn.USERS


class Everything(Racing):
    """Five nodes in three racks, a tree of queues, and whatever comes."""

    most_meanwhile = 1

    def __init__(self, seed: int) -> None:
        tree = ("a", "a/x", "a/y", a_queue("a/y/z", weight=2.0), "b/x", "b/w", "c")
        super().__init__(seed, *tree, nodes=map(self.node, range(5)))
        self.snapshots = 0

    def node(self, number: int) -> Node:
        labels = {"rack": f"r{number // 2}", "disk": "ssd" if number % 2 else "hdd"}
        return a_node(f"n{number}", cpu=4000, gpu=2000, labels=labels)

    def happen(self) -> None:
        self.now += self.rng.randrange(3_000_000)
        action = self.rng.randrange(43)
        known = list(self.shard.state.jobs)
        if action < 14:
            self.submit()
        elif action < 28:
            self.report_some()
        elif action < 30 and known:
            request = jobs.CancelRequest(self.rng.choice(known), "u")
            self.tell(jobs.CancelRequested((request,)))
        elif action == 30 and known:
            change = jobs.JobChange(self.rng.choice(known), priority=self.rng.choice((0, 90)))
            self.tell(jobs.Changed((change,)))
        elif action < 34:
            self.define()
        elif action == 34:
            self.tell(settings.Set(drawn.random_settings(self.rng)))
        elif action == 35:
            self.snapshot()
        elif action >= 40:
            self.reserve()
        elif action == 36:
            self.tell(leader.Decided("other", "1"))
        else:
            self.change_nodes()

    def submit(self) -> None:
        fields = (drawn.fields_of_a_job(self.rng, self.now) for _ in range(3))
        self.tell(jobs.Submitted(tuple(self.next_spec(**each) for each in fields)))

    def report_some(self) -> None:
        pick = self.rng
        live = [job for job in self.shard.state.jobs.values() if job.is_live]
        for job in pick.sample(live, min(len(live), pick.randint(1, 3))):
            outcome = pick.choice((Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST))
            phase = pick.choice((TaskPhase.RUNNING, TaskPhase.ENDED, TaskPhase.ENDED))
            ended = outcome if phase is TaskPhase.ENDED else None
            report = runs.RunReport(job.spec.id, job.attempt, phase, self.now, None, ended)
            self.tell(runs.Reported((report,)))

    def change_nodes(self) -> None:
        name = f"n{self.rng.randrange(5)}"
        match self.rng.randrange(4):
            case 0:
                self.tell(cluster.Observed("simulated", (), gone=(name,)))
            case 1:
                self.tell(nodes.Cordoned((name,)))
            case 2:
                self.tell(nodes.Uncordoned((name,)))
            case _:
                self.tell(cluster.Observed("simulated", (self.node(int(name[1:])),)))

    def define(self) -> None:
        path = self.rng.choice((*LEAVES, "a", "b", "a/y"))
        if self.rng.random() < 0.5:
            self.tell(queues.Defined((drawn.a_random_queue(self.rng, path),)))
        else:
            self.tell(quotas.Set((drawn.a_random_quota(self.rng, path),)))

    def reserve(self) -> None:
        known = list(self.shard.state.reservations)
        if known and self.rng.random() < 0.4:
            gone = reservations.Cancellation(self.rng.choice(known), "u")
            self.tell(reservations.Cancelled((gone,)))
        else:
            name = f"r{self.shard.state.sequence}"
            kept = drawn.a_random_reservation(self.rng, name, self.now)
            self.tell(reservations.Defined((kept,)))

    def snapshot(self) -> None:
        self.snapshots += 1
        fact = a_snapshot(
            sequence=self.snapshots,
            generated_at=self.now,
            data_until=self.now - self.rng.randrange(5_000_000),
            capacity={"cpu": 20.0},
            capacity_hours={"cpu": 100.0, "gpu": 50.0},
            queues=drawn.random_columns(self.rng, sorted({*LEAVES, "a", "b", "a/y"})),
            projects=drawn.random_columns(self.rng, ["a", "b", "c"]),
            users=drawn.random_columns(self.rng, [*USERS]),
            queue_users=drawn.random_columns(self.rng, [f"{x}:{u}" for x in LEAVES for u in USERS]),
        )
        self.tell(fact)
        self.engine.use(parse_snapshot(fact.document), self.shard.state.sequence)
