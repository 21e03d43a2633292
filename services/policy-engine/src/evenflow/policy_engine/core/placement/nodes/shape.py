"""What jobs have in common that are placed alike."""

from evenflow.common.domain.jobs.constraints import NODE_LEVEL
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.placement.nodes.ask import Ask, Bundle, RequestCount
from evenflow.policy_engine.core.placement.nodes.clusters_of_kind import ClustersOfKind
from evenflow.policy_engine.core.placement.nodes.unmet import Unmet


class Shape:
    """A class of jobs that ask for the same. Compared by identity: `Shapes` makes each once.

    `tasks` are the asks of all tasks in order, of which the first `least` start together; `runs`
    are these, counted. `key` is unique and orders shapes.
    """

    __slots__ = (
        "_bundles", "anti_key", "anti_level", "asks", "clusters", "could_hold", "count", "example",
        "is_blocked", "is_mixed", "is_plain", "is_single", "judged_at", "key", "kind", "least",
        "levels", "needs", "preferred", "required", "splits", "tasks", "unmet",
    )  # fmt: skip

    def __init__(
        self, key: str, kind: ClustersOfKind, example: JobSpec, tasks: tuple[Ask, ...]
    ) -> None:
        """`example` is any job of the shape."""
        constraints = example.constraints
        anti = constraints.anti_affinity
        self.key = key
        self.kind = kind
        self.example = example
        self.tasks = tasks
        self.least = example.least_tasks
        self.asks = tuple(dict.fromkeys(tasks[: self.least]))  # of tasks that must start
        self.needs = {self.least: _counted(tasks[: self.least])}
        self.needs[len(tasks)] = _counted(tasks)
        self.required = constraints.required_level
        self.preferred = constraints.preferred_level
        labels = [
            level for level in (self.required, self.preferred) if level and level != NODE_LEVEL
        ]
        self.levels = tuple(labels)  # by which domains are told apart
        self.splits = tuple(dict.fromkeys((tuple(labels[:1]), self.levels))) if labels else ()
        self.anti_key = None if anti is None else anti.key
        self.anti_level = None if anti is None or anti.key is not None else anti.level
        self.clusters = constraints.clusters
        # One task, no levels and no company: the fast path.
        self.is_single = (
            len(tasks) == 1 and not self.required and not self.preferred and self.anti_key is None
        )
        # All tasks alike and none minds where the others are: what fits a cluster that is in use
        # fits an idle one.
        self.is_plain = (
            len(self.asks) == 1 and anti is None and not (self.required or self.preferred)
        )
        self.is_mixed = any(ask.mixed is not None for ask in self.asks)
        self.count = 0  # jobs that are pending or live
        self.is_blocked = False
        self.could_hold = False  # as of `judged_at`, a version of the set of nodes
        self.judged_at = -1
        self.unmet: Unmet | None = None  # what no node has of it; None: to be looked at
        self._bundles: dict[int, Bundle] = {}

    @property
    def is_uniform(self) -> bool:
        """Whether all tasks that must start ask for the same, so that their order is no matter."""
        return len(self.asks) == 1

    def bundle(self, tasks: int) -> Bundle:
        """Return the first `tasks` tasks as one ask for one node."""
        found = self._bundles.get(tasks)
        if found is None:
            runs: list[RequestCount] = []
            for ask in self.tasks[:tasks]:
                if runs and runs[-1][0] is ask.request:
                    runs[-1] = (ask.request, runs[-1][1] + 1)
                else:
                    runs.append((ask.request, 1))
            found = self._bundles[tasks] = Bundle(runs, self.tasks[0])
        return found

    def bundles(self) -> tuple[Bundle, ...]:
        """Return those that were asked for."""
        return tuple(self._bundles.values())


def _counted(tasks: tuple[Ask, ...]) -> tuple[tuple[Ask, int], ...]:
    counts: dict[Ask, int] = {}
    for ask in tasks:
        counts[ask] = counts.get(ask, 0) + 1
    return tuple(counts.items())
