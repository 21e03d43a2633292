"""The *act* half: starts, stops and watches runs by their directories. Keeps nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from evenflow.common.adapters.run_events import RunEvents
from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.errors import InvalidValue, UnknownRun
from evenflow.common.domain.jobs.run import Outcome
from evenflow.common.ports.executor import OutputChunk, RunEnded, RunEvent, RunOrder, RunStarted
from nohup_cluster.run_directory import RunDirectory

LOOK_SECONDS: Final = 0.05
"""Between two looks at what runs: an end is told so much later at most."""


class NohupExecutor:
    """`ports.executor.Executor` on directories below one."""

    has_slow_start: Final = False

    def __init__(self, folder: Path, *, now: Callable[[], Instant]) -> None:
        """Keep runs in the folder, and tell instants of the shard's clock."""
        self._folder = folder
        self._now = now
        self._watched: dict[str, RunDirectory] = {}
        self._events = RunEvents()
        self._watcher: asyncio.Task[None] | None = None

    async def open(self, orders: Sequence[RunOrder]) -> None:
        """See the port. A run that started and left no trace is lost."""
        for order in orders:
            run = self._run(order.token)
            if run.begun() or run.ended():
                self._watched[order.token] = run
            elif order.started_at is not None:
                run.claim()
                self._end(run, Outcome.LOST, started_at=order.started_at)
        self._watcher = asyncio.create_task(self._watch())

    async def start(self, order: RunOrder) -> None:
        """See the port."""
        run = self._run(order.token)
        if not run.claim():
            self._watched[order.token] = run  # tells its end, if it has one
            return
        command = order.config.get("command")
        if not isinstance(command, str):
            self._end(run, Outcome.REFUSED, message="executor_config.command must be a text")
            return
        env = {"EVENFLOW_TASK_INDEX": str(order.task_index)}
        begun = run.begin(command, env, self._now(), order.time_limit_us)
        self._watched[order.token] = run
        self._events.put(RunStarted(order.token, begun.at, str(begun.pid)))

    async def stop(self, token: str, outcome: Outcome) -> None:
        """See the port."""
        run = self._run(token)
        if run.claim():
            self._end(run, outcome, message="stopped before it started")
            return
        if not self._look(run):
            run.kill()
            self._end(run, outcome, message="stopped on request")
        self._watched.pop(token, None)

    async def forget(self, tokens: Sequence[str]) -> None:
        """See the port. A directory stays for its output, and as the mark that the run was."""
        for token in tokens:
            self._watched.pop(token, None)

    def events(self) -> AsyncIterator[RunEvent]:
        """See the port."""
        return aiter(self._events)

    async def output(self, token: str, stream: str, offset: int, limit: int) -> OutputChunk:
        """See the port."""
        if stream not in {"stdout", "stderr"}:
            raise InvalidValue("stream", stream, "must be stdout or stderr")
        run = self._run(token)
        is_over = run.ended() is not None  # looked at first: no more is written after it
        if not is_over and run.begun() is None:
            raise UnknownRun(f"no run {token!r} in {self._folder}")
        data = run.read(stream, offset, limit)
        return OutputChunk(data, offset + len(data), is_final=is_over and len(data) < limit)

    async def close(self) -> None:
        """See the port."""
        if self._watcher:
            self._watcher.cancel()
        self._events.close()

    async def _watch(self) -> None:
        """Look at all that runs, again and again."""
        while True:
            for token, run in list(self._watched.items()):
                if self._look(run):
                    self._watched.pop(token, None)
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, run: RunDirectory) -> bool:
        """Tell the end of a run that has one, or is due to have; return whether it has."""
        if ended := run.ended():
            self._events.put(ended)
            return True
        is_alive = run.is_alive()  # looked at before the code, which is written by who is alive
        code, begun = run.exit_code(), run.begun()
        if code is not None:
            self._end(run, Outcome.FAILED if code else Outcome.SUCCEEDED, code)
        elif begun is None or not is_alive:
            self._end(run, Outcome.LOST)
        elif begun.time_limit_us is not None and self._now() >= begun.at + begun.time_limit_us:
            run.kill()
            seconds = begun.time_limit_us / SECOND
            self._end(run, Outcome.TIMEOUT, message=f"stopped at its time limit of {seconds:g} s")
        else:
            return False
        return True

    def _end(
        self,
        run: RunDirectory,
        outcome: Outcome,
        code: int | None = None,
        *,
        message: str = "",
        started_at: Instant | None = None,
    ) -> None:
        begun = run.begun()
        at = begun.at if begun else started_at
        ended = RunEnded(run.path.name, self._now(), outcome, code, message, started_at=at)
        self._events.put(run.end(ended))

    def _run(self, token: str) -> RunDirectory:
        return RunDirectory(self._folder / token)
