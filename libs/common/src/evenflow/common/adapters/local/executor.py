"""Runs jobs as processes of this machine; the *act* half of the local executor.

A run is carried by its runner (see `runner`) and described by its directory (see `rundir`); this
class only asks and listens, so that it can die and be replaced at any moment. Two of them on one
directory do no harm.
"""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from evenflow.common.adapters.local import retention, rundir
from evenflow.common.adapters.local.launcher import Launcher
from evenflow.common.adapters.local.listener import Listener
from evenflow.common.adapters.local.request import FreeCores, make_request
from evenflow.common.adapters.local.rundir import Look, Record
from evenflow.common.adapters.local.settings import LocalSettings
from evenflow.common.adapters.run_events import RunEvents
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import (
    InvalidValue,
    RequestRejected,
    TemporarilyUnavailable,
    UnknownRun,
)
from evenflow.common.domain.run import Outcome
from evenflow.common.ports.executor import OutputChunk, RunEnded, RunEvent, RunOrder, RunStarted

_CHECK_SECONDS: Final = 1.0
_ASK_AGAIN_SECONDS: Final = 2.0
_SWEEP_SECONDS: Final = 600.0
_STREAMS: Final = frozenset({"stdout", "stderr"})
_TOKEN: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
)  # a DNS label, so also a safe file name

_log = structlog.get_logger(__name__)


def _same(at: Instant) -> Instant:
    return at


@dataclass(slots=True)
class _Run:
    """What this executor has told of a run, and when it asked for it."""

    order: RunOrder | None
    asked_at: float
    is_started: bool = False
    end: RunEnded | None = None


class LocalExecutor:
    """`ports.executor.Executor` on processes of this machine."""

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
        self._shard_time = shard_time
        self._settings = settings or LocalSettings()
        self._runs: dict[str, _Run] = {}
        self._events = RunEvents()
        self._cores = FreeCores()
        self._listener = Listener(self._directory / rundir.LISTENERS, self._on_news)
        self._launcher = Launcher(
            self._directory / ".zygote.log",
            on_refused=self._on_refused,
            on_replaced=self._on_replaced,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._live = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def zygote_pid(self) -> int | None:
        """Process id of what forks the runners; None when there is none now."""
        return self._launcher.pid

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """See the port. An order with `started_at` of which nothing is left here ends as lost."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._listener.open()
        await self._launcher.open()
        # Listening first: what ends while we look is heard, and told once.
        looks = await asyncio.to_thread(self._adopt_all, orders)
        for order, seen in zip(orders, looks, strict=True):
            if seen.phase == "waiting":
                continue
            run = self._track(order.token, order)
            run.is_started |= order.started_at is not None
            self._on_look(order.token, run, seen)
        self._spawn_task(self._watch())

    async def start(self, order: RunOrder) -> None:
        """See the port."""
        _check_token(order.token)
        run = self._runs.get(order.token)
        if run is not None and run.end is not None:
            self._events.put(run.end)
            return
        if run is not None and run.order is not None:
            return
        run = self._track(order.token, order)
        await self._ask(run, order)

    async def stop(self, token: str, outcome: Outcome) -> None:
        """See the port."""
        _check_token(token)
        run = self._track(token, None)
        if run.end is not None:
            self._events.put(run.end)
            return
        directory = self._directory / token
        seen = await asyncio.to_thread(rundir.ask_to_stop, directory, outcome.value)
        self._on_look(token, run, seen)

    async def stop_all(self, outcome: Outcome) -> None:
        """End every live run with `outcome`; returns when the last has ended, its event waiting."""
        live = [token for token, run in self._runs.items() if run.end is None]
        await asyncio.gather(*(self.stop(token, outcome) for token in live))
        await self._idle.wait()

    async def forget(self, tokens: Sequence[str]) -> None:
        """See the port."""
        for token in tokens:
            run = self._runs.get(token)
            if run is not None and run.end is not None:
                del self._runs[token]
        await asyncio.to_thread(retention.mark_reported, self._directory, list(tokens))

    def events(self) -> AsyncIterator[RunEvent]:
        """See the port. One reader."""
        return aiter(self._events)

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        """See the port."""
        if stream not in _STREAMS:
            raise InvalidValue("stream", stream, "must be stdout or stderr")
        if not _TOKEN.fullmatch(token):
            raise UnknownRun(f"no run {token!r} on this machine")
        return await asyncio.to_thread(self._read, token, stream, max(0, offset), max(0, limit))

    async def close(self) -> None:
        """See the port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._launcher.close()
        self._listener.close()
        self._events.close()

    def _track(self, token: str, order: RunOrder | None) -> _Run:
        run = self._runs.get(token)
        if run is None:
            run = self._runs[token] = _Run(order, time.monotonic())
            self._live += 1
            self._idle.clear()
        elif order is not None:
            run.order = order
        return run

    async def _ask(self, run: _Run, order: RunOrder) -> None:
        run.asked_at = time.monotonic()
        try:
            request = make_request(
                order,
                self._directory / order.token,
                self._settings,
                cpus=self._cores.take(order) if self._settings.affinity else [],
            )
        except RequestRejected as error:
            self._end(order.token, run, rundir.ending("refused", str(error)))
            return
        await self._launcher.send(request)

    def _on_news(self, news: Record) -> None:
        """Take a line that a runner wrote."""
        token = news.get("token", "")
        run = self._runs.get(token)
        if run is None:
            return  # another executor's
        if "exit" in news:
            self._on_look(token, run, Look("over", None, news["exit"]))
        else:
            self._on_look(token, run, Look("running", news["started"]))

    def _on_look(self, token: str, run: _Run, seen: Look) -> None:
        """Tell what is new about a run."""
        if run.end is not None:
            return
        if seen.phase == "running" and seen.started and not run.is_started:
            run.is_started = True
            self._cores.note(token, seen.started.get("cpus", []))
            at = self._shard_time(seen.started.get("started_at", rundir.wall_us()))
            self._events.put(RunStarted(token, at, str(seen.started.get("pid", ""))))
        elif seen.exit is not None:
            self._end(token, run, seen.exit)

    def _end(self, token: str, run: _Run, end: Record) -> None:
        if run.end is not None:
            return
        started_at = end.get("started_at")
        run.end = RunEnded(
            token=token,
            at=self._shard_time(end.get("ended_at", rundir.wall_us())),
            outcome=Outcome(end.get("outcome", "lost")),
            exit_code=end.get("exit_code"),
            message=end.get("message", ""),
            retryable=end.get("retryable", False),
            started_at=None if started_at is None else self._shard_time(started_at),
        )
        self._cores.free(token)
        self._events.put(run.end)
        self._live -= 1
        if not self._live:
            self._idle.set()

    def _on_refused(self, token: str, reason: str) -> None:
        run = self._runs.get(token)
        if run is not None:
            self._end(token, run, rundir.ending("refused", reason, retryable=True))

    def _on_replaced(self) -> None:
        self._spawn_task(self._ask_again(0.0))

    async def _ask_again(self, older_than_seconds: float) -> None:
        """Repeat requests without news: their zygote died, or their runner before it began."""
        asked_before = time.monotonic() - older_than_seconds
        silent = [
            (run, run.order)
            for run in self._runs.values()
            if run.order and run.end is None and not run.is_started and run.asked_at <= asked_before
        ]
        for run, order in silent:
            with suppress(TemporarilyUnavailable):
                await self._ask(run, order)

    async def _watch(self) -> None:
        """Look at every live run once a second: nothing else tells that a runner was killed."""
        sweep_at = time.monotonic()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            try:
                await self._look_at_live()
                if time.monotonic() >= sweep_at:
                    sweep_at = time.monotonic() + _SWEEP_SECONDS
                    await asyncio.to_thread(
                        retention.sweep, self._directory, self._settings, rundir.wall_us()
                    )
            except OSError as error:
                _log.warning("runs_not_watched", reason=str(error))

    async def _look_at_live(self) -> None:
        live = [token for token, run in self._runs.items() if run.end is None]
        looks = await asyncio.to_thread(self._look_at_all, live)
        for token, seen in zip(live, looks, strict=True):
            run = self._runs.get(token)
            if run is not None:
                self._on_look(token, run, seen)
        await self._ask_again(_ASK_AGAIN_SECONDS)

    def _look_at_all(self, tokens: list[str]) -> list[Look]:
        return [rundir.look(self._directory / token) for token in tokens]

    def _adopt_all(self, orders: Sequence[RunOrder]) -> list[Look]:
        return [self._adopt(order) for order in orders]

    def _adopt(self, order: RunOrder) -> Look:
        directory = self._directory / order.token
        seen = rundir.look(directory)
        if seen.phase == "waiting" and order.started_at is not None:
            return rundir.declare_lost(directory)
        return seen

    def _read(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        directory = self._directory / token
        # Asked before reading: what a live run writes afterwards is not missed.
        is_over = (directory / rundir.EXIT).exists()
        try:
            with (directory / stream).open("rb") as file:
                file.seek(offset)
                data = file.read(limit)
                is_all = file.tell() >= os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            if not is_over and token not in self._runs:
                raise UnknownRun(f"no output of run {token!r} on this machine") from None
            data, is_all = b"", True
        return OutputChunk(data, offset + len(data), is_final=is_over and is_all)

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check_token(token: str) -> None:
    if not _TOKEN.fullmatch(token):
        raise InvalidValue("token", token, "must be a DNS label")
