"""Leaves whose next job would leave a queue above it below its fair share. Follows what changes.

A superset is kept: what a leaf wants is compared with what a queue above it lacks only when the
leaf wants something else, or when the queue lacks more of something than when it was looked at.
On a saturated cluster what queues lack goes up and down by one job, and nobody is looked at.
"""

from collections.abc import Callable, Mapping
from typing import Final

from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.policy_engine.core.contention.fairness import SLACK, lacks
from evenflow.policy_engine.core.division.fair_shares import FairShares
from evenflow.policy_engine.core.gates.commitments import Commitments
from evenflow.policy_engine.core.placement import Shape


class StarvedLeaves:
    """What heads of leaves want, by each queue above them."""

    def __init__(
        self, shares: FairShares, commitments: Commitments, weighed: Callable[[], None]
    ) -> None:
        """Nobody wants anything; `weighed` is called for each comparison."""
        self.changed: Final[dict[str, None]] = {}  # queues that hold or may hold otherwise
        self._shares: Final = shares
        self._commitments: Final = commitments
        self._weighed: Final = weighed
        self._found: Final[dict[str, None]] = {}  # leaves, and some that are not starved any more
        self._shape_of: Final[dict[str, Shape]] = {}
        self._wants: Final[dict[str, dict[Shape, dict[str, None]]]] = {}
        # By queue: whoever wants no more than that is in `_found`.
        self._seen: Final[dict[str, dict[str, float]]] = {}

    def note_next_job(self, leaf: str, shape: Shape | None) -> None:
        """The next job of a leaf is of this shape; None when nobody waits there."""
        before = self._shape_of.get(leaf)
        if before is shape:
            return
        if before is not None:
            self._found.pop(leaf, None)
            for path in lineage(leaf):
                wants = self._wants[path]
                del wants[before][leaf]
                if not wants[before]:
                    del wants[before]
                    if not wants:
                        del self._wants[path]
                        self._seen.pop(path, None)
        if shape is None:
            del self._shape_of[leaf]
            return
        self._shape_of[leaf] = shape
        self._found[leaf] = None
        for path in lineage(leaf):
            self._wants.setdefault(path, {}).setdefault(shape, {})[leaf] = None

    def follow(self) -> None:
        """Look at the queues that changed."""
        changed = list(self.changed)
        self.changed.clear()
        for path in changed:
            wants = self._wants.get(path)
            if wants is not None:
                self._look(path, wants)

    def levels(self, leaf: str, *, uses_history: bool) -> list[str]:
        """Return which of a leaf and those above it stay below their share with its next job."""
        request = whole_request(self._shape_of[leaf].example)
        shares, held = self._shares, self._commitments.resources
        self._weighed()
        return [
            path
            for path in lineage(leaf)
            if lacks(shares.of(path), held(path), request, uses_history=uses_history)
        ]

    def leaves(self) -> list[str]:
        """Return leaves that may have such a level; it follows what changed."""
        return list(self._found)

    def is_starved(self, leaf: str, *, uses_history: bool) -> bool:
        """Whether one of these leaves has such a level; if not, it is looked at no more."""
        if self.levels(leaf, uses_history=uses_history):
            return True
        if not uses_history or not self.levels(leaf, uses_history=False):
            del self._found[leaf]
            for path in lineage(leaf):
                self._seen[path] = self._lacking(path)
        return False

    def _look(self, path: str, wants: Mapping[Shape, Mapping[str, None]]) -> None:
        lacking, seen = self._lacking(path), self._seen.get(path)
        self._weighed()
        if seen is not None and all(
            amount <= seen.get(name, 0.0) for name, amount in lacking.items()
        ):
            return
        self._seen[path] = lacking
        for shape, leaves in wants.items():
            request = whole_request(shape.example)
            self._weighed()
            if all(
                amount <= lacking.get(name, 0.0) + SLACK
                for name, amount in request.items()
                if amount
            ):
                self._found.update(leaves)

    def _lacking(self, path: str) -> dict[str, float]:
        held = self._commitments.resources(path)
        return {name: share - held.get(name, 0) for name, share in self._shares.of(path).items()}
