"""Leaves whose next job may preempt by priority. Follows what changes."""

from collections.abc import Iterator
from typing import Final

from evenflow.policy_engine.core.contention.preemptible_jobs import PreemptibleJobs

ANY_PRIORITY: Final = 1 << 30
"""Above all priorities: of jobs whose policy says by itself who gives way."""


class PreemptingLeaves:
    """The priorities of heads whose policies preempt, beside those that run."""

    def __init__(self, preemptible: PreemptibleJobs, threshold: int) -> None:
        """Nobody waits. More than `threshold` has to lie between the two."""
        self._preemptible: Final = preemptible
        self._threshold: Final = threshold
        self._priority_of: Final[dict[str, int]] = {}
        self._fronts: Final[dict[str, dict[int, dict[str, None]]]] = {}  # by scope, by priority
        self._changed: Final[dict[str, None]] = {}
        self._scopes: Final[dict[str, None]] = {}  # where somebody may preempt

    def note_next_job(self, leaf: str, priority: int | None) -> None:
        """The next job of a leaf has this priority; None when nobody there preempts."""
        before = self._priority_of.get(leaf)
        if before == priority:
            return
        scope = self._preemptible.scope_of(leaf)
        self._changed[scope] = None
        if before is not None:
            fronts = self._fronts[scope]
            del fronts[before][leaf]
            if not fronts[before]:
                del fronts[before]
                if not fronts:
                    del self._fronts[scope]
        if priority is None:
            del self._priority_of[leaf]
            return
        self._priority_of[leaf] = priority
        self._fronts.setdefault(scope, {}).setdefault(priority, {})[leaf] = None

    def follow(self) -> None:
        """Look at the scopes where other priorities wait or run."""
        self._changed.update(self._preemptible.changed)
        self._preemptible.changed.clear()
        for scope in self._changed:
            highest = max(self._fronts.get(scope, ()), default=None)
            least = self._preemptible.least_priority(scope)
            if highest is None or least is None or highest <= least + self._threshold:
                self._scopes.pop(scope, None)
            else:
                self._scopes[scope] = None
        self._changed.clear()

    def leaves(self) -> Iterator[str]:
        """Yield the leaves whose next job may preempt somebody; it follows what changed."""
        for scope in self._scopes:
            least = self._preemptible.least_priority(scope)
            for priority, leaves in self._fronts.get(scope, {}).items():
                if least is not None and priority > least + self._threshold:
                    yield from leaves
