"""Whatever happens in whatever order, with binders that die at any point and ghosts that act on.

The log is the real fold, the cluster a fake that outlives the binders. A binder folds the log in
portions of its own, so it is often behind.
"""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from evenflow.binder.core.desired import Command, Start
from evenflow.binder.core.reconciler import Reconciler
from evenflow.binder.core.reports import Step, merge
from evenflow.binder.core.run_table import End
from evenflow.binder.orders import order_of
from evenflow.common.domain.decisions.decisions import (
    Eviction,
    EvictionReason,
    Placement,
    TaskPlacement,
)
from evenflow.common.domain.facts import cycle, jobs, runs
from evenflow.common.domain.fold.fold import apply
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, JobState, TaskPhase
from evenflow.common.domain.jobs.run import Outcome, parse_token
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.executor import RunEvent, RunStarted
from evenflow.common.testing.builders import T0, a_node
from evenflow.common.testing.fakes.executor import FakeCluster
from evenflow.common.testing.shard import Shard

ENDS = st.sampled_from(
    [(Outcome.SUCCEEDED, 0), (Outcome.FAILED, 1), (Outcome.TIMEOUT, 143), (Outcome.LOST, None)]
)
PICK = st.integers(0, 7)


class ModelBinder:
    """The pure half of a binder, and queues where the real one has tasks of its loop."""

    def __init__(self, shard: Shard, cluster: FakeCluster) -> None:
        self.state = ShardState()
        self.reconciler = Reconciler("simulated")
        self.inbox: list[RunEvent] = []
        self.todo: dict[str, Command] = {}  # a newer command takes an older one's place
        self.steps: list[Step] = []
        self.starts: Counter[str] = Counter()
        self.revived: list[str] = []
        self._shard, self._cluster = shard, cluster
        for entry in shard.entries:
            apply(self.state, entry)
        tasks = self.reconciler.take_over(self.state)
        self._listener = self.inbox.append
        cluster.attach(self._listener, [order_of(task) for task in tasks])
        self.look()

    def fold(self, most: int) -> None:
        for entry in self._shard.entries[self.state.sequence :][:most]:
            outcome = apply(self.state, entry)
            if isinstance(outcome, Folded):
                self.reconciler.mark_changed(entry.sequence, outcome.jobs)
        self.look()

    def look(self) -> None:
        self.todo |= {command.token: command for command in self.reconciler.commands(self.state)}

    def act(self, pick: int) -> None:
        if not self.todo:
            return
        command = self.todo.pop(list(self.todo)[pick % len(self.todo)])
        if not self.reconciler.runs.still_wants(command):
            return
        if isinstance(command, Start):
            self.starts[command.token] += 1
            if command.token in self._cluster.forgotten:
                self.revived.append(command.token)
            self._cluster.start(order_of(command.task))
        else:
            self._cluster.stop(command.token, command.outcome)

    def hear(self, most: int) -> None:
        table = self.reconciler.runs
        for event in self.inbox[:most]:
            if isinstance(event, RunStarted):
                step = table.started(event.token, event.at)
            else:
                end = End(event.at, event.outcome, event.exit_code, started_at=event.started_at)
                step = table.ended(event.token, end)
                if event.token not in table:
                    self._cluster.forgotten.add(event.token)
            self.steps += [step] if step else []
        del self.inbox[:most]

    def report(self, *, is_acknowledged: bool = True) -> list[runs.RunReport]:
        steps, self.steps = self.steps, []
        reports = merge(steps)
        if reports:
            self._shard.tell(runs.Reported(tuple(reports)), at=self._cluster.now)
        if is_acknowledged:
            self._cluster.forgotten.update(self.reconciler.runs.acknowledged(steps))
        return reports

    def die(self) -> None:
        self._cluster.detach(self._listener)


class BinderMachine(RuleBasedStateMachine):
    submitted = Bundle("submitted")

    def __init__(self) -> None:
        super().__init__()
        self.shard = Shard().with_queues("default/default").with_leader()
        self.shard.with_nodes(a_node("n1"))
        self.cluster = FakeCluster(is_prompt=False, is_obedient=False)
        self.cluster.now = T0
        self.binder = ModelBinder(self.shard, self.cluster)
        self.ghost: ModelBinder | None = None
        self.told: dict[tuple[str, int, int], list[TaskPhase]] = {}
        self.vanished: set[str] = set()

    @rule(
        target=submitted,
        tasks=st.integers(1, 3),
        retries=st.integers(0, 1),
        setbacks=st.integers(0, 1),
        spare=st.integers(0, 2),
    )
    def submit(self, tasks: int, retries: int, setbacks: int, spare: int) -> JobSpec:
        elastic: dict[str, Any] = {
            "groups": (TaskGroup("worker", tasks + spare, {"cpu": 10}, tasks),),
            "resources": {},
        }
        return self.shard.submit(
            tasks=tasks + spare,
            retry_limit=retries,
            backoff_limit=setbacks,
            **(elastic if spare else {}),
        )

    @precondition(lambda self: self.pending())
    @rule()
    def place_everything(self) -> None:
        placements = tuple(
            Placement(job.spec.id, job.attempt, (TaskPlacement("n1"),) * job.spec.least_tasks)
            for job in self.pending()
        )
        self.decide(placements=placements)

    @rule(spec=submitted)
    def grow(self, spec: JobSpec) -> None:
        job = self.shard.state.jobs.get(spec.id)
        if job is not None:
            self.decide(growths=(Placement(spec.id, job.attempt, (TaskPlacement("n1"),)),))

    @rule(spec=submitted)
    def cancel(self, spec: JobSpec) -> None:
        self.shard.tell(jobs.CancelRequested((jobs.CancelRequest(spec.id, "ann"),)))

    @rule(spec=submitted)
    def evict(self, spec: JobSpec) -> None:
        job = self.shard.state.jobs.get(spec.id)
        if job is not None:
            eviction = Eviction(spec.id, job.attempt, EvictionReason.NODE_LOST)
            self.decide(evictions=(eviction,))

    @precondition(lambda self: self.binder.state.sequence < self.shard.state.sequence)
    @rule(most=st.integers(1, 5))
    def fold(self, most: int) -> None:
        self.binder.fold(most)

    @precondition(lambda self: self.binder.todo)
    @rule(pick=PICK)
    def act(self, pick: int) -> None:
        self.binder.act(pick)

    @precondition(lambda self: self.cluster.waiting)
    @rule(pick=PICK)
    def a_process_begins(self, pick: int) -> None:
        self.tick()
        waiting = self.cluster.waiting
        self.cluster.begin(waiting[pick % len(waiting)])

    @precondition(lambda self: self.cluster.alive)
    @rule(pick=PICK, end=ENDS)
    def a_process_ends(self, pick: int, end: tuple[Outcome, int | None]) -> None:
        self.tick()
        alive = self.cluster.alive
        token = alive[pick % len(alive)]
        stop = self.cluster.runs[token].stop
        self.cluster.end(token, *((stop, None) if stop else end))

    @precondition(lambda self: self.cluster.alive)
    @rule(pick=PICK)
    def a_process_is_forgotten_by_its_machine(self, pick: int) -> None:
        alive = self.cluster.alive
        token = alive[pick % len(alive)]
        job_id, task, attempt = parse_token(token)
        job = self.shard.state.jobs.get(job_id)
        is_known = job is not None and job.attempt == attempt and job.phases
        if job is not None and is_known and job.phases[task] is TaskPhase.RUNNING:
            del self.cluster.runs[token]
            self.vanished.add(token)
            self.the_binder_is_killed("before the report")

    @rule(spec=submitted)
    def rename(self, spec: JobSpec) -> None:
        self.shard.tell(jobs.Changed((jobs.JobChange(spec.id, name="new"),)))

    @precondition(lambda self: self.binder.inbox)
    @rule(most=st.integers(1, 5))
    def hear(self, most: int) -> None:
        self.binder.hear(most)

    @precondition(lambda self: self.binder.steps)
    @rule()
    def report(self) -> None:
        self.note(self.binder.report())

    @precondition(lambda self: self.binder.todo)
    @rule(end=ENDS)
    def everything_asked_is_over_before_the_fold_sees_any_of_it(
        self, end: tuple[Outcome, int | None]
    ) -> None:
        while self.binder.todo:
            self.binder.act(0)
        for token in self.cluster.waiting:
            self.cluster.begin(token)
        while self.cluster.alive:
            self.a_process_ends(0, end)
        self.binder.hear(10_000)
        self.note(self.binder.report())

    @rule(where=st.sampled_from(["before the report", "before its acknowledgement"]))
    def the_binder_is_killed(self, where: str) -> None:
        if where == "before its acknowledgement":
            self.note(self.binder.report(is_acknowledged=False))
        self.binder.die()
        self.binder = ModelBinder(self.shard, self.cluster)

    @rule()
    def the_binder_is_paused_and_replaced(self) -> None:
        if self.ghost is not None:
            self.ghost.die()
        self.ghost = self.binder
        self.binder = ModelBinder(self.shard, self.cluster)

    @precondition(lambda self: self.ghost is not None)
    @rule(what=st.sampled_from(["fold", "act", "hear", "report"]), pick=PICK)
    def the_ghost_goes_on(self, what: str, pick: int) -> None:
        assert self.ghost is not None
        match what:
            case "fold":
                self.ghost.fold(pick + 1)
            case "act":
                self.ghost.act(pick)
            case "hear":
                self.ghost.hear(pick + 1)
            case _:
                self.ghost.report()

    @invariant()
    def every_token_has_at_most_one_process(self) -> None:
        assert all(number == 1 for number in self.cluster.processes.values())

    @invariant()
    def no_task_of_a_job_lives_twice(self) -> None:
        live = Counter(parse_token(token)[:2] for token in self.cluster.alive)
        assert all(number == 1 for number in live.values())

    @invariant()
    def a_binder_starts_a_token_once(self) -> None:
        assert all(number == 1 for number in self.binder.starts.values())

    @invariant()
    def what_the_cluster_may_have_forgotten_is_never_started(self) -> None:
        assert not self.binder.revived

    @invariant()
    def a_task_is_told_running_before_ended(self) -> None:
        assert all(
            phases == sorted(phases, key=list(TaskPhase).index) for phases in self.told.values()
        )

    def teardown(self) -> None:
        """Left alone, everything ends, the log knows it, and the binder is done with it."""
        if self.ghost is not None:
            self.ghost.die()
        binder = self.binder
        while True:
            before = (len(self.shard.entries), len(self.cluster.calls), binder.state.sequence)
            binder.fold(10_000)
            while binder.todo:
                binder.act(0)
            for token in self.cluster.waiting:
                self.cluster.begin(token)
            for token in self.cluster.alive:
                self.cluster.end(token, self.cluster.runs[token].stop or Outcome.SUCCEEDED)
            binder.hear(10_000)
            self.note(binder.report())
            self.every_token_has_at_most_one_process()
            after = (len(self.shard.entries), len(self.cluster.calls), binder.state.sequence)
            if before == after:
                break
        assert not [job for job in self.shard.state.jobs.values() if job.is_live]
        assert not self.cluster.alive
        assert not len(binder.reconciler.runs)
        assert binder.reconciler.runs.oldest_unsettled() is None
        assert not binder.inbox
        self.a_task_is_told_running_before_ended()

    def pending(self) -> list[Job]:
        return [j for j in self.shard.state.jobs.values() if j.state is JobState.PENDING]

    def decide(self, **parts: Any) -> None:
        decision = cycle.Decided(self.shard.state.epoch, 0, T0, "1", **parts)
        self.shard.tell(decision, at=self.cluster.now)

    def note(self, reports: list[runs.RunReport]) -> None:
        for report in reports:
            job = self.shard.state.jobs.get(report.job_id)
            every = range(job.spec.tasks if job else 5)
            for task in every if report.tasks is None else report.tasks:
                key = (report.job_id, task, report.attempt)
                self.told.setdefault(key, []).append(report.phase)

    def tick(self) -> None:
        self.cluster.now += 1


BinderMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=60, deadline=None, print_blob=True
)
TestBinder = BinderMachine.TestCase
