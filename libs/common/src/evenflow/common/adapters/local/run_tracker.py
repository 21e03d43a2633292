"""What this executor knows and has told of its runs: each start once, each end once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass

from evenflow.common.adapters.local.free_cores import FreeCores
from evenflow.common.adapters.local.runner.run_directory import RunStatus
from evenflow.common.adapters.local.runner.run_files import Record, wall_us
from evenflow.common.adapters.run_events import RunEvents
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import RunEnded, RunEvent, RunOrder, RunStarted


@dataclass(slots=True)
class TrackedRun:
    """One run; `order` is None for a token that was only stopped."""

    token: str
    order: RunOrder | None
    asked_at: float  # monotonic
    is_started: bool = False
    end: RunEnded | None = None


class RunTracker:
    """Turns what is seen of runs into events. Decides nothing and does no I/O."""

    def __init__(self, shard_time: Callable[[Instant], Instant], cores: FreeCores) -> None:
        """`shard_time` maps wall instants to the shard's clock; `cores` gets back what ends."""
        self._shard_time = shard_time
        self._cores = cores
        self._runs: dict[str, TrackedRun] = {}
        self._events = RunEvents()
        self._live = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __contains__(self, token: str) -> bool:
        """Whether the run is known here."""
        return token in self._runs

    def live(self) -> list[str]:
        """Return the tokens that have not ended."""
        return [token for token, run in self._runs.items() if run.end is None]

    def silent(self, since: float) -> Iterator[tuple[TrackedRun, RunOrder]]:
        """Yield runs asked for before monotonic `since`, without news yet."""
        for run in list(self._runs.values()):
            if run.order and run.end is None and not run.is_started and run.asked_at <= since:
                yield run, run.order

    def track(self, token: str, order: RunOrder | None = None) -> TrackedRun:
        """Return the run, known from now on."""
        run = self._runs.get(token)
        if run is None:
            run = self._runs[token] = TrackedRun(token, order, time.monotonic())
            self._live += 1
            self._idle.clear()
        elif order is not None:
            run.order = order
        return run

    def forget(self, tokens: Sequence[str]) -> None:
        """Drop those that have ended."""
        for token in tokens:
            run = self._runs.get(token)
            if run is not None and run.end is not None:
                del self._runs[token]

    def take_news(self, news: Record) -> None:
        """Take a line that some runner wrote; those of other executors' runs are ignored."""
        token = news.get("token", "")
        if "exit" in news:
            self.take_status(token, RunStatus("over", None, news["exit"]))
        elif "started" in news:
            self.take_status(token, RunStatus("running", news["started"]))

    def take_status(self, token: str, status: RunStatus) -> None:
        """Take what a run's directory says, and tell what is new of it."""
        run = self._runs.get(token)
        if run is None or run.end is not None:
            return
        if status.exit is not None:
            self.end(run, status.exit)
        elif status.started is not None:
            self._cores.note(token, status.started.get("cpus", []))  # an adopted run's too
            if not run.is_started:
                run.is_started = True
                at = self._shard_time(status.started.get("started_at", wall_us()))
                self._events.put(RunStarted(token, at, str(status.started.get("pid", ""))))

    def end(self, run: TrackedRun, end: Record) -> None:
        """Tell the end of a run, unless it is told."""
        if run.end is not None:
            return
        started_at = end.get("started_at")
        run.end = RunEnded(
            token=run.token,
            at=self._shard_time(end.get("ended_at", wall_us())),
            outcome=Outcome(end.get("outcome", "lost")),
            exit_code=end.get("exit_code"),
            message=end.get("message", ""),
            retryable=end.get("retryable", False),
            started_at=None if started_at is None else self._shard_time(started_at),
            node_fault=end.get("node_fault", False),
        )
        self._cores.free(run.token)
        self._events.put(run.end)
        self._live -= 1
        if not self._live:
            self._idle.set()

    def repeat(self, end: RunEnded) -> None:
        """Tell an end again."""
        self._events.put(end)

    async def until_idle(self) -> None:
        """Return when no run is live."""
        await self._idle.wait()

    def events(self) -> AsyncIterator[RunEvent]:
        """Yield what is told, until `close`."""
        return aiter(self._events)

    def close(self) -> None:
        """End the events."""
        self._events.close()
