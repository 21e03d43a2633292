"""Tell the log what happened to runs: what waits while one message is under way is the next."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from evenflow.binder.core.reports import Step, in_messages, merge
from evenflow.binder.core.run_table import RunTable
from evenflow.binder.metrics import BinderMetrics
from evenflow.common.domain.errors import LogFull
from evenflow.common.domain.facts import runs as facts
from evenflow.common.ports.clock import Clock
from evenflow.common.ports.log import FactLog, Origin
from evenflow.common.runtime.logging import Logger

_STEPS_AT_ONCE: Final = 2_000  # bounds how long one merge keeps the loop
Forget = Callable[[Sequence[str]], None]


class Reporter:
    """Takes steps in, appends them merged, in order, and keeps each until the log has it."""

    def __init__(
        self,
        runs: RunTable,
        writer: FactLog,
        *,
        actor: str,
        clock: Clock,
        log: Logger,
        metrics: BinderMetrics,
    ) -> None:
        """Steps come from `runs`, which learns of their acknowledgement."""
        self._runs = runs
        self._writer = writer
        self._origin = Origin(actor=actor)
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._waiting: list[Step] = []
        self._oldest_heard = 0.0  # when the first of them was heard of
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def tell(self, step: Step | None) -> None:
        """Have a step reported; None is no news."""
        if step is None:
            return
        if not self._waiting:
            self._oldest_heard = self._clock.monotonic()
            self._idle.clear()
            self._wake.set()
        self._waiting.append(step)

    async def run(self, forget: Forget) -> None:
        """Report until cancelled; `forget` gets the runs whose ends are in the log."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._report(forget)
            self._idle.set()

    async def flush(self) -> None:
        """Wait until everything told is in the log."""
        await self._idle.wait()

    async def _report(self, forget: Forget) -> None:
        batch, heard = self._waiting[:_STEPS_AT_ONCE], self._oldest_heard
        del self._waiting[:_STEPS_AT_ONCE]
        reports = merge(batch)
        sequence = 0
        for piece in in_messages(reports):
            sequence = await self._append(facts.Reported(piece))
        self._metrics.count(batch)
        self._metrics.report_lag_seconds.observe(self._clock.monotonic() - heard)
        self._log.info("runs_reported", steps=len(batch), reports=len(reports), sequence=sequence)
        if done := self._runs.acknowledged(batch):
            forget(done)

    async def _append(self, fact: facts.Reported) -> int:
        while True:
            try:
                return await self._writer.append(fact, self._origin)
            except LogFull as error:  # a report cannot be refused to anybody: it waits for room
                self._log.warning("report_waits", reason=str(error))
                await asyncio.sleep(error.retry_after_seconds)
