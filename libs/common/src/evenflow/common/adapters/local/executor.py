"""Runs jobs as processes of this machine; the *act* half of the local executor.

A run is carried by its runner and described by its directory (see `run_directory`); this class only
asks and listens, so that it can die and be replaced at any moment. Two of them on one directory do
no harm.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from evenflow.common.adapters.async_tasks import end_tasks
from evenflow.common.adapters.local import retention
from evenflow.common.adapters.local.disk import shortage
from evenflow.common.adapters.local.free_cores import FreeCores
from evenflow.common.adapters.local.launcher import Launcher
from evenflow.common.adapters.local.listener import Listener
from evenflow.common.adapters.local.output import STREAMS, read_output
from evenflow.common.adapters.local.request import make_request
from evenflow.common.adapters.local.run_tracker import RunTracker, TrackedRun
from evenflow.common.adapters.local.runner import run_directory, run_files
from evenflow.common.adapters.local.runner.run_directory import RunStatus
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import (
    InvalidValue,
    RequestRejected,
    TemporarilyUnavailable,
    UnknownRun,
)
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import OutputChunk, RunEvent, RunOrder

_CHECK_SECONDS: Final = 1.0
_ASK_AGAIN_SECONDS: Final = 2.0
_SWEEP_SECONDS: Final = 600.0
_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")  # a DNS label: a safe file name too

_log = structlog.get_logger(__name__)


def _same(at: Instant) -> Instant:
    return at


class LocalExecutor:
    """`ports.executor.Executor` on processes of this machine."""

    has_slow_start: Final = False

    def __init__(
        self,
        runs: Path,
        *,
        shard_time: Callable[[Instant], Instant] = _same,
        settings: LocalSettings | None = None,
    ) -> None:
        """Keep one directory a run below `runs`.

        `shard_time` maps wall instants, which runners write down, to the shard's clock; both run
        equally fast.
        """
        self._directory = runs.absolute()
        self._settings = settings or LocalSettings()
        self._cores = FreeCores()
        self._tracker = RunTracker(shard_time, self._cores)
        self._listener = Listener(self._directory / run_files.LISTENERS, self._tracker.take_news)
        self._launcher = Launcher(
            self._directory / ".fork-server.log",
            on_refused=self._on_refused,
            on_replaced=lambda: self._spawn(self._ask_again(0.0)),
        )
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def fork_server_pid(self) -> int | None:
        """Process id of what forks the runners; None when there is none now."""
        return self._launcher.pid

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """See the port."""
        with _machine_trouble():
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._listener.open()
            await self._launcher.open()
            found = await asyncio.to_thread(self._adopt, orders)
        for order, status in zip(orders, found, strict=True):
            if status.phase == "waiting":
                continue
            run = self._tracker.track(order.token, order)
            run.is_started |= order.started_at is not None
            self._tracker.take_status(order.token, status)
        self._spawn(self._watch())

    async def start(self, order: RunOrder) -> None:
        """See the port."""
        _check_token(order.token)
        is_new = order.token not in self._tracker
        run = self._tracker.track(order.token)
        if run.end is not None:
            self._tracker.repeat(run.end)
        elif is_new or run.order is None:
            run.order = order
            if (reason := shortage(self._directory, self._settings.disk_reserve)) is not None:
                self._tracker.end(run, run_directory.cannot_start(reason))
                return
            try:
                await self._ask(run, order)
            except TemporarilyUnavailable as error:
                if not is_new:
                    raise  # asked before: a runner may have it
                self._tracker.end(run, run_directory.cannot_start(str(error)))

    async def stop(self, token: str, outcome: Outcome) -> None:
        """See the port.

        Raises:
            TemporarilyUnavailable: the wish cannot be written down; the run goes on.
        """
        _check_token(token)
        run = self._tracker.track(token)
        if run.end is not None:
            self._tracker.repeat(run.end)
            return
        directory = self._directory / token
        with _machine_trouble():
            status = await asyncio.to_thread(run_directory.ask_to_stop, directory, outcome.value)
        self._tracker.take_status(token, status)

    async def stop_all(self, outcome: Outcome) -> None:
        """End every live run with `outcome`; returns when the last has ended, its event waiting."""
        await asyncio.gather(*(self.stop(token, outcome) for token in self._tracker.live()))
        await self._tracker.until_idle()

    async def forget(self, tokens: Sequence[str]) -> None:
        """See the port."""
        self._tracker.forget(tokens)
        await asyncio.to_thread(retention.mark_reported, self._directory, list(tokens))

    def events(self) -> AsyncIterator[RunEvent]:
        """See the port."""
        return self._tracker.events()

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        """See the port."""
        if stream not in STREAMS:
            raise InvalidValue("stream", stream, "must be stdout or stderr")
        if not _TOKEN.fullmatch(token):
            raise UnknownRun(f"no run {token!r} on this machine")
        return await asyncio.to_thread(
            read_output,
            self._directory / token,
            stream,
            max(0, offset),
            max(0, limit),
            is_known=token in self._tracker,
        )

    async def close(self) -> None:
        """See the port."""
        await end_tasks(self._tasks)
        await self._launcher.close()
        self._listener.close()
        self._tracker.close()

    async def _ask(self, run: TrackedRun, order: RunOrder) -> None:
        run.asked_at = time.monotonic()
        try:
            request = make_request(
                order,
                self._directory / order.token,
                self._settings,
                cpus=self._cores.take(order) if self._settings.affinity else [],
            )
        except RequestRejected as error:
            self._tracker.end(run, run_directory.ending("refused", str(error)))
            return
        await self._launcher.send(request)

    def _on_refused(self, token: str, reason: str) -> None:
        self._tracker.take_status(
            token, RunStatus("over", None, run_directory.cannot_start(reason))
        )

    async def _ask_again(self, older_than_seconds: float) -> None:
        """Repeat requests without news: their fork server died, or their runner before it began."""
        for run, order in self._tracker.silent(time.monotonic() - older_than_seconds):
            with suppress(TemporarilyUnavailable):
                await self._ask(run, order)

    async def _watch(self) -> None:
        """Look at every live run once a second: nothing else tells that a runner was killed."""
        sweep_at = time.monotonic()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            try:
                live = self._tracker.live()
                found = await asyncio.to_thread(self._statuses, live)
                for token, status in zip(live, found, strict=True):
                    self._tracker.take_status(token, status)
                await self._ask_again(_ASK_AGAIN_SECONDS)
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + _SWEEP_SECONDS
                    await asyncio.to_thread(
                        retention.sweep, self._directory, self._settings, run_files.wall_us()
                    )
            except OSError as error:
                _log.warning("runs_not_watched", reason=str(error))

    def _statuses(self, tokens: list[str]) -> list[RunStatus]:
        return [run_directory.status_of(self._directory / token) for token in tokens]

    def _adopt(self, orders: Sequence[RunOrder]) -> list[RunStatus]:
        return [
            run_directory.adopt(
                self._directory / order.token, has_started=order.started_at is not None
            )
            for order in orders
        ]

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("local_executor_task_failed", exc_info=error)


def _check_token(token: str) -> None:
    if not _TOKEN.fullmatch(token):
        raise InvalidValue("token", token, "must be a DNS label")


@contextmanager
def _machine_trouble() -> Iterator[None]:
    """Translate what the operating system refuses."""
    try:
        yield
    except OSError as error:
        raise TemporarilyUnavailable(f"this machine cannot do it now: {error}") from error
