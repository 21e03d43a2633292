"""Exact usage over time: what ended attempts held, from the view, and live ones, from the state."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.gateway.view.rules.held_time import Held, held_until, in_seconds
from evenflow.gateway.view.rules.usage_range import UsageRange
from evenflow.gateway.view.usage.reads import UsageFilter, held_sums, pinned, refuse_too_many

Key = tuple[Instant, tuple[str, ...]]
"""When a step begins, and the names of the group."""
Seconds = dict[Key, dict[str, float]]
"""By key and resource: base units times seconds."""


@dataclass(frozen=True, slots=True)
class UsageReporter:
    """Adds up what was held, as of the sequence that the view has reached."""

    engine: AsyncEngine
    state: Callable[[], ShardState]
    live: Callable[[], Collection[str]]
    """Ids of the jobs that hold resources."""
    folding: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held, the view is written as far as the state was folded, and neither moves."""

    async def held(
        self, within: UsageRange, wanted: UsageFilter, groups: Sequence[str], now: Instant
    ) -> Seconds:
        """Return what was held, by time and group.

        Raises:
            InvalidValue: the answer would be too long.
        """
        async with AsyncExitStack() as stack:
            async with self.folding:  # an attempt that ends is in one of the two, never in both
                connection = await stack.enter_async_context(pinned(self.engine))
                total = await asyncio.to_thread(self._of_live, within, wanted, groups, now)
            rows = await held_sums(connection, within, wanted, groups)
        for row in rows:
            key = row["step"], tuple(row[name] for name in groups)
            _add(total, key, row["resource"], row["seconds"])
        refuse_too_many(sum(map(len, total.values())))
        return dict(sorted(total.items()))

    def _of_live(
        self, within: UsageRange, wanted: UsageFilter, groups: Sequence[str], now: Instant
    ) -> Seconds:
        total: Seconds = {}
        for job in self._jobs():
            spec = job.spec
            if wanted.accepts(spec.queue, spec.project, spec.user):
                names = tuple(_NAME_OF[group](spec) for group in groups)
                for held in held_until(job, now):
                    _add_steps(total, within, names, held)
        return total

    def _jobs(self) -> list[Job]:
        jobs = self.state().jobs
        return [jobs[job_id] for job_id in self.live() if job_id in jobs]


_NAME_OF: dict[str, Callable[[JobSpec], str]] = {
    "queue": lambda spec: spec.queue,
    "project": lambda spec: spec.project,
    "user": lambda spec: spec.user,
}


def _add_steps(total: Seconds, within: UsageRange, names: tuple[str, ...], held: Held) -> None:
    at, end = max(held.start, within.since), min(held.end, within.until)
    while at < end:
        step = within.step_of(at)
        until = end if within.width_us is None else min(end, step + within.width_us)
        for resource, amount in held.request.items():
            if amount:
                _add(total, (step, names), resource, in_seconds(resource, amount * (until - at)))
        at = until


def _add(total: Seconds, key: Key, resource: str, seconds: float) -> None:
    of_key = total.setdefault(key, {})
    of_key[resource] = of_key.get(resource, 0.0) + seconds
