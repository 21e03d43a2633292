"""What outlooks look at: rooms, what runs in them, and when that is planned to end."""

from typing import Final, NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import TaskPlacement
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.estimates.planning import Planning
from evenflow.policy_engine.core.estimates.run_times import ENDLESS, OVERDUE
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.live_jobs import LiveJobs
from evenflow.policy_engine.core.placement.nodes.request import Request

LONGEST_LOG: Final = 65_536  # changes kept; who missed more looks at all nodes
Part = tuple[Request, tuple[int, ...]]
"""What one task holds of a node: the request, and its devices."""
Ends = list[tuple[Instant, str, list[Part]]]
"""By planned end, then by id: who is on a node, with what each holds there."""


class _Known(NamedTuple):
    """Ends that were worked out, until a planned one is missed."""

    until: Instant
    ends: Ends


class PlannedEnds:
    """Who is where until when, worked out once for all outlooks after each change of a node."""

    def __init__(self, shard: ShardState, rooms: Rooms, live: LiveJobs, planning: Planning) -> None:
        """All are followed as they change."""
        self.rooms: Final = rooms
        self._shard: Final = shard
        self._live: Final = live
        self._planning: Final = planning
        self._known: dict[str, _Known] = {}
        self._dropped = 0  # changes that are no longer in the log
        self._seen = 0

    def changes(self, cursor: int, most: int | None = None) -> tuple[list[str] | None, int]:
        """Return the nodes that changed since `cursor`, None: too many to know; and the next one.

        A cursor below 0 has seen nothing. At most `most` changes are told of, where that is given.
        """
        log = self._live.changes
        if log is None:
            log = self._live.changes = []
        if len(log) > LONGEST_LOG:
            self._follow(log)
            self._dropped += len(log) // 2
            del log[: len(log) // 2]
        end = self._dropped + len(log)
        if cursor < self._dropped:
            return None, end
        if most is not None and end - cursor > most:
            start = cursor - self._dropped
            return list(dict.fromkeys(log[start : start + most])), cursor + most
        return list(dict.fromkeys(log[cursor - self._dropped :])), end

    def ends_on(self, name: str, now: Instant) -> Ends:
        """Return who is on a node. Not to be changed."""
        if self._live.changes is not None:
            self._follow(self._live.changes)
        known = self._known.get(name)
        if known is None or known.until <= now:
            known = self._known[name] = self._work_out(name, now)
        return known.ends

    def parts(
        self, spec: JobSpec, tasks: tuple[TaskPlacement, ...], name: str, first: int = 0
    ) -> list[Part]:
        """Return what the tasks, from `first` on, hold of one node."""
        asks = self.rooms.shape_of(spec).tasks[first:]
        return [
            (ask.request, task.devices)
            for ask, task in zip(asks, tasks, strict=False)
            if task.node == name
        ]

    def _follow(self, log: list[str]) -> None:
        """Forget what is known of nodes that changed since."""
        end = self._dropped + len(log)
        if self._seen < end:
            for name in log[max(0, self._seen - self._dropped) :]:
                self._known.pop(name, None)
            self._seen = end

    def _work_out(self, name: str, now: Instant) -> _Known:
        found: Ends = []
        until, jobs = ENDLESS, self._shard.jobs
        for job_id in self._live.on_node(name):
            job = jobs[job_id]
            end = OVERDUE if job.must_stop else self._planning.end(job, now)
            if now < end < until:
                until = end
            found.append((end, job_id, self.parts(job.spec, self._live.placement_of(job_id), name)))
        found.sort(key=_by_end)
        return _Known(until, found)


def _by_end(each: tuple[Instant, str, list[Part]]) -> tuple[Instant, str]:
    return each[0], each[1]
