"""A recorded past is decided again to the same bytes, races of facts and decisions included."""

import random

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evenflow.common.contracts import codec
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cluster, cycle, jobs, leader, quotas, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.quotas.quota import Quota
from evenflow.common.testing.builders import T0, a_node, a_queue, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.replay.replay import replay
from evenflow.policy_engine.core.state.engine_state import EngineState

LEAVES = ("a/x", "a/y/z", "b/x")


class LiveSystem:
    """An engine that follows incrementally while the world goes on, as a real one does."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.shard = Shard().with_leader()
        self.shard.with_queues(
            a_queue("a"), "a/x", a_queue("a/y"), a_queue("a/y/z", weight=2.0), a_queue("b/x")
        )
        self.shard.with_nodes(*(a_node(f"n{i}", cpu=4000, gpu=2000) for i in range(4)))
        self.engine = EngineState(self.shard.state)
        self.now = T0
        self.number = 0

    def tell(self, fact: object) -> None:
        outcome = self.shard.tell(fact, at=self.now)
        if isinstance(outcome, Folded):
            self.engine.note(outcome)
        if isinstance(fact, leader.Decided):
            self.engine.rebuild()

    def world(self) -> None:
        pick = self.random
        self.now += pick.randrange(3_000_000)
        known = list(self.shard.state.jobs.values())
        action = pick.randrange(12)
        if action < 5 or not known:
            self.number += 1
            self.tell(
                jobs.Submitted(
                    (
                        a_spec(
                            self.number,
                            queue=pick.choice(LEAVES),
                            tasks=pick.choice((1, 1, 1, 3, 40)),
                            retry_limit=pick.randint(0, 2),
                            job_type=pick.choice(("training", "inference")),
                            resources={"cpu": pick.choice((500, 1000, 2000)), "gpu": 500},
                        ),
                    )
                )
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
            back = (a_node(f"n{pick.randrange(4)}", cpu=4000, gpu=2000),)
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

    def decide(self) -> None:
        decision = run_cycle(self.engine, self.shard.state.settings, self.now)
        if is_empty(decision):
            return
        for _ in range(self.random.randrange(3)):
            self.world()  # what happens between deciding and the decision's place in the log
            if decision.epoch != self.shard.state.epoch:
                return  # the fence would have refused it
        self.tell(decision)


def as_bytes(decision: cycle.Decided) -> bytes:
    envelope = codec.Envelope(event_id="", occurred_at=0, shard="", actor="")
    return codec.encode(envelope, decision)


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_every_recorded_decision_is_decided_again_byte_for_byte(seed):
    live = LiveSystem(seed)
    for _ in range(120):
        live.world()
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
        live.world()
        live.decide()
        fresh = EngineState(live.shard.state)
        anew = run_cycle(fresh, live.shard.state.settings, live.now)
        kept = run_cycle(live.engine, live.shard.state.settings, live.now)
        assert anew.placements == kept.placements
        assert anew.evictions == kept.evictions


@given(st.integers(0, 10**9))
@hypothesis_settings(max_examples=40, deadline=None)
def test_no_decision_promises_more_than_there_is(seed):
    live = LiveSystem(seed)
    for _ in range(120):
        live.world()
        live.decide()
        ledger = live.shard.state.ledger
        for name, held in ledger.nodes.items():
            node = live.shard.state.nodes.get(name)
            for amount in held.devices.values():
                assert amount <= 1000
            if node is not None:
                for resource, amount in held.resources.items():
                    assert amount <= node.capacity[resource]
