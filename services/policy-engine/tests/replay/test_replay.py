"""A recorded past is decided again to the same bytes, races of facts and decisions included."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, jobs, leader, quotas, runs, settings
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.quota import Quota
from evenflow.common.testing.builders import a_node, a_queue
from evenflow.policy_engine.core.replay.replay import replay
from tests.fleets.racing import Racing, as_bytes

LEAVES = ("a/x", "a/y/z", "b/x")


class LiveSystem(Racing):
    """A few nodes on which jobs run, fail and are lost, under two engines that take turns."""

    def __init__(self, seed: int) -> None:
        tree = ("a", "a/x", "a/y", a_queue("a/y/z", weight=2.0), "b/x")
        super().__init__(seed, *tree, nodes=(self.node(i) for i in range(4)))

    def node(self, number: int) -> Node:
        return a_node(f"n{number}", cpu=4000, gpu=2000)

    def happen(self) -> None:
        pick = self.rng
        self.now += pick.randrange(3_000_000)
        known = list(self.shard.state.jobs.values())
        action = pick.randrange(12)
        if action < 5 or not known:
            self.submit_job(
                queue=pick.choice(LEAVES),
                tasks=pick.choice((1, 1, 1, 3, 40)),
                retry_limit=pick.randint(0, 2),
                job_type=pick.choice(("training", "inference")),
                resources={"cpu": pick.choice((500, 1000, 2000)), "gpu": 500},
            )
        elif action < 9:
            job = pick.choice(known)
            outcome = pick.choice((Outcome.SUCCEEDED, Outcome.FAILED, Outcome.LOST))
            phase = pick.choice((TaskPhase.RUNNING, TaskPhase.ENDED))
            ended = outcome if phase is TaskPhase.ENDED else None
            report = runs.RunReport(job.spec.id, job.attempt, phase, self.now, None, ended)
            self.tell(runs.Reported((report,)))
        elif action == 9:
            job = pick.choice(known)
            self.tell(jobs.CancelRequested((jobs.CancelRequest(job.spec.id, "u"),)))
        elif action == 10:
            name = f"n{pick.randrange(4)}"
            back = (self.node(pick.randrange(4)),)
            self.tell(cluster.Observed("simulated", back, gone=(name,)))
        else:
            self.tell(
                pick.choice(
                    (
                        quotas.Set((Quota("a", {"cpu": pick.choice((2000, 9000))}),)),
                        quotas.Set((Quota("b", max_by_type={"training": 1}),)),
                        settings.Set(
                            SchedulerSettings(
                                policy=pick.choice(("fifo", "priority")),
                                strict_order=pick.random() < 0.5,
                            )
                        ),
                        leader.Decided("engine", "1"),
                    )
                )
            )


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_every_recorded_decision_is_decided_again_byte_for_byte(seed):
    live = LiveSystem(seed)
    for _ in range(120):
        live.happen()
        live.decide()
    replayed = list(replay(live.shard.entries))
    assert replayed
    for one in replayed:
        assert as_bytes(one.again) == as_bytes(one.recorded)


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_the_index_kept_over_time_decides_like_one_made_anew(seed):
    live = LiveSystem(seed)
    for _ in range(80):
        live.happen()
        live.decide()
        anew, kept = live.anew(), live.again()
        assert anew.placements == kept.placements
        assert anew.evictions == kept.evictions


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=40, deadline=None)
def test_no_decision_promises_more_than_there_is(seed):
    live = LiveSystem(seed)
    for _ in range(120):
        live.happen()
        live.decide()
        ledger = live.shard.state.ledger
        for name, held in ledger.nodes.items():
            node = live.shard.state.nodes.get(name)
            for amount in held.devices.values():
                assert amount <= 1000
            if node is not None:
                for resource, amount in held.resources.items():
                    assert amount <= node.capacity[resource]
