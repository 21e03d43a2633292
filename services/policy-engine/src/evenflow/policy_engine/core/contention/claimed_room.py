"""Room that is kept for jobs until others have stopped: taken like that of jobs that run."""

from collections.abc import Callable, Iterable
from typing import Final

from evenflow.common.domain.jobs.requests import requests_of
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.ledger import NodeHeld, device_parts
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.policy_engine.core.placement import Rooms
from evenflow.policy_engine.core.placement.assumed import Assumed
from evenflow.policy_engine.core.placement.live_jobs import Tasks


class ClaimedRoom:
    """Follows the claims of the log in the rooms.

    While victims run, more is taken of their nodes than these have; what they leave is nobody
    else's then.
    """

    def __init__(self, shard: ShardState, rooms: Rooms, touch: Callable[[str], None]) -> None:
        """Take what the state keeps already; `touch` is told of nodes of which more is taken."""
        self._shard: Final = shard
        self._rooms: Final = rooms
        self._touch_node: Final = touch
        self._taken: Final[dict[str, tuple[JobSpec, Tasks]]] = {}
        self._started: Final[dict[str, None]] = {}  # meant to start there; their placement has it
        for job_id in shard.claims:
            self._take(job_id)

    def start(self, job_id: str) -> None:
        """A cycle starts the job where room is kept for it: the room changes hands."""
        del self._taken[job_id]
        self._started[job_id] = None

    def follow(self, touched: Iterable[str], assumed: Assumed) -> list[str]:
        """Follow claims that came or went, and starts that came to nothing; return what went."""
        gone: list[str] = []
        for job_id in {**dict.fromkeys(touched), **self._started}:
            if job_id in assumed.placements and job_id in self._started:
                continue
            self._started.pop(job_id, None)
            claim, taken = self._shard.claims.get(job_id), self._taken.get(job_id)
            if taken is not None and (claim is None or claim.tasks != taken[1]):
                self._give(job_id)
            if claim is None:
                gone.append(job_id)
            elif job_id not in self._taken:
                self._take(job_id)
        return gone

    def with_claims(self, name: str, held: NodeHeld | None) -> NodeHeld | None:
        """Return what is taken of a node, beside what live jobs hold."""
        for spec, tasks in self._taken.values():
            for task, request in zip(tasks, requests_of(spec, 0, len(tasks)), strict=True):
                if task.node == name:
                    sum_up = NodeHeld() if held is None else held
                    held = NodeHeld(dict(sum_up.resources), dict(sum_up.devices))
                    for resource, amount in request.items():
                        held.resources[resource] = held.resources.get(resource, 0) + amount
                    for device, part in device_parts(task.devices, request.get("gpu", 0)):
                        held.devices[device] = held.devices.get(device, 0) + part
        return held

    def _take(self, job_id: str) -> None:
        spec, tasks = self._shard.jobs[job_id].spec, self._shard.claims[job_id].tasks
        self._taken[job_id] = (spec, tasks)
        self._rooms.take(spec, tasks)
        self._touch(tasks)

    def _give(self, job_id: str) -> None:
        spec, tasks = self._taken.pop(job_id)
        self._rooms.release(spec, tasks)
        self._touch(tasks)

    def _touch(self, tasks: Tasks) -> None:
        for name in dict.fromkeys(task.node for task in tasks):
            self._touch_node(name)
