"""By what queues take turns (SCH-05): priority, what they hold of their share, what they have used.

Down the tree each level compares siblings. Below a queue of policy `fair-tree` they are compared by
level fair share first, as Slurm's Fair Tree does.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final

from evenflow.common.domain.plugins.policy import PARTS
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.division.fair_shares import FairShares
from evenflow.policy_engine.core.division.usage_history import UsageHistory
from evenflow.policy_engine.core.ordering.fair_tree import level_key
from evenflow.policy_engine.core.ordering.turns import Key

FAIR_TREE: Final = "fair-tree"
_Fixed = tuple[int, float, int, str, bool, Mapping[str, float]]
"""Minus priority, weight, creation, id, whether level fair share goes first, and the fair share,
which follows by itself."""


class QueueKeys:
    """Makes the key by which a queue waits for its turn among its siblings."""

    def __init__(self, state: ShardState, shares: FairShares, history: UsageHistory) -> None:
        """What of them changes is looked at anew for each key."""
        self._state: Final = state
        self._shares: Final = shares
        self._history: Final = history
        self._fixed: dict[str, _Fixed] = {}  # by path

    def define(self) -> None:
        """Queues are defined otherwise."""
        self._fixed.clear()

    def of(self, path: str, held: Resources) -> Key:
        """Return the key of a queue that holds so much."""
        return self.along((path,), (held,))[0]

    def along(self, levels: Sequence[str], held: Sequence[Resources]) -> list[Key]:
        """Return the keys of queues that hold so much each."""
        history, found = self._history, []
        is_used = history.snapshot is not None
        fixed = self._fixed
        for path, amounts in zip(levels, held, strict=True):
            priority, weight, created_at, queue_id, is_tree, shares = fixed.get(path) or self._fix(
                path
            )
            saturation = _saturation(shares, amounts)
            usage = history.usage((path, "")) if is_used else 0
            if is_tree:
                level = level_key(usage, weight)
                found.append((priority, level, saturation, created_at, queue_id))
            else:
                weighted = usage / PARTS / weight if weight > 0 else inf
                found.append((priority, saturation, weighted, created_at, queue_id))
        return found

    def is_tree(self, path: str) -> bool:
        """Whether level fair share goes before saturation among a queue's siblings."""
        return self._level_policy(self._state.queues[path]) == FAIR_TREE

    def saturation(self, path: str, held: Resources) -> float:
        """Return what is held over the fair share, of the resource where that is most.

        0 when nothing is held; infinite without any share: then it goes when nobody else wants.
        """
        return _saturation(self._shares.of(path), held)

    def _fix(self, path: str) -> _Fixed:
        queue = self._state.queues[path]
        fixed = self._fixed[path] = (
            -queue.priority,
            queue.weight,
            queue.created_at,
            queue.id,
            self._level_policy(queue) == FAIR_TREE,
            self._shares.of(path),
        )
        return fixed

    def _level_policy(self, queue: Queue) -> str:
        """Return the policy that is named above a queue, the nearest one; else the shard's."""
        path = queue.parent
        while path:
            above = self._state.queues[path]
            if above.policy:
                return above.policy
            path = above.parent
        return self._state.settings.policy


def _saturation(shares: Mapping[str, float], held: Resources) -> float:
    most = 0.0
    for name, amount in held.items():  # what is held is of fewer resources, mostly
        share = shares.get(name)
        if share is not None and amount > 0:
            ratio = amount / share if share > 0 else inf
            if ratio > most:  # noqa: PLR1730 - half the time of a new queue's turn is here
                most = ratio
    if most == 0.0 and shares and not any(shares.values()):
        return inf
    return most
