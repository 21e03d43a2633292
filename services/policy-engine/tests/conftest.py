"""Shards that tests share: to be asked, with a cluster that obeys, with room reserved."""

from typing import Any

import pytest

from evenflow.common.domain.decisions.decisions import Eviction
from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.facts import cycle, jobs, reservations, runs, settings
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import TaskPhase
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.usage.snapshot import parse_snapshot, seal
from evenflow.common.testing.builders import T0, a_node, a_reservation, a_spec
from evenflow.common.testing.shard import Shard
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import Explanation
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins


class Asked:
    """A shard that decides and can be asked."""

    def __init__(
        self,
        *of: Queue | str,
        cpu: int = 1000,
        gpu: int = 0,
        nodes: int = 1,
        plugins: Plugins = OURS,
    ) -> None:
        self.shard = Shard().with_leader()
        self.shard.with_queues(*(of or ("a/q",)))
        self.shard.with_nodes(*(a_node(f"n{i}", cpu=cpu, gpu=gpu) for i in range(nodes)))
        self.plugins = plugins
        self.usage: dict | None = None
        self.state = EngineState(self.shard.state, plugins)

    def submit(self, queue: str = "a/q", **fields: object) -> JobSpec:
        return self.shard.submit(queue=queue, **fields)

    def turn(self, now: int = T0) -> None:
        self.state = EngineState(self.shard.state, self.plugins)
        if self.usage is not None:
            self.state.use(parse_snapshot(seal(self.usage)[0]), 1)
        decision = run_cycle(self.state, self.shard.state.settings, now)
        if not is_empty(decision):
            folded = self.shard.tell(decision, at=now)
            assert isinstance(folded, Folded)
            self.state.note(folded)

    def why(self, spec: JobSpec, now: int = T0) -> Explanation:
        found = explain(self.state, spec.id, now)
        assert found is not None
        return found

    def used(self, queues: dict[str, float], users: dict[str, float]) -> None:
        """Let a snapshot say so much was used, of all CPU; users in queue a/q."""
        self.usage = {
            "schema": 1,
            "sequence": 1,
            "generated_at": T0,
            "data_until": T0,
            "window": {},
            "half_life_seconds": 3600.0,
            "capacity": {"cpu": 1.0},
            "capacity_hours": {"cpu": 100.0},
            "capacity_unknown": [],
            "queues": column(queues),
            "projects": column({}),
            "users": column(users),
            "queue_users": column({f"a/q:{user}": used for user, used in users.items()}),
        }


def column(used: dict[str, float]) -> dict:
    numbers = list(used.values())
    names = {"names": list(used)}
    return names | {"raw_hours": {"cpu": numbers}, "normalized": {"cpu": numbers}}


@pytest.fixture
def asked() -> type[Asked]:
    """Return the class: a test makes its own."""
    return Asked


SECOND = 1_000_000


class Obedient:
    """Queues, nodes of so many GPUs, and a clock that moves a second with every turn."""

    def __init__(self, *queues: Any, gpus: int | tuple[int, ...] = 8, plugins: Plugins = OURS,
                 **fields: Any) -> None:  # fmt: skip
        self.shard = Shard().with_leader().with_queues(*queues)
        sizes = (gpus,) if isinstance(gpus, int) else gpus
        self.shard.with_nodes(
            *(a_node(f"n{i}", gpu=1000 * gpu) for i, gpu in enumerate(sizes, start=1))
        )
        self.engine = EngineState(self.shard.state, plugins)
        self.now = T0
        self.jobs = 0
        self.tell(settings.Set(SchedulerSettings(**fields)))

    def tell(self, fact: object) -> Folded:
        outcome = self.shard.tell(fact, at=self.now)
        assert isinstance(outcome, Folded), outcome
        self.engine.note(outcome)
        return outcome

    def submit(self, queue: str, count: int = 1, gpus: float = 1, **fields: Any) -> list[JobSpec]:
        fields.setdefault("resources", {"gpu": int(1000 * gpus)})
        specs = [a_spec(self.jobs + n, queue=queue, **fields) for n in range(1, count + 1)]
        self.jobs += count
        self.tell(jobs.Submitted(tuple(specs)))
        return specs

    def decide(self) -> cycle.Decided:
        """Run one cycle and fold it; nobody obeys yet."""
        self.now += SECOND
        decision = run_cycle(self.engine, self.shard.state.settings, self.now)
        if not is_empty(decision):
            assert not self.tell(decision).voids
        return decision

    def obey(self) -> None:
        """Let what was placed run, and what has to stop end."""
        for job in list(self.shard.state.jobs.values()):
            if job.is_live and job.must_stop:
                self.stop(job.spec)
            elif job.is_live and job.started_at is None:
                self.report(job.spec, TaskPhase.RUNNING)

    def stop(self, spec: JobSpec) -> None:
        self.report(spec, TaskPhase.ENDED, Outcome.STOPPED)

    def report(self, spec: JobSpec, phase: TaskPhase, outcome: Outcome | None = None) -> None:
        attempt = self.shard.job(spec).attempt
        report = runs.RunReport(spec.id, attempt, phase, self.now, None, outcome)
        self.tell(runs.Reported((report,)))

    def turn(self) -> list[Eviction]:
        """Decide, and let the cluster obey; return who was stopped for others."""
        decision = self.decide()
        self.obey()
        return [eviction for eviction in decision.evictions if eviction.beneficiary]

    def settle(self, most: int = 200) -> list[Eviction]:
        """Go on until a few turns decide nothing; return who was stopped."""
        stopped: list[Eviction] = []
        quiet = 0
        for _ in range(most):
            decision = self.decide()
            self.obey()
            stopped += decision.evictions
            quiet = quiet + 1 if is_empty(decision) else 0
            if quiet > 2:
                return stopped
        raise AssertionError("it never comes to rest")

    def running(self, queue: str) -> list[JobSpec]:
        """Return what is live at a queue and below it, in the order of submission."""
        live = [job.spec for job in self.shard.state.jobs.values() if job.is_live]
        return [s for s in live if f"{s.queue}/".startswith(f"{queue}/")]

    def is_live(self, spec: JobSpec) -> bool:
        return self.shard.job(spec).is_live


@pytest.fixture(scope="session")
def obedient() -> type[Obedient]:
    """Return the class: a test makes its own."""
    return Obedient


class Reserving:
    """Nodes of 8 GPUs, queues `vision/train` and `speech`, and an engine that follows."""

    def __init__(self, count: int = 2, gpus: int = 8, **options: Any) -> None:
        self.shard = Shard().with_leader().with_queues("vision/train", "speech")
        racks = (a_node(f"n{i}", gpu=gpus * 1000, labels={"rack": f"r{i}"}) for i in range(count))
        self.shard.with_nodes(*racks)
        self.shard.tell(settings.Set(SchedulerSettings(**options)))
        self.engine = EngineState(self.shard.state)
        self.now = T0

    def tell(self, fact: object) -> None:
        folded = self.shard.tell(fact, at=self.now)
        assert isinstance(folded, Folded), folded
        assert not folded.voids, folded.voids
        self.engine.note(folded)

    def reserve(self, name: str = "kept", **fields: object) -> None:
        self.tell(reservations.Defined((a_reservation(name, **fields),)))

    def submit(self, queue: str = "speech", *, limit: int | None = None, **fields) -> JobSpec:
        fields.setdefault("resources", {"gpu": 1000})
        spec = self.shard.submit(queue=queue, time_limit_us=limit, **fields)
        self.engine.rebuild()
        return spec

    def decide(self, at: int | None = None) -> list[str]:
        """Decide until nothing more is said; return the ids of what started."""
        self.now = self.now if at is None else at
        started: list[str] = []
        while True:
            decision = run_cycle(self.engine, self.shard.state.settings, self.now)
            if is_empty(decision):
                return started
            self.tell(decision)
            started += [each.job_id for each in decision.placements]

    def end(self, spec: JobSpec) -> None:
        folded = self.shard.end(spec, Outcome.SUCCEEDED, at=self.now)
        assert isinstance(folded, Folded)
        self.engine.note(folded)

    def reason(self, spec: JobSpec):
        return self.shard.job(spec).reason


@pytest.fixture(scope="session")
def reserving() -> type[Reserving]:
    """Return the class: a test makes its own."""
    return Reserving
