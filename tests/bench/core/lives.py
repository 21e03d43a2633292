"""The engine's core alone: fold, index, decide, with nothing around it."""

import gc
import time

from evenflow.common.domain.facts import jobs, runs
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.testing.builders import GIB, T0, a_node, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.bench.core.world import BATCH, NoHistory


class Core:
    """An engine's state over 100 nodes of 8 GPUs and three queues."""

    def __init__(self) -> None:
        self.shard = Shard().with_leader().with_queues("a/x", "b/x", "c/x")
        self.shard.entries = NoHistory()
        self.shard.with_nodes(*(a_node(f"n{i:04d}", gpu=8000) for i in range(100)))
        self.state = EngineState(self.shard.state)
        self.deciding = 0.0

    def tell(self, fact: object) -> None:
        outcome = self.shard.tell(fact)
        if isinstance(outcome, Folded):
            self.state.note(outcome)

    def decide(self) -> list[str]:
        began = time.perf_counter()
        decision = run_cycle(self.state, self.shard.state.settings, T0)
        self.deciding += time.perf_counter() - began
        if not is_empty(decision):
            self.tell(decision)
        return [placement.job_id for placement in decision.placements]

    def report(self, ids: list[str], phase: TaskPhase, outcome: Outcome | None = None) -> None:
        reports = (runs.RunReport(i, 1, phase, T0, outcome=outcome, started_at=T0) for i in ids)
        self.tell(runs.Reported(tuple(reports)))


def life_of_jobs(count: int) -> dict[str, float]:
    """Microseconds a job: folding its submission, deciding it, and its whole life in the engine."""
    core = Core()
    wants = {"cpu": 1000, "gpu": 1000, "memory": GIB}
    batches = [
        jobs.Submitted(
            tuple(
                a_spec(n, queue=f"{'abc'[n % 3]}/x", resources=wants) for n in range(s, s + BATCH)
            )
        )
        for s in range(0, count, BATCH)
    ]
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    for batch in batches:
        core.tell(batch)
    submitted = time.perf_counter() - began
    running: list[str] = []
    ended = 0
    while ended < count:
        placed = core.decide()
        if placed:
            core.report(placed, TaskPhase.RUNNING)
            running += placed
        ending, running = running[:200], running[200:]
        if ending:
            core.report(ending, TaskPhase.ENDED, Outcome.SUCCEEDED)
            ended += len(ending)
    whole = time.perf_counter() - began
    gc.unfreeze()
    return {
        "submit_us": submitted / count * 1e6,
        "decide_us": core.deciding / count * 1e6,
        "life_us": whole / count * 1e6,
    }


def event_on_a_full_cluster(pending: int, events: int = 300) -> list[float]:
    """Seconds an event on a full cluster: one job ends, another starts."""
    core = Core()
    wants = {"cpu": 1000, "gpu": 1000, "memory": GIB}
    for s in range(0, pending, BATCH):
        specs = (a_spec(n, queue=f"{'abc'[n % 3]}/x", resources=wants) for n in range(s, s + BATCH))
        core.tell(jobs.Submitted(tuple(specs)))
    running: list[str] = []
    while placed := core.decide():
        core.report(placed, TaskPhase.RUNNING)
        running += placed
    taken = []
    for job_id in running[:events]:
        began = time.perf_counter()
        core.report([job_id], TaskPhase.ENDED, Outcome.SUCCEEDED)
        core.report(core.decide(), TaskPhase.RUNNING)
        taken.append(time.perf_counter() - began)
    return taken
