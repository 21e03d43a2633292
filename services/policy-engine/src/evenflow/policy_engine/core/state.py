"""What the log has told so far, indexed for deciding. Follows the fold; changes nothing in it."""

from dataclasses import dataclass, field

from sortedcontainers import SortedList

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.cohort import Cohort, cohorts_of
from evenflow.common.domain.decisions import PendingReason
from evenflow.common.domain.folded import Folded
from evenflow.common.domain.job import Job, JobSpec, JobState, whole_request
from evenflow.common.domain.policy import PARTS, Policy, Ranking, Standing
from evenflow.common.domain.queue import lineage
from evenflow.common.domain.resources import Resources, units_per_base
from evenflow.common.domain.state import ShardState
from evenflow.common.domain.usage import UsageSnapshot
from evenflow.policy_engine.core.commitments import Commitments
from evenflow.policy_engine.core.gates import scope_of
from evenflow.policy_engine.core.history import History
from evenflow.policy_engine.core.keys import Keys
from evenflow.policy_engine.core.live import LiveJobs, Tasks
from evenflow.policy_engine.core.placement import Rooms, Shape
from evenflow.policy_engine.core.plugins import OURS, Plugins
from evenflow.policy_engine.core.policies import FIFO
from evenflow.policy_engine.core.shares import Shares
from evenflow.policy_engine.core.turns import Key
from evenflow.policy_engine.core.waiting import Waiting


@dataclass(slots=True)
class Effort:
    """What all cycles have looked at: it should follow what changed, not what waits."""

    shapes_tried: int = 0
    queues_touched: int = 0


@dataclass(slots=True)
class Meant:
    """What a cycle has decided and the log has not told yet: tasks by job, and further tasks."""

    placements: dict[str, Tasks] = field(default_factory=dict)
    growths: dict[str, Tasks] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is still to be told."""
        return bool(self.placements or self.growths)


class EngineState:
    """The shard's state with the indexes a cycle needs, kept up to date between cycles.

    What a cycle means to do stays in the indexes until the log tells what became of it: it is
    confirmed by the fold of the decision, or taken back before the next cycle.

    Parked jobs were found to fit nowhere as things are; they are looked at again when nodes,
    queues, quotas or settings change.
    """

    def __init__(self, shard: ShardState, plugins: Plugins = OURS) -> None:
        """Index a state that was loaded or is empty."""
        self.shard = shard
        self.plugins = plugins
        self.effort = Effort()
        self.usage: UsageSnapshot | None = None
        self.usage_sequence = 0
        self.rebuild()

    def rebuild(self) -> None:
        """Index everything anew: after a load, and when settings changed."""
        shard = self.shard
        self.rooms = Rooms(shard.settings)
        self.commitments = Commitments(shard)
        self.meant = Meant()
        self.live = LiveJobs()
        self.shares = Shares(shard, self.rooms.capacity)
        self.history = History(shard)
        self._keys = Keys(shard, self.shares, self.history)
        self.waiting = Waiting(
            shard,
            policy_of=self.policy_of,
            scope_of=lambda leaf: scope_of(shard, leaf, self.plugins.quotas.name),
            key_of=self.key_of,
            standing_of=self._standing_of,
        )
        self.waiting.ranking = self._ranking()
        self.parked: dict[str, dict[str, PendingReason]] = {}  # by project, then by job
        self.untold: dict[str, None] = {}  # parked jobs that may not have been told why
        self.loosened: dict[str, None] = {}  # levels that hold less than at the last cycle
        self.tightened: dict[str, None] = {}  # that hold more; until jobs were told of it
        self._delayed: SortedList[tuple[Instant, str]] = SortedList()
        self._due: dict[str, Instant] = {}
        # What each job asks for when all its tasks run: leaf, shape, amounts.
        self._requests: dict[str, tuple[str, Shape, dict[str, int]]] = {}
        self._specs: dict[str, JobSpec] = {}  # of those that wait, as they were indexed
        self.lost: dict[str, None] = {}  # nodes that are gone or not ready
        for node in sorted(shard.usable_nodes(), key=lambda node: node.name):
            self.rooms.put(node, None)
        self.shares.use(self.usage)
        live = [job for job in shard.jobs.values() if job.is_live]
        self.history.use(self.usage, live)
        for job in live:
            self.rooms.take(job.spec, job.placement)
            self.live.count(job, job.placement)
        for job in shard.jobs.values():
            self._ask(job)
            if job.state is JobState.PENDING:
                self._wait(job)
        for name in self.live.nodes():
            self._look_for_loss(name)
        self.refresh_shares()

    def use(self, usage: UsageSnapshot | None, sequence: int) -> None:
        """Decide with this usage snapshot from now on; `sequence` of its fact, 0 for none."""
        if sequence == self.usage_sequence:
            return
        self.take_back()
        self.usage, self.usage_sequence = usage, sequence
        self.shares.use(usage)
        self.history.use(usage, [self.shard.jobs[job_id] for job_id in self.live])
        self.waiting.rank_anew(self._ranking())
        self.shares.refresh()
        for path in self.waiting.paths():
            if path in self.shard.queues:
                self.waiting.rekey(path, self.key_of(path))

    def note(self, folded: Folded) -> None:
        """Follow what one fold touched."""
        if folded.is_everything_touched:
            self.rebuild()
            return
        if folded.nodes or folded.queues:
            self.take_back()
        confirmed = self._confirm(folded)
        if not confirmed:
            self.commitments.follow()
        if folded.is_usage_touched:
            self.history.forget_ended()
        for ended in folded.attempts_ended:
            self.history.end(ended.spec, ended.cohorts, ended.ended_at)
        for job_id, job in folded.jobs.items():
            if job_id not in confirmed:
                self._note_job(job_id, job)
        if folded.nodes:
            self._note_nodes(sorted(folded.nodes))
        for path in sorted(folded.queues):
            self._define(path)

    def _confirm(self, folded: Folded) -> dict[str, Tasks]:
        """Take note that placements stand as they were meant: room and turns are right already.

        Returns:
            All that were meant, if this is the fold of that decision and all of them stand.
        """
        meant, jobs = self.meant.placements, folded.jobs
        if not meant or self.meant.growths or len(meant) > len(jobs):
            return {}
        for job_id, tasks in meant.items():
            job = jobs.get(job_id)
            if job is None or not job.is_live or job.placement != tasks:
                return {}
        self.meant = Meant()
        if len(meant) == len(jobs) and not folded.attempts_ended:
            self.commitments.confirm()
        else:
            self.commitments.clear()
        if self.usage is not None:
            for job_id in meant:
                self._charge_anew(jobs[job_id])
        return meant

    def take_back(self) -> None:
        """Forget what the last cycle meant to do and the log does not tell of."""
        if self.meant:
            meant, self.meant = self.meant, Meant()
            for job_id, tasks in meant.growths.items():
                self._ungrow(self.shard.jobs[job_id], tasks)
            for job_id, tasks in meant.placements.items():
                self._unplace(self.shard.jobs[job_id], tasks)
                self._wait(self.shard.jobs[job_id])

    def wake(self, now: Instant) -> None:
        """Let delayed jobs wait in their queues once their time has come."""
        while self._delayed and self._delayed[0][0] <= now:
            _, job_id = self._delayed.pop(0)
            del self._due[job_id]
            self._enqueue(self.shard.jobs[job_id])

    def next_wake(self) -> Instant | None:
        """Return when the next delayed job is due."""
        return self._delayed[0][0] if self._delayed else None

    def park(self, job: Job, reason: PendingReason) -> None:
        """Leave a job out of the order until something changes that may help it."""
        self.waiting.remove(job.spec.id)
        self.parked.setdefault(job.spec.project, {})[job.spec.id] = reason
        self.untold[job.spec.id] = None

    def live_jobs_on(self, node: str) -> list[str]:
        """Return the ids of live jobs with a task on the node, in order."""
        return self.live.on_node(node)

    def mean_placement(self, job: Job, tasks: Tasks, whole: Resources, now: Instant) -> None:
        """A cycle places a job: its room is taken already."""
        spec = job.spec
        self.meant.placements[spec.id] = tasks
        self.commitments.add(spec.id, spec.queue, whole, spec.job_type)
        if self.usage is not None:
            self.history.charge(spec, [Cohort(0, len(tasks), now)])
        self.live.count(job, tasks)
        self.waiting.remove(spec.id)
        self._moved(job)

    def mean_growth(self, job: Job, tasks: Tasks, now: Instant) -> None:
        """A cycle lets a gang grow: its room is taken already."""
        spec, first = job.spec, len(job.placement)
        self.meant.growths[spec.id] = tasks
        self.commitments.remove(spec.id)
        whole = whole_request(spec, first + len(tasks))
        self.commitments.add(spec.id, spec.queue, whole, spec.job_type)
        self.history.charge(spec, [Cohort(first, first + len(tasks), now)])
        self.live.count(job, job.placement + tasks)
        self._moved(job)

    def rekey(self, leaf: str) -> None:
        """What a leaf and those above it hold or have used has changed."""
        levels = lineage(leaf)
        self.effort.queues_touched += len(levels)
        key_of, held, rekey = self._keys.of, self.commitments.resources, self.waiting.rekey
        for path in levels:
            rekey(path, key_of(path, held(path)))

    def refresh_shares(self) -> None:
        """Divide anew where that is due, and let turns follow."""
        for path in self.shares.refresh():
            self.waiting.rekey(path, self.key_of(path))

    def key_of(self, path: str) -> Key:
        """Return the key by which a queue waits for its turn."""
        return self._keys.of(path, self.commitments.resources(path))

    @property
    def keys(self) -> Keys:
        """By what queues take turns."""
        return self._keys

    def standing_of(self, leaf: str, user: str) -> Standing:
        """Return how a user stands in a leaf, as its policy is told."""
        found = self.waiting.leaf_users(leaf)
        return self._standing_of(leaf, user, max(1, found))

    def policy_of(self, leaf: str) -> Policy:
        """Return the policy by which a leaf orders its jobs: its own, or the nearest above it.

        At last the shard's. A policy that is not known here counts as none was named, and the last
        resort is `fifo`: only the order inside that queue is at stake, while holding its jobs back
        would stop work. `unknown_policies` tells of it.
        """
        known = self.plugins.policies
        for path in reversed(lineage(leaf)):
            if found := known.get(self.shard.queues[path].policy or ""):
                return found
        return known.get(self.shard.settings.policy) or FIFO

    def unknown_policies(self) -> dict[str, str]:
        """Return the queues that name a policy which is not known here, by path."""
        known = self.plugins.policies
        return {
            path: queue.policy
            for path, queue in sorted(self.shard.queues.items())
            if queue.policy and queue.policy not in known
        }

    def _ranking(self) -> Ranking:
        """Return what ranks may look at: what stays until the next usage snapshot."""
        usage, settings = self.usage, self.shard.settings
        if usage is None:
            return Ranking(settings, 0)
        capacity = {
            name: int(amount * units_per_base(name)) for name, amount in usage.capacity.items()
        }
        return Ranking(settings, usage.generated_at, capacity)

    def _standing_of(self, leaf: str, user: str, users: int) -> Standing:
        history, capacity = self.history, self.rooms.capacity
        allocated = 0
        for name, amount in self.live.held_by(user).items():
            if (total := capacity.get(name, 0)) > 0:
                allocated = max(allocated, amount * PARTS // total)
        return Standing(
            user, history.usage(("", user)), history.usage((leaf, user)), allocated, users
        )

    def _note_job(self, job_id: str, job: Job) -> None:
        is_here = job_id in self.shard.jobs
        meant = self.meant.placements.pop(job_id, None)
        if meant is not None:
            if is_here and job.is_live and job.placement == meant:
                self.commitments.forget(job_id)
                if self.usage is not None:
                    self._charge_anew(job)
                return
            self._unplace(job, meant)
        elif is_here and job.is_live and job_id in self.live:
            self._note_growth(job)
            return  # it moved on where it is
        elif self._waits_on(job):
            return  # only its reason is another
        self._forget(job)
        if not is_here:
            self._unask(job_id)
            return
        self._ask(job)
        if job.is_live:
            self.rooms.take(job.spec, job.placement)
            self.live.count(job, job.placement)
            self.history.charge(job.spec, cohorts_of(job))
            self._moved(job)
        elif job.state is JobState.PENDING:
            self._wait(job)

    def _charge_anew(self, job: Job) -> None:
        """Charge a job by when it was placed as the log tells it."""
        self.history.settle(job.spec)
        self.history.charge(job.spec, cohorts_of(job))
        self._moved(job)

    def _waits_on(self, job: Job) -> bool:
        """Whether a job waits where it is indexed, unchanged."""
        job_id = job.spec.id
        is_same = job.state is JobState.PENDING and job.spec is self._specs.get(job_id)
        return is_same and job_id not in self.live

    def _note_growth(self, job: Job) -> None:
        job_id = job.spec.id
        meant = self.meant.growths.pop(job_id, None)
        known = len(self.live.placement_of(job_id)) - len(meant or ())
        if len(job.placement) == known and meant is None:
            return
        if meant is not None and job.placement[known:] != meant:
            self._ungrow(job, meant)
            meant = None
        if meant is None:
            self.rooms.take(job.spec, job.placement[known:], first=known)
            self.live.count(job, job.placement)
        self.commitments.forget(job_id)
        self._charge_anew(job)

    def _note_nodes(self, names: list[str]) -> None:
        for name in names:
            self._note_node(name)
        for project in list(self.parked):
            self._unpark(project)
        self.waiting.open_all()  # what waits for room may not fit any more at all
        self.waiting.rank_anew(self.waiting.ranking)  # users hold other parts of the whole

    def _note_node(self, name: str) -> None:
        node = self.shard.nodes.get(name)
        self._look_for_loss(name)
        if name in self.lost or node is None or name in self.shard.cordoned:
            self.rooms.drop(name)
        else:
            self.rooms.put(node, self.shard.ledger.nodes.get(name))

    def _look_for_loss(self, name: str) -> None:
        node = self.shard.nodes.get(name)
        if node is None or not node.is_ready:
            self.lost[name] = None
        else:
            self.lost.pop(name, None)

    def _wait(self, job: Job) -> None:
        self._specs[job.spec.id] = job.spec
        if job.not_before:
            self._due[job.spec.id] = job.not_before
            self._delayed.add((job.not_before, job.spec.id))
        else:
            self._enqueue(job)

    def _enqueue(self, job: Job) -> None:
        self.waiting.add(job, self.rooms.shape_of(job.spec))

    def _forget(self, job: Job) -> None:
        """Take a job out of its place."""
        job_id = job.spec.id
        if self.meant.growths.pop(job_id, None) is not None:
            self.commitments.forget(job_id)
        tasks = self.live.forget(job)
        if tasks is not None:
            self.rooms.give(job.spec, tasks)
            self.history.settle(job.spec)
            self.loosened.update(dict.fromkeys(lineage(job.spec.queue)))
            self._moved(job)
        self.waiting.remove(job_id)
        if (due := self._due.pop(job_id, None)) is not None:
            self._delayed.remove((due, job_id))
        if parked := self.parked.get(job.spec.project):
            parked.pop(job_id, None)
        self.untold.pop(job_id, None)
        self._specs.pop(job_id, None)

    def _moved(self, job: Job) -> None:
        self.rekey(job.spec.queue)
        self.waiting.stand_otherwise(job.spec.user)

    def _ask(self, job: Job) -> None:
        """Count what a job asks for, once; a changed job may ask the same."""
        if job.spec.id not in self._requests:
            wanted = whole_request(job.spec, job.spec.tasks)
            shape = self.rooms.shape_of(job.spec)
            self._requests[job.spec.id] = (job.spec.queue, shape, wanted)
            self.rooms.count(shape, 1)
            self.shares.request(job.spec.queue, wanted, 1)

    def _unask(self, job_id: str) -> None:
        found = self._requests.pop(job_id, None)
        if found is not None:
            leaf, shape, wanted = found
            self.rooms.count(shape, -1)
            self.shares.request(leaf, wanted, -1)

    def _unplace(self, job: Job, tasks: Tasks) -> None:
        """Take back a placement that a cycle meant; the job waits nowhere then."""
        self.rooms.give(job.spec, tasks)
        self.live.forget(job)
        self._loosen(job)

    def _ungrow(self, job: Job, tasks: Tasks) -> None:
        """Take back a growth that a cycle meant."""
        held = self.live.placement_of(job.spec.id)
        kept = held[: len(held) - len(tasks)]
        self.rooms.give(job.spec, tasks, len(kept))
        self.live.forget(job)
        self.live.count(job, kept)
        self._loosen(job)
        self.history.charge(job.spec, cohorts_of(job))

    def _loosen(self, job: Job) -> None:
        self.commitments.forget(job.spec.id)
        self.history.settle(job.spec)
        self.loosened.update(dict.fromkeys(lineage(job.spec.queue)))
        self._moved(job)

    def _unpark(self, project: str) -> None:
        for job_id in sorted(self.parked.pop(project, ())):
            self.untold.pop(job_id, None)
            self._enqueue(self.shard.jobs[job_id])

    def _define(self, path: str) -> None:
        """Order and judge a project's jobs anew: policies, limits or quotas may have changed."""
        project = path.partition("/")[0]
        self._keys.define()
        self._unpark(project)
        self.shares.define(path)
        self.waiting.define(project)
        for known in self.waiting.paths():
            is_inside = known == project or known.startswith(f"{project}/")
            if is_inside and known in self.shard.queues:
                self.waiting.rekey(known, self.key_of(known))
