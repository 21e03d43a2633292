"""What the log has told so far, indexed for deciding. Follows the fold; changes nothing in it."""

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.fold.folded import Folded
from evenflow.common.domain.jobs.job import Job, JobState
from evenflow.common.domain.jobs.placed_tasks import PlacedTasks, placed_tasks_of
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.queues.queue import lineage
from evenflow.common.domain.resources import Resources
from evenflow.common.domain.usage.snapshot import UsageSnapshot
from evenflow.policy_engine.core.ordering.leaf_policies import ranking_of
from evenflow.policy_engine.core.placement.assumed import Assumed
from evenflow.policy_engine.core.placement.live_jobs import Tasks
from evenflow.policy_engine.core.state.indexes import Indexes


class EngineState(Indexes):
    """The shard's state with the indexes a cycle needs, kept up to date between cycles.

    What a cycle decides is assumed in the indexes until the log tells what became of it: it is
    confirmed by the fold of the decision, or taken back before the next cycle.
    """

    def use(self, usage: UsageSnapshot | None, sequence: int) -> None:
        """Decide with this usage snapshot from now on; `sequence` of its fact, 0 for none."""
        if sequence == self.usage_sequence:
            return
        self.forget_assumed()
        self.usage, self.usage_sequence = usage, sequence
        self.shares.use(usage)
        self.history.use(usage, [self.shard.jobs[job_id] for job_id in self.live])
        self.waiting.rerank(ranking_of(self.shard.settings, usage))
        self.contention.starved.changed.update(dict.fromkeys(self.shares.refresh()))
        for path in self.waiting.paths():
            if path in self.shard.queues:
                self.waiting.rekey(path, self.key_of(path))

    def wake(self, now: Instant) -> None:
        """Let delayed jobs wait, and rested nodes take work, once their time has come."""
        self._woken_at = now
        rested = sorted(n for n in self._resting if not self.shard.is_resting(n, now))
        if rested:
            self._note_nodes(rested)
        super().wake(now)

    def note(self, folded: Folded) -> None:
        """Follow what one fold touched."""
        if folded.is_everything_touched:
            self.rebuild()
            return
        if folded.nodes or folded.queues:
            self.forget_assumed()
        confirmed = self._confirm(folded)
        if not confirmed:
            self.commitments.follow()
        if folded.is_usage_touched:
            self.history.forget_ended()
        self._note_ends(folded)
        for job_id, job in folded.jobs.items():
            if job_id not in confirmed:
                self._note_job(job_id, job)
        if folded.nodes:
            self._note_nodes(sorted(folded.nodes))
        for path in sorted(folded.queues):
            self._define(path)
        self.reserved.follow(folded)
        self.contention.note(folded, self.assumed)

    def _note_ends(self, folded: Folded) -> None:
        """Settle what ended attempts were charged, and plan by the runs that are known now."""
        for ended in folded.attempts_ended:
            self.history.end(ended.spec, ended.placed_tasks, ended.ended_at)
        if not self.planning.is_by_limit:
            users = [ended.spec.user for ended in folded.attempts_ended]
            for user in dict.fromkeys(users + folded.users_forgotten):
                self.planning.forget(user)
                self.live.touch_jobs_of(user)

    def _confirm(self, folded: Folded) -> dict[str, Tasks]:
        """Take note that placements stand as they were assumed: room and turns are right already.

        Returns:
            All that were assumed, if this is the fold of that decision and all of them stand.
        """
        if not self.assumed.stands_in(folded):
            return {}
        assumed, jobs = self.assumed.placements, folded.jobs
        self.assumed = Assumed()
        if len(assumed) == len(jobs) and not folded.attempts_ended:
            self.commitments.confirm()
        else:
            self.commitments.clear()
        for job_id in assumed:
            self.live.touch(job_id)
            if self.usage is not None:
                self._charge_anew(jobs[job_id])
        return assumed

    def forget_assumed(self) -> None:
        """Forget what the last cycle decided and the log does not tell of."""
        if self.assumed:
            assumed, self.assumed = self.assumed, Assumed()
            for job_id, tasks in assumed.growths.items():
                self._ungrow(self.shard.jobs[job_id], tasks)
            for job_id, tasks in assumed.placements.items():
                self._unplace(self.shard.jobs[job_id], tasks)
                self._wait(self.shard.jobs[job_id])
            self.contention.follow_claims((), self.assumed)

    def assume_placement(self, job: Job, tasks: Tasks, whole: Resources, now: Instant) -> None:
        """A cycle places a job: its room is taken already."""
        spec = job.spec
        self.assumed.placements[spec.id] = tasks
        self.commitments.add(spec.id, spec.queue, whole, spec.job_type)
        if self.usage is not None:
            self.history.charge(spec, [PlacedTasks(0, len(tasks), now)])
        self.live.count(job, tasks)
        self.waiting.remove(spec.id)
        if self._delayed:
            self._delayed.discard(
                spec.id
            )  # it may start where room was kept for it, back-off or not
        self._moved(job)

    def assume_growth(self, job: Job, tasks: Tasks, now: Instant) -> None:
        """A cycle lets a gang grow: its room is taken already."""
        spec, first = job.spec, len(job.placement)
        self.assumed.growths[spec.id] = tasks
        self.commitments.remove(spec.id)
        whole = whole_request(spec, first + len(tasks))
        self.commitments.add(spec.id, spec.queue, whole, spec.job_type)
        self.history.charge(spec, [PlacedTasks(first, first + len(tasks), now)])
        self.live.count(job, job.placement + tasks)
        self._moved(job)

    def _note_job(self, job_id: str, job: Job) -> None:
        is_here = job_id in self.shard.jobs
        assumed = self.assumed.placements.pop(job_id, None)
        if assumed is not None:
            if is_here and job.is_live and job.placement == assumed:
                self.commitments.forget(job_id)
                self.live.touch(job_id)
                if self.usage is not None:
                    self._charge_anew(job)
                return
            self._unplace(job, assumed)
        elif is_here and job.is_live and job_id in self.live:
            self.live.touch(job_id)
            self._note_growth(job)
            return  # it moved on where it is
        elif self._waits_on(job):
            return  # only its reason is another
        self._forget(job)
        if not is_here:
            self._demand.drop(job_id)
            return
        self._demand.ask(job)
        if job.is_live:
            self.rooms.take(job.spec, job.placement)
            self.live.count(job, job.placement)
            self.history.charge(job.spec, placed_tasks_of(job))
            self._moved(job)
        elif job.state is JobState.PENDING:
            self._wait(job)

    def _charge_anew(self, job: Job) -> None:
        """Charge a job by when it was placed as the log tells it."""
        self.history.settle(job.spec)
        self.history.charge(job.spec, placed_tasks_of(job))
        self._moved(job)

    def _waits_on(self, job: Job) -> bool:
        """Whether a job waits where it is indexed, unchanged."""
        job_id = job.spec.id
        is_same = job.state is JobState.PENDING and self._demand.is_counted(job.spec)
        return is_same and job_id not in self.live

    def _note_growth(self, job: Job) -> None:
        job_id = job.spec.id
        assumed = self.assumed.growths.pop(job_id, None)
        known = len(self.live.placement_of(job_id)) - len(assumed or ())
        if len(job.placement) == known and assumed is None:
            return
        if assumed is not None and job.placement[known:] != assumed:
            self._ungrow(job, assumed)
            assumed = None
        if assumed is None:
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
        self.waiting.rerank(self.waiting.ranking)  # users hold other parts of the whole

    def _note_node(self, name: str) -> None:
        node = self.shard.nodes.get(name)
        self._look_for_loss(name)
        self._touch_node(name)
        self._resting.discard(name)
        if name in self.lost_nodes or node is None or name in self.shard.cordoned:
            self.rooms.drop(name)
        else:
            held = self.contention.claimed.with_claims(name, self.shard.ledger.nodes.get(name))
            self.rooms.put(node, held)
            self._let_rest(name)

    def _unplace(self, job: Job, tasks: Tasks) -> None:
        """Take back a placement that was assumed; the job waits nowhere then."""
        self.rooms.release(job.spec, tasks)
        self.live.forget(job)
        self._loosen(job)

    def _ungrow(self, job: Job, tasks: Tasks) -> None:
        """Take back a growth that was assumed."""
        held = self.live.placement_of(job.spec.id)
        kept = held[: len(held) - len(tasks)]
        self.rooms.release(job.spec, tasks, len(kept))
        self.live.forget(job)
        self.live.count(job, kept)
        self._loosen(job)
        self.history.charge(job.spec, placed_tasks_of(job))

    def _loosen(self, job: Job) -> None:
        self.commitments.forget(job.spec.id)
        self.history.settle(job.spec)
        self.loosened.update(dict.fromkeys(lineage(job.spec.queue)))
        self._moved(job)

    def _define(self, path: str) -> None:
        """Order and judge a project's jobs anew: policies, limits or quotas may have changed."""
        project = path.partition("/")[0]
        self.keys.define()
        self._unpark(project)
        self.shares.define(path)
        self.waiting.define(project)
        for known in self.waiting.paths():
            is_inside = known == project or known.startswith(f"{project}/")
            if is_inside and known in self.shard.queues:
                self.waiting.rekey(known, self.key_of(known))
