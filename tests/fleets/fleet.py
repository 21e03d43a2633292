"""A shard with queues and nodes, an engine that follows it, and a clock that a test moves."""

from collections.abc import Iterable, Iterator
from typing import Any

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.facts import cycle, jobs, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import JobSpec, TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.builders import T0, Shard, a_spec
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins


class Fleet:
    """Facts come one by one and the engine follows each; nothing runs until it is reported."""

    def __init__(
        self,
        *queues: Queue | str,
        nodes: Iterable[Node],
        plugins: Plugins = OURS,
        **chosen: Any,
    ) -> None:
        """`chosen`: settings of the scheduler; none means those of a new shard."""
        self.shard = Shard().with_leader().with_queues(*queues).with_nodes(*nodes)
        self.engine = EngineState(self.shard.state, plugins)
        self.now = T0
        self.jobs = 0
        if chosen:
            self.tell(settings.Set(SchedulerSettings(**chosen)))

    def tell(self, fact: Fact) -> None:
        """Fold a fact, all of which stands, and let the engine follow."""
        folded = self.shard.tell(fact, at=self.now)
        assert isinstance(folded, Folded), folded
        assert not folded.voids, folded.voids
        self.engine.note(folded)

    def next_spec(self, **fields: Any) -> JobSpec:
        """Return one more job, which is not submitted yet."""
        self.jobs += 1
        return a_spec(self.jobs, **fields)

    def submit_job(self, **fields: Any) -> JobSpec:
        spec = self.next_spec(**fields)
        self.tell(jobs.Submitted((spec,)))
        return spec

    def decide(self) -> cycle.Decided:
        """Run one cycle and fold it."""
        decision = run_cycle(self.engine, self.shard.state.settings, self.now)
        if not is_empty(decision):
            self.tell(decision)
        return decision

    def decisions(self) -> Iterator[cycle.Decided]:
        """Decide until nothing more is said."""
        while not is_empty(decision := self.decide()):
            yield decision

    def report(self, job_id: str, phase: TaskPhase, outcome: Outcome | None = None) -> None:
        """Report all tasks of a job's current attempt."""
        attempt = self.shard.state.jobs[job_id].attempt
        self.tell(runs.Reported((runs.RunReport(job_id, attempt, phase, self.now, None, outcome),)))

    def end(self, spec: JobSpec) -> None:
        self.report(spec.id, TaskPhase.ENDED, Outcome.SUCCEEDED)
