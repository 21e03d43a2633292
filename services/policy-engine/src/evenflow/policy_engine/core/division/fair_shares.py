"""Fair shares of all queues, kept up to date: only groups of siblings that changed divide anew.

A share changes when what is there to divide, a definition or the usage snapshot does. A request
matters as long as it binds: a queue that wants more than its share (by a whole unit, where shares
are divided in units) may want more or less of what it does not get, and nobody's share moves. On a
full cluster that is nearly every event.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.queues.queue import Queue, lineage
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.domain.usage.snapshot import UsageSnapshot
from evenflow.policy_engine.core.division.fair_share import Claim, divide
from evenflow.policy_engine.core.division.kai import UNLIMITED, KaiClaim, divide_kai

ROOT: Final = ""
_CLEARLY: Final = 1.0 + 1e-6
_CRUMB: Final = 1.0  # thousandths of a card or core, bytes: below it a share is not told apart
_NOTHING: Final[dict[str, None]] = {}
_UNBOUND: Final[Mapping[str, int]] = {}
_UNIT: Final = 1000.0  # a whole card or core
_COUNTED: Final = ("cpu", "gpu")  # divided in whole units, where units are


class FairShares:
    """What each queue may hold of each resource, in the units of `resources`."""

    def __init__(self, state: ShardState, capacity: Mapping[str, int]) -> None:
        """`capacity` is the cluster's; it is looked at whenever shares are brought up to date."""
        self._state: Final = state
        self._capacity: Final = capacity
        self._divided: dict[str, int] = {}  # the capacity that was divided
        # By path: what a leaf's jobs ask for; above, what those below can make use of.
        self._requests: dict[str, dict[str, int]] = {}
        # What bounds a queue's request for those above it. In `kai` mode nothing does.
        self._bounds: dict[str, Mapping[str, int]] = {}
        if not self._is_kai:
            self._bounds = {path: q.limit for path, q in state.queues.items() if q.limit}
        self._shares: dict[str, dict[str, float]] = {}
        # Parents whose children divide anew, and which resources; None: all of them.
        self._dirty: dict[str, dict[str, None] | None] = {ROOT: None}
        self._children: dict[str, list[Queue]] = {}
        self._usage: UsageSnapshot | None = None
        # Who wants less than a whole unit above its share may be served that part of a unit.
        is_whole = self._is_kai or state.settings.round_to_units
        self._crumbs: Final = dict.fromkeys(_COUNTED, _UNIT) if is_whole else {}

    def use(self, usage: UsageSnapshot | None) -> None:
        """Divide by this history from now on."""
        self._usage = usage
        self._dirty_all()

    def define(self, path: str) -> None:
        """A queue came, left, or is defined otherwise."""
        self._children.clear()
        self._bind(path)
        self._dirty[path.rpartition("/")[0]] = None
        self._dirty[path] = None
        if path not in self._state.queues and path in self._shares:
            self._shares[path].clear()
            del self._shares[path]

    def request(self, leaf: str, amounts: Mapping[str, int], sign: int) -> None:
        """A job of the leaf asks for so much more (sign 1), or no longer does (-1)."""
        self._want(leaf, {name: sign * amount for name, amount in amounts.items()})

    def of(self, path: str) -> Mapping[str, float]:
        """Return a queue's fair share; empty when it has none yet.

        It is kept up to date until the queue is defined otherwise. Not to be changed.
        """
        found = self._shares.get(path)
        if found is None:
            found = self._shares[path] = {}
        return found

    def below(self, parent: str) -> Sequence[Queue]:
        """Return the queues right below one, ROOT for the first level, by path."""
        return self._children_of(parent)

    def request_of(self, path: str) -> Mapping[str, int]:
        """Return what a queue's pending and live jobs ask for together.

        Above leaves: no more than the limits of the queues below let them have, or the rest would
        lie idle there. In `kai` mode, as there, limits do not count.
        """
        return self._requests.get(path) or {}

    def refresh(self) -> list[str]:
        """Divide anew where something changed; return the queues whose share did."""
        capacity = {name: amount for name, amount in self._capacity.items() if amount > 0}
        if capacity != self._divided:
            self._divided = capacity
            for shares in self._shares.values():
                for name in [known for known in shares if known not in capacity]:
                    del shares[name]
            self._dirty_all()
        # From the top down: a parent's share is what its children divide.
        todo = [(path.count("/") + bool(path), path) for path in self._dirty]
        heapify(todo)
        changed: list[str] = []
        while todo:
            depth, parent = heappop(todo)
            if parent not in self._dirty:
                continue
            names = self._dirty.pop(parent)
            for path, moved in self._divide(parent, self._divided if names is None else names):
                changed.append(path)
                if self._state.children.get(path):
                    if path not in self._dirty:
                        heappush(todo, (depth + 1, path))
                    for name in moved:
                        self._divide_anew(path, name)
        return changed

    @property
    def _is_kai(self) -> bool:
        return self._state.settings.fairness_mode == "kai"

    def _want(self, path: str, changes: Mapping[str, int]) -> None:
        """A queue asks for so much more or less, and so do those above it as far as bounds let."""
        levels = lineage(path)
        for at in range(len(levels) - 1, -1, -1):
            path, parent = levels[at], levels[at - 1] if at else ROOT
            wanted = self._requests.get(path)
            if wanted is None:
                wanted = self._requests[path] = {}
            shares, bounds = self._shares.get(path), self._bounds.get(path)
            for name, change in changes.items():
                before = wanted.get(name, 0)
                after = wanted[name] = before + change
                share = 0.0 if shares is None else shares.get(name, 0.0)
                if min(before, after) <= share * _CLEARLY + self._crumbs.get(name, _CRUMB):
                    self._divide_anew(parent, name)
            if bounds:
                changes = {
                    name: _bounded(wanted[name], bounds, name)
                    - _bounded(wanted[name] - change, bounds, name)
                    for name, change in changes.items()
                }

    def _bind(self, path: str) -> None:
        """A queue's limit may be another: those above it may make use of more or less."""
        queue, old = self._state.queues.get(path), self._bounds.get(path) or _UNBOUND
        new = _UNBOUND if queue is None or self._is_kai else queue.limit or _UNBOUND
        if new == old:
            return
        self._bounds[path] = new
        parent = path.rpartition("/")[0]
        if parent:
            requests = self.request_of(path).items()
            bound = _bounded
            moved = {name: bound(n, new, name) - bound(n, old, name) for name, n in requests}
            self._want(parent, {name: change for name, change in moved.items() if change})

    def _divide_anew(self, parent: str, name: str) -> None:
        names = self._dirty.get(parent, _NOTHING)
        if names is _NOTHING:
            self._dirty[parent] = {name: None}
        elif names is not None:
            names[name] = None

    def _dirty_all(self) -> None:
        self._dirty = {ROOT: None}
        for path, children in self._state.children.items():
            if children:
                self._dirty[path] = None

    def _children_of(self, parent: str) -> list[Queue]:
        found = self._children.get(parent)
        if found is None:
            queues = self._state.queues
            if parent == ROOT:
                found = [queue for path, queue in sorted(queues.items()) if "/" not in path]
            else:
                found = [queues[path] for path in sorted(self._state.children.get(parent, ()))]
            self._children[parent] = found
        return found

    def _divide(self, parent: str, names: Iterable[str]) -> list[tuple[str, list[str]]]:
        """Divide some resources among a queue's children; return whose share of which moved."""
        children = self._children_of(parent)
        moved: dict[str, list[str]] = {}
        for name in names if children else ():
            total = self._divided.get(name)
            if total is None:
                continue  # of a resource that no node has, nobody has a share
            pot = float(total) if parent == ROOT else self.of(parent).get(name, 0.0)
            parts = self._parts(parent, children, name, pot, self._state.settings)
            for queue, part in zip(children, parts, strict=True):
                known = self._shares.setdefault(queue.path, {})
                if known.get(name) != part:
                    known[name] = part
                    moved.setdefault(queue.path, []).append(name)
        return list(moved.items())

    def _parts(
        self,
        parent: str,
        children: list[Queue],
        name: str,
        pot: float,
        settings: SchedulerSettings,
    ) -> list[float]:
        usage = self._usage
        if self._is_kai:
            return self._kai_parts(children, name, pot, settings.k)
        total, scale = self._divided[name], 1.0
        if parent != ROOT:
            scale = total / pot if pot > 0 else 0.0
        claims = []
        for queue in children:
            requests, limit = self._requests.get(queue.path), queue.limit
            wanted = 0 if requests is None else requests.get(name, 0)
            claims.append(
                Claim(
                    queue.id,
                    queue.deserved.get(name, 0) if queue.deserved else 0,
                    _bounded(wanted, limit, name) if limit else wanted,
                    queue.weight,
                    0.0 if usage is None else usage.queues.ratio_of(queue.path, name) * scale,
                    queue.priority,
                    queue.created_at,
                )
            )
        is_counted = settings.round_to_units and name in _COUNTED
        return divide(pot, claims, k=settings.k, unit=_UNIT if is_counted else 0.0)

    def _kai_parts(
        self, children: list[Queue], name: str, pot: float, sensitivity: float
    ) -> list[float]:
        """Divide in whole cards and cores, and in base units of other resources."""
        unit = _UNIT if name in _COUNTED else 1.0
        usage = self._usage
        claims = []
        for queue in children:
            limit = (queue.limit or {}).get(name)
            claims.append(
                KaiClaim(
                    queue.id,
                    (queue.deserved or {}).get(name, 0) / unit,
                    UNLIMITED if limit is None else limit / unit,
                    self.request_of(queue.path).get(name, 0) / unit,
                    queue.weight,
                    usage.queues.ratio_of(queue.path, name) if usage else 0.0,
                    queue.priority,
                    queue.created_at,
                )
            )
        parts, _ = divide_kai(pot / unit, claims, sensitivity)
        return [part * unit for part in parts]


def _bounded(amount: int, bounds: Mapping[str, int], name: str) -> int:
    bound = bounds.get(name)
    return amount if bound is None else min(amount, bound)
