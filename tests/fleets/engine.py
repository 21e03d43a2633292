"""A shard that is told things behind the engine's back: it is indexed anew for every cycle."""

from evenflow.common.domain.facts import cycle
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.testing.builders import T0, Shard, a_node
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.state.plugins import OURS, Plugins


class Engine:
    """`turn` runs one cycle over a shard as it is now, and folds its decision."""

    def __init__(self, shard: Shard, plugins: Plugins = OURS) -> None:
        self.shard = shard
        self.plugins = plugins
        self.state = self.index()

    def index(self) -> EngineState:
        return EngineState(self.shard.state, self.plugins)

    def turn(self, now: int = T0) -> cycle.Decided:
        self.state = self.index()
        decision = run_cycle(self.state, self.shard.state.settings, now)
        if not is_empty(decision):
            folded = self.shard.tell(decision, at=now)
            assert isinstance(folded, Folded), folded
            self.state.note(folded)
        return decision

    def placed(self, now: int = T0) -> list[str]:
        return [p.job_id for p in self.turn(now).placements]


def a_shard(*queues: Queue | str, nodes: int = 1, cpu: int = 4000, gpu: int = 0) -> Shard:
    """Return a shard with a leader and nodes n1, n2 and so on; one queue when none is named."""
    shard = Shard().with_leader().with_queues(*(queues or ("default/default",)))
    return shard.with_nodes(*(a_node(f"n{i}", cpu=cpu, gpu=gpu) for i in range(1, nodes + 1)))
