"""Which queue a submission goes to (JOB-07), and which queues must be made for it first. Pure."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected
from evenflow.common.domain.queues.queue import DEFAULT_PROJECT, check_path, lineage
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.edge.permits import demand, sees
from evenflow.gateway.edge.principal import Principal, Role
from evenflow.gateway.queues.rules.projects import Definitions, project_with_default_queue


class UnknownQueue(RequestRejected):
    """The named queue does not exist, or not in the named project."""

    code = "unknown_queue"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """`known` are the paths to choose from."""
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "see `evenflow queues`"
        super().__init__(
            f"no queue {name!r}: {hint}",
            field="queue_id",
            value=name,
            rule=f"must name an existing queue; {hint}",
        )


class QueueClosed(RequestRejected):
    """The queue takes no jobs: it is disabled, or it has queues below it."""

    code = "queue_closed"

    def __init__(self, path: str, rule: str) -> None:
        """`rule` says why."""
        super().__init__(f"queue {path!r} {rule}", field="queue_id", value=path, rule=rule)


@dataclass(slots=True)
class QueueChooser:
    """Chooses the leaf for each submission of a request; `needed` is what must be defined first."""

    state: ShardState
    now: Instant
    new_id: Callable[[], str]
    principal: Principal
    needed: list[Definitions] = field(default_factory=list)
    _chosen: dict[tuple[str | None, str | None], str] = field(default_factory=dict)

    def choose(self, project: str | None, queue: str | None) -> str:
        """Return the path of the leaf. Of projects that are hidden from the asker nothing is said.

        Raises:
            RequestRejected: there is no such queue, or it takes no jobs.
        """
        key = (project, queue)
        if key not in self._chosen:
            self._chosen[key] = self._choose(project, queue)
        return self._chosen[key]

    def _choose(self, project: str | None, queue: str | None) -> str:
        if project is not None:
            check_path(project, field="project_id")
            if "/" in project:
                raise InvalidValue("project_id", project, "must be one level; name the queue apart")
            demand(self.principal, project, Role.MEMBER)
        if queue is not None:
            return self._named(project, queue)
        return self._of_project(project or self._usual_project())

    def _usual_project(self) -> str:
        """Return `default`, or the only project where the asker may submit."""
        principal = self.principal
        mine = [name for name, role in principal.roles.items() if role >= Role.MEMBER]
        if len(mine) == 1 and not principal.may(DEFAULT_PROJECT, Role.MEMBER):
            return mine[0]
        demand(principal, DEFAULT_PROJECT, Role.MEMBER)
        return DEFAULT_PROJECT

    def _named(self, project: str | None, name: str) -> str:
        state = self.state
        found = state.queues.get(f"{project or DEFAULT_PROJECT}/{name}")
        found = (found if project else None) or state.queue(name) or found
        is_hidden = found is None or not sees(self.principal, found.path)
        if found is None or is_hidden or (project and found.project != project):
            raise UnknownQueue(name, [path for path in state.queues if sees(self.principal, path)])
        demand(self.principal, found.project, Role.MEMBER)
        if found.parent is None and not state.is_leaf(found.path):
            return self._of_project(found.path)
        return self._open_leaf(found.path)

    def _of_project(self, project: str) -> str:
        state = self.state
        if project not in state.queues:
            made = project_with_default_queue(project, self.now, self.new_id)
            self.needed.append(made)
            return made.queues[-1].path
        leaves = list(state.leaves_of(project))
        usable = [leaf for leaf in leaves if closed_by(state, leaf.path) is None]
        if not usable:
            raise QueueClosed(project, "has no enabled queue; enable one, or name another project")
        best = min(usable, key=lambda leaf: (-leaf.priority, leaf.created_at, leaf.id))
        return best.path

    def _open_leaf(self, path: str) -> str:
        if not self.state.is_leaf(path):
            below = ", ".join(leaf.path for leaf in self.state.leaves_of(path))
            raise QueueClosed(path, f"has queues below it and jobs go to leaves: {below}")
        if (closed := closed_by(self.state, path)) is not None:
            where = "is disabled" if closed == path else f"lies below {closed}, which is disabled"
            raise QueueClosed(path, f"{where}; enable it or name another queue")
        return path


def closed_by(state: ShardState, path: str) -> str | None:
    """Return the queue at or above `path` that is disabled, if any."""
    return next(
        (p for p in lineage(path) if p in state.queues and not state.queues[p].enabled), None
    )
