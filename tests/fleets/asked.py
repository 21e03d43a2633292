"""A shard that decides and can be asked why."""

from typing import Any

from evenflow.common.domain.jobs.job import JobSpec
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.usage.snapshot import UsageSnapshot, parse_snapshot
from evenflow.common.testing.builders import T0
from evenflow.policy_engine.core.explain.explain import explain
from evenflow.policy_engine.core.explain.explanation import Explanation
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins
from tests.fleets.engine import Engine, a_shard
from tests.fleets.usage import a_snapshot, used


class Asked(Engine):
    """Queue `a/q` unless others are named, on one small node."""

    usage: UsageSnapshot | None = None

    def __init__(
        self,
        *of: Queue | str,
        cpu: int = 1000,
        gpu: int = 0,
        nodes: int = 1,
        plugins: Plugins = OURS,
    ) -> None:
        super().__init__(a_shard(*(of or ("a/q",)), nodes=nodes, cpu=cpu, gpu=gpu), plugins)

    def index(self) -> EngineState:
        state = super().index()
        if self.usage is not None:
            state.use(self.usage, 1)
        return state

    def submit(self, queue: str = "a/q", **fields: Any) -> JobSpec:
        return self.shard.submit(queue=queue, **fields)

    def why(self, spec: JobSpec, now: int = T0) -> Explanation:
        found = explain(self.state, spec.id, now)
        assert found is not None
        return found

    def used(self, queues: dict[str, float], users: dict[str, float]) -> None:
        """Let a snapshot say so much was used, of all CPU; users in queue a/q."""
        fact = a_snapshot(
            capacity={"cpu": 1.0},
            capacity_hours={"cpu": 100.0},
            queues=used(queues),
            users=used(users),
            queue_users=used({f"a/q:{user}": part for user, part in users.items()}),
        )
        self.usage = parse_snapshot(fact.document)
