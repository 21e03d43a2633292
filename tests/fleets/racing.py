"""A shard in which things happen while the engine decides, as they do in a real one."""

import random
from collections.abc import Iterable

from evenflow.common.contracts import codec
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.facts import cycle, leader
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.policy_engine.core.cycle import is_empty, run_cycle
from evenflow.policy_engine.core.state.engine_state import EngineState
from tests.fleets.fleet import Fleet


class Racing(Fleet):
    """Facts may be void, other engines may lead, and decisions may come too late."""

    most_meanwhile = 2
    """How much happens at most between deciding and the decision's place in the log."""

    def __init__(self, seed: int, *queues: Queue | str, nodes: Iterable[Node]) -> None:
        super().__init__(*queues, nodes=nodes)
        self.rng = random.Random(seed)

    def happen(self) -> None:
        """Let anything happen."""
        raise NotImplementedError

    def tell(self, fact: Fact) -> None:
        outcome = self.shard.tell(fact, at=self.now)
        if isinstance(outcome, Folded):
            self.engine.note(outcome)
        if isinstance(fact, leader.Decided):
            self.engine.rebuild()

    def decide(self) -> cycle.Decided:
        """Run a cycle; fold it after what happened meanwhile, unless another engine leads."""
        decision = self.again()
        if not is_empty(decision):
            for _ in range(self.rng.randint(0, self.most_meanwhile)):
                self.happen()
            if decision.epoch == self.shard.state.epoch:  # else the fence would have refused it
                self.tell(decision)
        return decision

    def again(self) -> cycle.Decided:
        """Decide by what the engine has followed, and fold nothing."""
        return run_cycle(self.engine, self.shard.state.settings, self.now)

    def anew(self) -> cycle.Decided:
        """Decide by the whole state, indexed anew, and fold nothing."""
        fresh = EngineState(self.shard.state)
        fresh.use(self.engine.usage, self.engine.usage_sequence)
        return run_cycle(fresh, self.shard.state.settings, self.now)


def as_bytes(decision: cycle.Decided) -> bytes:
    return codec.encode(codec.Envelope(event_id="", occurred_at=0, shard="", actor=""), decision)
