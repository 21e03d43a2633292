"""What the log has told so far, indexed for deciding. Follows the fold; changes nothing in it."""

from sortedcontainers import SortedList

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.folded import Folded
from evenflow.common.domain.job import Job, JobState
from evenflow.common.domain.policy import JobKey, Policy
from evenflow.common.domain.state import ShardState
from evenflow.policy_engine.core.plugins import OURS, Plugins
from evenflow.policy_engine.core.policies import FIFO
from evenflow.policy_engine.core.rooms import Rooms


class EngineState:
    """The shard's state with the indexes a cycle needs, kept up to date between cycles.

    Parked jobs were found to fit nowhere as things are; they are looked at again when nodes,
    queues, quotas or settings change. Until then they would be told the same, whatever is held, so
    a replay that parks them at another moment decides the same.
    """

    def __init__(self, shard: ShardState, plugins: Plugins = OURS) -> None:
        """Index a state that was loaded or is empty."""
        self.shard = shard
        self.plugins = plugins
        # By leaf and job type, in the queue's order: a type at its limit is skipped as a whole.
        self.waiting: dict[str, dict[str, SortedList[JobKey]]] = {}
        self.rooms = Rooms()
        self.parked: dict[str, set[str]] = {}  # by project
        self._delayed: SortedList[tuple[Instant, str]] = SortedList()
        # Waiting job to its leaf, type and key.
        self._keys: dict[str, tuple[str, str, JobKey]] = {}
        self._due: dict[str, Instant] = {}  # delayed job to its time
        self._on_nodes: dict[str, set[str]] = {}  # node to the live jobs placed there
        self._nodes_of: dict[str, tuple[str, ...]] = {}
        self.lost: set[str] = set()  # nodes that are gone or not ready
        self.rebuild()

    def rebuild(self) -> None:
        """Index everything anew: after a load, and when settings changed."""
        shard = self.shard
        self.rooms = Rooms(shard.settings.headroom_milli)
        self.waiting.clear()
        self.parked.clear()
        self._delayed.clear()
        self._keys.clear()
        self._due.clear()
        self._on_nodes.clear()
        self._nodes_of.clear()
        for node in shard.usable_nodes():
            self.rooms.put(node, shard.ledger.nodes.get(node.name))
        for job in shard.jobs.values():
            self._index(job)
        in_use = sorted(self._on_nodes)
        self.lost = {n for n in in_use if n not in shard.nodes or not shard.nodes[n].is_ready}

    def note(self, folded: Folded) -> None:
        """Follow what one fold touched."""
        if folded.is_everything_touched:
            self.rebuild()
            return
        self._note_jobs(folded)
        for name in sorted(folded.nodes):
            self._note_node(name)
        if folded.nodes:
            for project in list(self.parked):
                self._unpark(project)
        for path in sorted(folded.queues):
            self._requeue(path)

    def wake(self, now: Instant) -> None:
        """Let delayed jobs wait in their queues once their time has come."""
        while self._delayed and self._delayed[0][0] <= now:
            _, job_id = self._delayed.pop(0)
            del self._due[job_id]
            self._enqueue(self.shard.jobs[job_id])

    def next_wake(self) -> Instant | None:
        """Return when the next delayed job is due."""
        return self._delayed[0][0] if self._delayed else None

    def park(self, job: Job) -> None:
        """Leave a job out of the order until something changes that may help it."""
        self._remove(*self._keys.pop(job.spec.id))
        self.parked.setdefault(job.spec.project, set()).add(job.spec.id)

    def live_jobs_on(self, node: str) -> list[str]:
        """Return the ids of live jobs with a task on the node, in order."""
        return sorted(self._on_nodes.get(node, ()))

    def policy_of(self, leaf: str) -> Policy:
        """Return the policy by which the leaf orders its jobs: its own, or the shard's.

        A policy that is not known here counts as none was named, and the last resort is `fifo`:
        only the order inside that queue is at stake, while holding its jobs back would stop work.
        `unknown_policies` tells of it.
        """
        known = self.plugins.policies
        own = known.get(self.shard.queues[leaf].policy or "")
        return own or known.get(self.shard.settings.policy) or FIFO

    def unknown_policies(self) -> dict[str, str]:
        """Return the queues that name a policy which is not known here, by path."""
        known = self.plugins.policies
        return {
            path: queue.policy
            for path, queue in sorted(self.shard.queues.items())
            if queue.policy and queue.policy not in known
        }

    def _note_jobs(self, folded: Folded) -> None:
        held: set[str] = set()  # nodes whose room changed, each looked at once
        for job_id, job in folded.jobs.items():
            was_live = job_id in self._nodes_of
            if was_live and job.is_live:
                continue  # it moved on where it is
            held.update(self._forget(job))
            if job_id in self.shard.jobs:
                held.update(self._index(job))
        for name in sorted(held):
            self.rooms.refresh(name, self.shard.ledger.nodes.get(name))

    def _note_node(self, name: str) -> None:
        node = self.shard.nodes.get(name)
        if node is None or not node.is_ready:
            self.lost.add(name)
            self.rooms.drop(name)
            return
        self.lost.discard(name)
        if name in self.shard.cordoned:
            self.rooms.drop(name)
        else:
            self.rooms.put(node, self.shard.ledger.nodes.get(name))

    def _index(self, job: Job) -> tuple[str, ...]:
        """Find a job its place; return the nodes that it has come to hold."""
        names: tuple[str, ...] = ()
        if job.is_live:
            names = tuple(sorted({task.node for task in job.placement}))
            self._nodes_of[job.spec.id] = names
            for name in names:
                self._on_nodes.setdefault(name, set()).add(job.spec.id)
        elif job.state is JobState.PENDING:
            if job.not_before:
                self._due[job.spec.id] = job.not_before
                self._delayed.add((job.not_before, job.spec.id))
            else:
                self._enqueue(job)
        return names

    def _forget(self, job: Job) -> tuple[str, ...]:
        """Take a job out of its place; return the nodes that it held."""
        job_id = job.spec.id
        names = self._nodes_of.pop(job_id, ())
        for name in names:
            on_node = self._on_nodes[name]
            on_node.discard(job_id)
            if not on_node:
                del self._on_nodes[name]
        if (waiting := self._keys.pop(job_id, None)) is not None:
            self._remove(*waiting)
        if (due := self._due.pop(job_id, None)) is not None:
            self._delayed.remove((due, job_id))
        if parked := self.parked.get(job.spec.project):
            parked.discard(job_id)
        return names

    def _enqueue(self, job: Job) -> None:
        leaf = job.spec.queue
        key = self.policy_of(leaf).key(job)
        by_type = self.waiting.get(leaf)
        if by_type is None:
            by_type = self.waiting[leaf] = {}
        keys = by_type.get(job.spec.job_type)
        if keys is None:
            keys = by_type[job.spec.job_type] = SortedList()
        keys.add(key)
        self._keys[job.spec.id] = (leaf, job.spec.job_type, key)

    def _remove(self, leaf: str, job_type: str, key: JobKey) -> None:
        by_type = self.waiting[leaf]
        keys = by_type[job_type]
        keys.remove(key)
        if not keys:
            del by_type[job_type]
            if not by_type:
                del self.waiting[leaf]

    def _unpark(self, project: str) -> None:
        for job_id in sorted(self.parked.pop(project, ())):
            self._enqueue(self.shard.jobs[job_id])

    def _requeue(self, path: str) -> None:
        """Order a queue's jobs anew: its policy, limits or quota may have changed."""
        self._unpark(path.partition("/")[0])
        if path in self.shard.queues and path in self.waiting:
            for keys in self.waiting.pop(path).values():
                for key in keys:
                    self._enqueue(self.shard.jobs[key[-1]])
