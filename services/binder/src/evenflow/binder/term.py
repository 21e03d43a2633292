"""One term of leadership over a cluster: take over, carry decisions out, report, let go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from evenflow.binder.core.desired import Stop
from evenflow.binder.core.reconciler import Reconciler
from evenflow.binder.core.retry import RetryPolicy
from evenflow.binder.core.run_table import End
from evenflow.binder.dispatcher import Dispatcher
from evenflow.binder.metrics import BinderMetrics
from evenflow.binder.orders import order_of
from evenflow.binder.reporting import Reporter
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import TemporarilyUnavailable
from evenflow.common.domain.state.shard_state import ShardState
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.executor import Executor, RunEvent, RunStarted
from evenflow.common.ports.log import FactLog
from evenflow.common.runtime.logging import Logger
from evenflow.common.runtime.process.async_tasks import TaskCrew

_TICK_SECONDS: Final = 1.0
_ALIVE_SECONDS: Final = 60.0  # an idle binder still says so: who is silent counts as dead
SaveCursor = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TermSettings:
    """What a term is for and how it goes about it. Times are wall seconds."""

    cluster: str
    max_starts: int = 64
    call_timeout: float = 10.0
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)


class Term:
    """Acts for one cluster, from `run` until it is cancelled. The state is read only between folds.

    The order of taking over: first everything that may exist is entered and its events are heard,
    then the executor adopts, and only then is anything started. So a run that was started and not
    reported is found before anybody could start it again.
    """

    def __init__(
        self,
        settings: TermSettings,
        state: Callable[[], ShardState],
        executor: Executor,
        writer: FactLog,
        *,
        clock: Clock,
        log: Logger,
        metrics: BinderMetrics,
        save_cursor: SaveCursor,
        known_cursor: int = 0,
    ) -> None:
        """`state` must be folded up to the head that the log had when the lease was won.

        `known_cursor`: up to there, every decision was reported before this term.
        """
        self._settings = settings
        self._state = state
        self._executor = executor
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._save_cursor = save_cursor
        self._known_cursor = known_cursor
        self._reconciler = Reconciler(settings.cluster)
        self._runs = self._reconciler.runs
        actor = f"binder-{settings.cluster}"
        self._reporter = Reporter(
            self._runs, writer, actor=actor, clock=clock, log=log, metrics=metrics
        )
        self._dispatcher = Dispatcher(
            executor,
            self._runs,
            self._reporter.tell,
            retry_policy=settings.retry_policy,
            call_timeout=settings.call_timeout,
            shard_now=self._shard_now,
            clock=clock,
            log=log,
            metrics=metrics,
        )
        self._crew = TaskCrew()
        self._is_acting = False
        self._is_leaving = False
        self._forgettable: list[str] = []
        self._has_forgettable = asyncio.Event()
        self._heard = asyncio.Event()
        self.opened = asyncio.Event()
        """Set when what existed is adopted and new decisions are carried out."""

    async def run(self) -> None:
        """Take over, then act until cancelled; raises what a part of it raised."""
        self._crew.start(self._take_over(), "take-over")
        await self._crew.run()

    async def _take_over(self) -> None:
        tasks = self._reconciler.take_over(self._state(), self._known_cursor)
        self._crew.start(self._listen(), "events")
        self._crew.start(self._reporter.run(self._forget), "reports")
        self._crew.start(self._forget_ended(), "forget")
        await self._executor.open([order_of(task) for task in tasks])
        for number in range(self._settings.max_starts):
            self._crew.start(self._dispatcher.work(), f"act-{number}")
        self._crew.start(self._tick(), "tick")
        self._is_acting = not self._is_leaving
        self.carry_out()
        self.opened.set()

    def mark_changed(self, sequence: int, job_ids: Iterable[str]) -> None:
        """Note jobs that an entry of the log changed; `carry_out` looks at them."""
        self._reconciler.mark_changed(sequence, job_ids)

    def carry_out(self) -> None:
        """Give the cluster what the changed jobs want of it now."""
        if not self._is_acting:
            return
        state = self._state()
        if commands := self._reconciler.commands(state):
            stops = sum(isinstance(command, Stop) for command in commands)
            self._log.info(
                "commands_given", starts=len(commands) - stops, stops=stops, sequence=state.sequence
            )
            self._dispatcher.put(commands)

    async def hand_over(self) -> None:
        """Take no more work and get everything heard so far into the log; runs go on."""
        await self._stop_starting()
        await self._reporter.flush()

    async def stop_runs(self) -> None:
        """Take no more work, stop every run, and get their ends into the log.

        Tasks that were placed and never tried stay placed, for whoever acts next.
        """
        await self._stop_starting()
        stops = list(self._runs.stop_all())
        self._log.info("runs_stopping", stops=len(stops))
        self._dispatcher.put(stops)
        while self._runs.alive:
            self._heard.clear()
            await self._heard.wait()
        await self._reporter.flush()

    async def _stop_starting(self) -> None:
        self._is_leaving, self._is_acting = True, False
        await self._dispatcher.drain_starts()

    @property
    def alive(self) -> int:
        """How many runs may be alive on the cluster."""
        return self._runs.alive

    async def _listen(self) -> None:
        async for event in self._executor.events():
            self._hear(event)

    def _hear(self, event: RunEvent) -> None:
        token = event.token
        if isinstance(event, RunStarted):
            step = self._runs.started(token, event.at)
            run = self._runs.get(token)
            if step is not None and run is not None:
                waited = self._state().clock.wall_seconds(event.at - run.placed_at)
                self._metrics.bind_seconds.observe(max(0.0, waited))
        else:
            end = End(
                event.at,
                event.outcome,
                event.exit_code,
                event.message,
                event.retryable,
                event.started_at,
                event.node_fault,
            )
            step = self._runs.ended(token, end)
            self._heard.set()
            if token not in self._runs:  # the log has long been done with it
                self._forget((token,))
        self._reporter.tell(step)

    def _forget(self, tokens: Iterable[str]) -> None:
        self._forgettable += tokens
        self._has_forgettable.set()

    async def _forget_ended(self) -> None:
        while True:
            await self._has_forgettable.wait()
            self._has_forgettable.clear()
            tokens, self._forgettable = self._forgettable, []
            try:
                await self._executor.forget(tokens)
            except (TemporarilyUnavailable, OSError) as error:
                # Only bookkeeping: what is not forgotten is told again after the next start.
                self._log.warning("runs_not_forgotten", runs=len(tokens), reason=str(error))

    async def _tick(self) -> None:
        saved, saved_at = -1, self._clock.monotonic()
        while True:
            self._metrics.live_runs.set(self._runs.alive)
            self._dispatcher.repeat_unconfirmed_stops()
            oldest = self._runs.oldest_unsettled()
            cursor = self._state().sequence if oldest is None else oldest - 1
            if cursor != saved or self._clock.monotonic() - saved_at >= _ALIVE_SECONDS:
                await self._save_cursor(cursor)
                saved, saved_at = cursor, self._clock.monotonic()
            await asyncio.sleep(_TICK_SECONDS)

    def _shard_now(self) -> Instant:
        return self._state().clock.shard_time(self._clock.now())
