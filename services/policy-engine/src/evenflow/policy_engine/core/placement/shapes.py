"""Finds the shape of a job: one object for all that ask for the same."""

from collections.abc import Iterable
from typing import Final

from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.placement.fragmentation.workload_mix import WorkloadMix
from evenflow.policy_engine.core.placement.nodes.ask import Ask
from evenflow.policy_engine.core.placement.nodes.node_traits import (
    FilterKey,
    NodeFilter,
    filter_key,
)
from evenflow.policy_engine.core.placement.nodes.request import Request, RequestKey, key_of
from evenflow.policy_engine.core.placement.nodes.scores import STATE_SCORES, Score
from evenflow.policy_engine.core.placement.nodes.shape import Shape
from evenflow.policy_engine.core.placement.room_index import RoomIndex

LEAST_FRAGMENTATION: Final = "least-fragmentation"
FEWEST_KEPT: Final = 4096  # shapes of no job are forgotten beyond that many

Roles = tuple[tuple[RequestKey, int, int], ...]  # request, least tasks, all tasks
Rest = tuple[
    FilterKey,
    tuple[str, str | None] | None,  # anti-affinity: level and key
    str | None,  # required level
    str | None,  # preferred level
    str,  # strategy
    tuple[str, ...],  # clusters
]
Plain = tuple[str | int | tuple[str, int], ...]


class Shapes:
    """Shapes and their parts by content. Those that no job has may be forgotten."""

    def __init__(self, room_index: RoomIndex, strategy: str, mix: WorkloadMix) -> None:
        """`strategy` is that of jobs which name none, or one that is not known."""
        self._room_index = room_index
        self._strategy = strategy
        self._mix = mix
        self._plain: dict[Plain, Shape] = {}  # as jobs say it: an equal shape may be here twice
        self._shapes: dict[tuple[str, Roles, Rest], Shape] = {}
        self._requests: dict[RequestKey, Request] = {}
        self._filters: dict[FilterKey, NodeFilter] = {}
        self._asks: dict[tuple[str, RequestKey, Rest, bool], Ask] = {}
        self._limit = FEWEST_KEPT

    def of(self, spec: JobSpec) -> Shape:
        """Return the shape of a job."""
        if not spec.groups and (
            spec.constraints is ANYWHERE  # quicker to see than
            or spec.constraints == ANYWHERE
        ):
            plain: Plain = (spec.executor, spec.tasks, *spec.resources.items())
            found = self._plain.get(plain)
            if found is None:
                if len(self._plain) >= 2 * self._limit:
                    self._plain.clear()
                found = self._plain[plain] = self._find(spec)
            return found
        return self._find(spec)

    def all(self) -> Iterable[Shape]:
        """Return every shape that is known."""
        return self._shapes.values()

    def is_full(self) -> bool:
        """Whether it is time to `forget`."""
        return len(self._shapes) > self._limit

    def forget(self) -> list[Shape]:
        """Forget what no job has; return those shapes."""
        gone = [shape for shape in self._shapes.values() if shape.count <= 0]
        self._shapes = {key: shape for key, shape in self._shapes.items() if shape.count > 0}
        self._plain.clear()
        self._limit = max(FEWEST_KEPT, 2 * len(self._shapes))
        used: dict[Ask, None] = {}
        for shape in self._shapes.values():
            used.update(dict.fromkeys(shape.tasks))
            used.update(dict.fromkeys(shape.bundles()))
        self._asks = {key: ask for key, ask in self._asks.items() if ask in used}
        self._requests = {ask.request.key: ask.request for ask in used}
        self._filters = {ask.node_filter.key: ask.node_filter for ask in used}
        views = {ask.occupied: None for ask in used if ask.occupied is not None}
        self._room_index.anti_affinity.keep_only(list(views))
        self._room_index.keep_candidates(used)
        return gone

    def _find(self, spec: JobSpec) -> Shape:
        roles: Roles = tuple(
            (key_of(group.resources), group.least, group.tasks) for group in spec.groups
        ) or ((key_of(spec.resources), spec.tasks, spec.tasks),)
        rest = self._rest_of(spec.constraints)
        key = (spec.executor, roles, rest)
        found = self._shapes.get(key)
        if found is None:
            is_apart = rest[1] is not None and spec.tasks > 1
            asks = {
                request: self._ask(spec.executor, request, rest, is_apart=is_apart)
                for request, _, _ in roles
            }
            tasks = [asks[request] for request, least, _ in roles for _ in range(least)]
            tasks += [asks[request] for request, least, most in roles for _ in range(most - least)]
            kind = self._room_index.kind(spec.executor)
            found = self._shapes[key] = Shape(repr(key), kind, spec, tuple(tasks))
        return found

    def _rest_of(self, constraints: Constraints) -> Rest:
        anti = constraints.anti_affinity
        strategy = constraints.strategy
        if strategy is None or (strategy != LEAST_FRAGMENTATION and strategy not in STATE_SCORES):
            strategy = self._strategy
        return (
            filter_key(constraints),
            None if anti is None else (anti.level, anti.key),
            constraints.required_level,
            constraints.preferred_level,
            strategy,
            constraints.clusters,
        )

    def _ask(self, executor: str, request_key: RequestKey, rest: Rest, *, is_apart: bool) -> Ask:
        filter_part, anti, _, _, strategy, _ = rest
        key = (executor, request_key, (filter_part, anti, None, None, strategy, ()), is_apart)
        found = self._asks.get(key)
        if found is None:
            request = self._requests.setdefault(request_key, Request(request_key))
            node_filter = self._filters.setdefault(filter_part, NodeFilter(filter_part))
            is_mixed = strategy == LEAST_FRAGMENTATION
            score: Score | None = None
            if not is_mixed and strategy != self._strategy:
                score = STATE_SCORES[strategy]
            found = self._asks[key] = Ask(
                request,
                node_filter,
                score,
                occupied=self._room_index.view(anti[1], anti[0]) if anti and anti[1] else None,
                is_apart=is_apart,
                mixed=self._mix.scorer(request) if is_mixed else None,
            )
        return found
