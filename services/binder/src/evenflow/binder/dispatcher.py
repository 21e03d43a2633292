"""Carry commands out on the cluster: one call a run at a time, none held up by another's retry."""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable, Iterable

from evenflow.binder.core.desired import Command, Start, Stop
from evenflow.binder.core.reports import Step
from evenflow.binder.core.retry import Failures, RetryPolicy
from evenflow.binder.core.run_table import End, Refusal, RunTable
from evenflow.binder.metrics import BinderMetrics
from evenflow.binder.orders import order_of
from evenflow.common.adapters.failpoint import failpoint
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import RequestRejected, TemporarilyUnavailable
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.executor import Executor
from evenflow.common.runtime.logging import Logger


class Dispatcher:
    """Commands by run. A newer command of a run takes the place of one that waits."""

    def __init__(
        self,
        executor: Executor,
        runs: RunTable,
        tell: Callable[[Step | None], None],
        *,
        retry_policy: RetryPolicy,
        call_timeout: float,
        shard_now: Callable[[], Instant],
        clock: Clock,
        log: Logger,
        metrics: BinderMetrics,
    ) -> None:
        """`tell` takes what the log must hear; a call unanswered for `call_timeout` failed."""
        self._executor = executor
        self._runs = runs
        self._tell = tell
        self._retry_policy = retry_policy
        self._call_timeout = call_timeout
        self._shard_now = shard_now
        self._clock = clock
        self._log = log
        self._metrics = metrics
        # Only clusters that queue work by themselves have anything between placed and running.
        self._tells_starting = bool(getattr(executor, "has_slow_start", False))
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: dict[str, Command] = {}
        self._busy: set[str] = set()
        self._failures: dict[str, Failures] = {}
        self._timers: dict[str, TimerHandle] = {}
        self._unconfirmed_stops: dict[str, float] = {}  # when the cluster accepted each
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, commands: Iterable[Command]) -> None:
        """Have commands carried out."""
        for command in commands:
            token = command.token
            if (timer := self._timers.pop(token, None)) is not None:
                timer.cancel()
            is_queued = token in self._waiting
            self._waiting[token] = command
            if not is_queued and token not in self._busy:
                self._queue.put_nowait(token)
            self._idle.clear()

    async def work(self) -> None:
        """Carry out one command after the other until cancelled; several may work at once."""
        while True:
            token = await self._queue.get()
            # A stale place in the queue must not lead to two calls for one run at once.
            command = None if token in self._busy else self._waiting.pop(token, None)
            if command is not None and self._runs.still_wants(command):
                self._busy.add(token)
                await self._perform(command)
                self._busy.discard(token)
                if token in self._waiting:
                    self._queue.put_nowait(token)
            elif command is not None:
                self._failures.pop(token, None)
            if not self._waiting and not self._busy:
                self._idle.set()

    async def drain_starts(self) -> None:
        """Try no more starts, and wait until no call is under way. Stops go on."""
        for token in self._failures:
            run = self._runs.get(token)
            # One that was tried stays asked for: the cluster may have heard it.
            if run is not None and run.stop is None and (timer := self._timers.pop(token, None)):
                timer.cancel()
        for token, command in list(self._waiting.items()):
            if isinstance(command, Start):
                del self._waiting[token]
                if token not in self._failures:
                    self._runs.withdraw(token)
        if not self._waiting and not self._busy:
            self._idle.set()
        await self._idle.wait()

    def repeat_unconfirmed_stops(self) -> None:
        """Repeat stops that the cluster accepted long ago and has not confirmed."""
        now = self._clock.monotonic()
        for token, since in list(self._unconfirmed_stops.items()):
            run = self._runs.get(token)
            if run is None or run.is_gone or run.stop is None:
                del self._unconfirmed_stops[token]
            elif now - since >= self._retry_policy.confirm_after:
                self._unconfirmed_stops[token] = now
                # Its resources stay held: a process that may be alive keeps what it uses.
                self._log.warning("stop_not_confirmed", run=token, outcome=run.stop.value)
                self.put([Stop(token, run.stop)])

    async def _perform(self, command: Command) -> None:
        token = command.token
        try:
            async with asyncio.timeout(self._call_timeout):
                if isinstance(command, Start):
                    await self._executor.start(order_of(command.task))
                    failpoint("binder.started")
                else:
                    await self._executor.stop(token, command.outcome)
        except RequestRejected as error:
            if isinstance(command, Start):
                self._refused(command, error)
            else:
                self._retry_later(command, str(error), 0.0)
        except (TemporarilyUnavailable, OSError) as error:  # a timeout is an OSError
            at_least = getattr(error, "retry_after_seconds", 0.0)
            self._retry_later(command, str(error) or type(error).__name__, at_least)
        except Exception as error:  # noqa: BLE001 - one job must not stop the others of its cluster
            self._log.error("cluster_call_broke", run=token, exc_info=error)
            if isinstance(command, Start):
                self._give_up(token, f"its executor failed: {error!r}", retryable=False)
            else:
                self._retry_later(command, repr(error), 0.0)
        else:
            self._failures.pop(token, None)
            if isinstance(command, Stop):
                self._unconfirmed_stops.setdefault(token, self._clock.monotonic())
            elif self._tells_starting:
                self._tell(self._runs.starting(token, self._shard_now()))

    def _refused(self, command: Start, error: RequestRejected) -> None:
        """Trying again changes nothing (BND-04): the run never started."""
        self._failures.pop(command.token, None)
        end = End(self._shard_now(), Outcome.REFUSED, message=str(error))
        self._tell(self._runs.ended(command.token, end))

    def _retry_later(self, command: Command, reason: str, at_least: float) -> None:
        token, now = command.token, self._clock.monotonic()
        failed = self._failures.get(token)
        failed = self._failures[token] = failed.more() if failed else Failures(now)
        is_start = isinstance(command, Start)
        self._metrics.call_failures.labels("start" if is_start else "stop").inc()
        if token in self._waiting:
            return  # there is a newer command to try
        lasted, retry_policy = failed.lasted(now), self._retry_policy
        if is_start and lasted >= retry_policy.give_up_after:
            self._give_up(token, f"not started within {lasted:.0f} s: {reason}", retryable=True)
            return
        if (
            not is_start
            and retry_policy.force_after is not None
            and lasted >= retry_policy.force_after
        ):
            message = f"forced: the cluster could not be reached for {lasted:.0f} s ({reason})"
            self._tell(self._runs.forced(token, self._shard_now(), message))
        delay = failed.delay(retry_policy, at_least)
        self._log.warning("cluster_call_failed", run=token, reason=reason, retry_seconds=delay)
        self._timers[token] = asyncio.get_running_loop().call_later(delay, self._retry, command)

    def _retry(self, command: Command) -> None:
        self._timers.pop(command.token, None)
        self.put([command])

    def _give_up(self, token: str, message: str, *, retryable: bool) -> None:
        # Nothing is known about the run, so it is stopped first: then it cannot start later. Its
        # confirmed end, never having started, is what is reported as refused.
        self._failures.pop(token, None)
        self.put(self._runs.give_up(token, Refusal(message, retryable)))
