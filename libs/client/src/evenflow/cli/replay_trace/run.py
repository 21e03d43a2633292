"""Pushing a log through a running system: each job at its own time, its fate read from facts."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from evenflow.cli.replay_trace.swf import TraceJob
from evenflow.cli.replay_trace.tracking import JobTracker, request_of
from evenflow.client import AsyncClient
from evenflow.client.mirror import Mirror
from evenflow.common.domain.clock import SECOND
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.fold.fold import Folded

MOST_A_BATCH: Final = 500
_SHORTEST_NAP_SECONDS: Final = 0.02  # what becomes due meanwhile travels together
_LOOK_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 60.0


class Stalled(EvenflowError):
    """Nothing happened to the jobs for a minute although something was due."""

    def __init__(self, left: int) -> None:
        """`left` jobs have not ended."""
        super().__init__(
            f"nothing happened for {PATIENCE_SECONDS:.0f} s and {left} jobs have not ended;\n"
            "see `evenflow status`, and `evenflow why` of one of them."
        )


class NotAccepted(EvenflowError):
    """The system took none or not all jobs of a batch."""


@dataclass(slots=True)
class TraceReplay:
    """One run of a log; `clock_rate` is that of the shard's clock while it runs."""

    client: AsyncClient
    jobs: Sequence[TraceJob]
    queue: str
    clock_rate: int
    tracker: JobTracker = field(init=False)
    pushed: int = 0
    behind: int = 0  # facts of the log that were there before and are still to be read
    latest_submission_seconds: float = 0.0  # on the log's time
    began_at: float | None = None  # wall, monotonic
    _mirror: Mirror = field(default_factory=Mirror)
    _heard_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Track the jobs; nothing has happened yet."""
        self.tracker = JobTracker.of(list(self.jobs), self.queue)

    @property
    def wall_seconds(self) -> float:
        """Since the first submission."""
        return 0.0 if self.began_at is None else time.monotonic() - self.began_at

    @property
    def trace_seconds(self) -> float:
        """Since the first submission, on the log's time."""
        return self.wall_seconds * self.clock_rate

    async def run(self, on_progress: Callable[[], None]) -> None:
        """Push every job and return once each has ended.

        Raises:
            Stalled: an end that was due did not come.
            NotAccepted: a submission was refused.
            ApiProblem, Unreachable: the system refuses or is gone.
        """
        last = (await self.client.status())["sequence"]
        caught_up = asyncio.Event()
        watching = asyncio.create_task(self._watch(last, caught_up))
        pushing = asyncio.create_task(self._push(caught_up))
        try:
            while not (pushing.done() and self.tracker.is_complete):
                running = {task for task in (watching, pushing) if not task.done()}
                done, _ = await asyncio.wait(
                    running, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()  # raises what ended it
                on_progress()
                self._check_stall()
        finally:
            for task in (watching, pushing):
                task.cancel()
            await asyncio.gather(watching, pushing, return_exceptions=True)
            on_progress()

    async def _push(self, caught_up: asyncio.Event) -> None:
        """Submit each job when the log's time has come to it."""
        await caught_up.wait()
        self.began_at = time.monotonic()
        first = self.jobs[0].submit_seconds
        while self.pushed < len(self.jobs):
            now = first + self.trace_seconds
            batch = _due(self.jobs[self.pushed : self.pushed + MOST_A_BATCH], now)
            if batch:
                await self._submit(batch)
                self.pushed += len(batch)
                late = self.trace_seconds - (batch[0].submit_seconds - first)
                self.latest_submission_seconds = max(self.latest_submission_seconds, late)
                continue
            ahead = (self.jobs[self.pushed].submit_seconds - now) / self.clock_rate
            await asyncio.sleep(max(_SHORTEST_NAP_SECONDS, ahead))

    async def _submit(self, batch: Sequence[TraceJob]) -> None:
        answers = await self.client.submit_batch([request_of(job, self.queue) for job in batch])
        for job, answer in zip(batch, answers, strict=True):
            if error := answer.get("error"):
                detail = error.get("detail") or error
                raise NotAccepted(f"job {job.number} of the log was not accepted: {detail}")

    async def _watch(self, last: int, caught_up: asyncio.Event) -> None:
        """Fold the whole log, also what was before: only so the fold says what the services say."""
        if last == 0:
            caught_up.set()
        async for event in self.client.events(begin=1, patience_seconds=PATIENCE_SECONDS):
            entry = self._mirror.decode(event)
            folded = self._mirror.fold(entry)
            if isinstance(folded, Folded) and self.tracker.note(entry, folded):
                self._heard_at = time.monotonic()
            if not caught_up.is_set():
                self.behind = last - event.sequence
                if self.behind <= 0:
                    self._heard_at = time.monotonic()
                    caught_up.set()

    def _check_stall(self) -> None:
        """Raise Stalled when something was due long ago and nothing happened."""
        silence = time.monotonic() - self._heard_at
        if silence < PATIENCE_SECONDS or self.began_at is None:
            return
        next_end = self.tracker.next_end_at()
        now = self._mirror.state.clock.shard_time(time.time_ns() // 1000)
        is_quiet = self.pushed == len(self.jobs) or self.tracker.submitted < self.pushed
        if (is_quiet and next_end is None) or (
            next_end is not None and now - next_end > PATIENCE_SECONDS * SECOND * self.clock_rate
        ):
            raise Stalled(len(self.jobs) - self.tracker.ended)


def _due(jobs: Sequence[TraceJob], now: float) -> list[TraceJob]:
    return list(takewhile(lambda job: job.submit_seconds <= now, jobs))
