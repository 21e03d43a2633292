"""Where live jobs are, which of them may grow, and what their users hold. Follows the fold."""

from collections.abc import Iterator
from typing import Final

from sortedcontainers import SortedList

from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import request_between
from evenflow.common.domain.jobs.spec import JobSpec

Tasks = tuple[TaskPlacement, ...]


class LiveJobs:
    """Live jobs by node and by user, those that a cycle is about to start included."""

    def __init__(self) -> None:
        """Nothing is live."""
        self._on_nodes: Final[dict[str, dict[str, None]]] = {}
        self._counted: Final[dict[str, tuple[JobSpec, Tasks]]] = {}
        # What users hold: kept up to date from when it is asked for, which most shards never do.
        self._of_users: dict[str, dict[str, int]] | None = None
        # Their ids by user, from when they are asked for.
        self._by_user: dict[str, dict[str, None]] | None = None
        # Elastic ones that lack tasks, in the order of their acceptance.
        self.growing: Final[SortedList[tuple[int, str]]] = SortedList()
        # Nodes whose jobs changed, in order; None: nobody follows them yet.
        self.changes: list[str] | None = None
        # The same as a set, for who takes them out; None: nobody does yet.
        self.touched: dict[str, None] | None = None

    def __contains__(self, job_id: str) -> bool:
        """Whether the job is counted."""
        return job_id in self._counted

    def __iter__(self) -> Iterator[str]:
        """Yield the ids of all that are counted."""
        return iter(self._counted)

    def placement_of(self, job_id: str) -> Tasks:
        """Return where the tasks of a job are; none when it is not counted."""
        found = self._counted.get(job_id)
        return () if found is None else found[1]

    def nodes(self) -> list[str]:
        """Return the nodes that hold something, by name."""
        return sorted(self._on_nodes)

    def on_node(self, node: str) -> list[str]:
        """Return the ids of jobs with a task on the node, in order."""
        return sorted(self._on_nodes.get(node, ()))

    def held_by(self, user: str) -> dict[str, int]:
        """Return what a user's jobs hold. Not to be changed."""
        if self._of_users is None:
            self._of_users = {}
            for spec, tasks in self._counted.values():
                self._add(spec, 0, len(tasks), 1)
        return self._of_users.get(user) or {}

    def touch_jobs_of(self, user: str) -> None:
        """The jobs of a user are planned to end at other times."""
        if self._by_user is None:
            self._by_user = {}
            for job_id, (spec, _) in self._counted.items():
                self._by_user.setdefault(spec.user, {})[job_id] = None
        for job_id in self._by_user.get(user, ()):
            self.touch(job_id)

    def touch(self, job_id: str) -> None:
        """A job goes on where it is, but is planned to end at another time."""
        if job_id in self._counted:
            self._tell(self._counted[job_id][1])

    def count(self, job: Job, tasks: Tasks) -> None:
        """Count a job with these tasks; those that it is counted with already come first."""
        spec = job.spec
        job_id, known = spec.id, 0
        if job_id in self._counted:
            known = len(self._counted[job_id][1])
        self._counted[job_id] = (spec, tasks)
        if self._by_user is not None:
            self._by_user.setdefault(spec.user, {})[job_id] = None
        on_nodes, more = self._on_nodes, tasks[known:]
        for task in more:
            on_node = on_nodes.get(task.node)
            if on_node is None:
                on_node = on_nodes[task.node] = {}
            on_node[job_id] = None
        self._tell(more)
        if self._of_users is not None:
            self._add(spec, known, len(tasks), 1)
        if spec.groups and spec.is_elastic:
            entry = (job.accepted_sequence, spec.id)
            self.growing.discard(entry)
            if len(tasks) < spec.tasks:
                self.growing.add(entry)

    def forget(self, job: Job) -> Tasks | None:
        """Count a job no more; return where its tasks were, None when it was not counted."""
        spec = job.spec
        counted = self._counted.pop(spec.id, None)
        if counted is None:
            return None
        _, tasks = counted
        if self._by_user is not None and (of_user := self._by_user.get(spec.user)) is not None:
            of_user.pop(spec.id, None)
            if not of_user:
                del self._by_user[spec.user]
        self._tell(tasks)
        for task in tasks:
            on_node = self._on_nodes.get(task.node)
            if on_node is not None:
                on_node.pop(spec.id, None)
                if not on_node:
                    del self._on_nodes[task.node]
        self._add(spec, 0, len(tasks), -1)
        if spec.is_elastic:
            self.growing.discard((job.accepted_sequence, spec.id))
        return tasks

    def _tell(self, tasks: Tasks) -> None:
        """Those who follow are told of the nodes of tasks."""
        if self.changes is not None:
            self.changes += [task.node for task in tasks]
        if self.touched is not None:
            for task in tasks:
                self.touched[task.node] = None

    def _add(self, spec: JobSpec, first: int, end: int, sign: int) -> None:
        of_users = self._of_users
        if of_users is None:
            return
        held = of_users.setdefault(spec.user, {})
        for name, amount in request_between(spec, first, end).items():
            held[name] = held.get(name, 0) + sign * amount
        if sign < 0 and not any(held.values()):
            del of_users[spec.user]
