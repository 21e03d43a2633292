"""Runs that only pass time on the shard's clock; the *act* half of the simulated executor.

One heap of ends and one timer for all runs, so a hundred thousand of them cost no task each.
Nothing is kept outside this process: after a restart a run is known by its order's `started_at`.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evenflow.common.adapters.run_events import RunEvents
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, RequestRejected, UnknownRun
from evenflow.common.domain.jobs.executor_config import simulated_config
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import OutputChunk, RunEnded, RunEvent, RunOrder, RunStarted

_LONGEST_NAP_SECONDS: Final = (
    3600.0  # timers of the event loop have a limit; waking early is harmless
)
_FEW: Final = 1_000


@dataclass(slots=True)
class _Run:
    """A run and the end it is heading for, or has reached."""

    started_at: Instant | None
    due: RunEnded | None
    is_over: bool = False


class SimulatedExecutor:
    """`ports.executor.Executor` on a clock."""

    has_slow_start: Final = False

    def __init__(self, *, now: Callable[[], Instant], wall_seconds: Callable[[int], float]) -> None:
        """Take the shard's clock: its time, and how many wall seconds its microseconds take."""
        self._now = now
        self._wall_seconds = wall_seconds
        self._runs: dict[str, _Run] = {}
        self._ends: list[
            tuple[Instant, str]
        ] = []  # a heap; entries of runs already over are skipped
        self._running = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_for: Instant | None = None
        self._events = RunEvents()

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """See the port. Runs whose end passed meanwhile end when they should have."""
        for order in orders:
            if order.started_at is not None:
                self._begin(order, order.started_at)
        self._end_due()

    async def start(self, order: RunOrder) -> None:
        """See the port."""
        run = self._runs.get(order.token)
        if run is None:
            self._begin(order, self._now() if order.started_at is None else order.started_at)
            self._arm()
        elif run.is_over and run.due is not None:
            self._events.put(run.due)

    async def stop(self, token: str, outcome: Outcome) -> None:
        """See the port."""
        self._end_due()  # what ended before this moment ended by itself
        run = self._runs.get(token)
        now = self._now()
        if run is None:
            run = self._runs[token] = _Run(None, None)
        if not run.is_over:
            is_started = run.started_at is not None
            reason = "stopped on request" if is_started else "stopped before it started"
            run.due = RunEnded(token, now, outcome, message=reason, started_at=run.started_at)
            run.is_over = True
            if is_started:
                self._running -= 1
                self._compact()
        if run.due is not None:
            self._events.put(run.due)

    async def forget(self, tokens: Sequence[str]) -> None:
        """See the port."""
        for token in tokens:
            run = self._runs.get(token)
            if run is not None and run.is_over:
                del self._runs[token]

    def events(self) -> AsyncIterator[RunEvent]:
        """See the port."""
        return aiter(self._events)

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:  # noqa: ARG002
        """See the port. Simulated runs say nothing."""
        if stream not in {"stdout", "stderr"}:
            raise InvalidValue("stream", stream, "must be stdout or stderr")
        run = self._runs.get(token)
        if run is None:
            raise UnknownRun(f"no simulated run {token!r}")
        return OutputChunk(b"", max(0, offset), is_final=run.is_over)

    async def close(self) -> None:
        """See the port."""
        if self._timer is not None:
            self._timer.cancel()
        self._events.close()

    def clock_changed(self) -> None:
        """Wait anew: the shard's clock was set, or runs at another rate."""
        self._timer_for = None
        self._end_due()

    def _begin(self, order: RunOrder, at: Instant) -> None:
        if order.token in self._runs:
            return
        try:
            config = simulated_config(order.config)
        except RequestRejected as error:
            refused = RunEnded(order.token, at, Outcome.REFUSED, message=str(error))
            self._runs[order.token] = _Run(None, refused, is_over=True)
            self._events.put(refused)
            return
        limit = order.time_limit_us
        if limit is not None and limit < config.run_us:
            due = RunEnded(
                order.token,
                at + limit,
                Outcome.TIMEOUT,
                exit_code=143,
                message=f"stopped at its time limit of {limit / SECOND:g} s",
                started_at=at,
            )
        else:
            outcome = Outcome.FAILED if config.exit_code else Outcome.SUCCEEDED
            due = RunEnded(
                order.token, at + config.run_us, outcome, exit_code=config.exit_code, started_at=at
            )
        self._runs[order.token] = _Run(at, due)
        self._running += 1
        heapq.heappush(self._ends, (due.at, order.token))
        if order.started_at is None:
            self._events.put(RunStarted(order.token, at, order.token))

    def _end_due(self) -> None:
        """Tell every end whose time has come, in order, and wait for the next."""
        now = self._now()
        while self._ends and self._ends[0][0] <= now:
            at, token = heapq.heappop(self._ends)
            run = self._runs.get(token)
            # The time is compared too: a token may be back after its stopped run was forgotten.
            if run and not run.is_over and run.due and run.due.at == at:
                run.is_over = True
                self._running -= 1
                self._events.put(run.due)
        self._arm()

    def _compact(self) -> None:
        """Drop entries of stopped runs before they are the most: their time may be years away."""
        if len(self._ends) > 2 * self._running + _FEW:
            self._ends = [
                (at, token)
                for at, token in self._ends
                if (run := self._runs.get(token)) is not None and not run.is_over
            ]
            heapq.heapify(self._ends)

    def _arm(self) -> None:
        if not self._ends or self._timer_for == self._ends[0][0]:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_for = self._ends[0][0]
        patience = self._wall_seconds(max(0, self._timer_for - self._now()))
        self._timer = asyncio.get_running_loop().call_later(
            min(patience, _LONGEST_NAP_SECONDS), self._on_timer
        )

    def _on_timer(self) -> None:
        self._timer_for = None
        self._end_due()
