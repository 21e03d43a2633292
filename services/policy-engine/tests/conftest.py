"""A shard that decides and can be asked, for the tests of explanations."""

import pytest

from evenflow.common.domain.folded import Folded
from evenflow.common.domain.job import JobSpec
from evenflow.common.domain.queue import Queue
from evenflow.common.domain.usage import parse_snapshot, seal
from evenflow.common.testing.builders import T0, Shard, a_node
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.explain import explain
from evenflow.policy_engine.core.explanation import Explanation
from evenflow.policy_engine.core.plugins import OURS, Plugins
from evenflow.policy_engine.core.state import EngineState


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
