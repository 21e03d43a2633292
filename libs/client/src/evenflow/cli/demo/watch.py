"""Following the demo's jobs to their ends, with a picture on a terminal and lines elsewhere."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from evenflow.cli.demo.recorder import DemoRecorder, capacity_of
from evenflow.cli.display.console import err, say
from evenflow.cli.display.table import Cell, Column, make_table
from evenflow.client import AsyncClient
from evenflow.client.mirror import Mirror
from evenflow.common.domain.errors import EvenflowError
from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.resources import dominant_share

_BAR: Final = 24
_PICTURE_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 2.0
_LAST: Final = 6
_COLUMNS: Final = (
    Column("QUEUE"),
    Column("WEIGHT", align="right"),
    Column("HOLDS"),
    Column("RUNNING", align="right"),
    Column("WAITING", align="right"),
    Column("ENDED", align="right"),
)
_COLOURS: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")


class TookTooLong(EvenflowError):
    """Jobs of the demo did not end in time."""


@dataclass(slots=True)
class Watch:
    """The mirror of the demo's system, what was recorded, and what happened last."""

    queues: Sequence[str]
    count: int  # jobs to wait for
    mirror: Mirror = field(default_factory=Mirror)
    recorder: DemoRecorder = field(init=False)
    news: list[Text] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Nothing is recorded yet."""
        self.recorder = DemoRecorder(self.queues)

    @property
    def is_done(self) -> bool:
        """Whether every job has ended."""
        return len(self.recorder.ended) >= self.count

    async def follow(self, client: AsyncClient, patience_seconds: float) -> None:
        """Fold the log until every job has ended, showing how far it is.

        Raises:
            TookTooLong: they have not ended in time.
        """
        reading = asyncio.create_task(self._read(client))
        try:
            async with asyncio.timeout(patience_seconds):
                await self._show(reading)
        except TimeoutError as error:
            left = self.count - len(self.recorder.ended)
            raise TookTooLong(f"{left} jobs did not end within {patience_seconds:.0f} s") from error
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, client: AsyncClient) -> None:
        async for event in client.events(begin=1, patience_seconds=15):
            entry = self.mirror.decode(event)
            started, ended = len(self.recorder.starts), set(self.recorder.ended)
            self.recorder.before(self.mirror.state, entry)
            self.recorder.after(self.mirror.fold(entry))
            self._note(started, ended)
            if self.is_done:
                return

    def _note(self, started: int, ended: set[str]) -> None:
        for start in self.recorder.starts[started:]:
            self.news.append(Text(f"{start.spec.name} starts: {start.why}", style="dim"))
        for name in self.recorder.ended.keys() - ended:
            job = self.recorder.ended[name]
            style = "" if job.state is JobState.SUCCEEDED else "red"
            code = "" if job.exit_code is None else f", exit code {job.exit_code}"
            self.news.append(Text(f"{name} {job.state.value}{code}", style=style))
        del self.news[:-_LAST]

    async def _show(self, reading: asyncio.Task[None]) -> None:
        if err().is_terminal:
            with Live(self._picture(), console=err(), auto_refresh=False) as live:
                while not reading.done():
                    await asyncio.wait({reading}, timeout=_PICTURE_SECONDS)
                    live.update(self._picture(), refresh=True)
        else:
            told_at = time.monotonic()
            while not reading.done():
                await asyncio.wait({reading}, timeout=_PICTURE_SECONDS)
                if time.monotonic() - told_at >= _LINE_SECONDS:
                    told_at = time.monotonic()
                    say(self._line())
        reading.result()

    def _line(self) -> str:
        state = self.mirror.state
        parts = [
            f"{queue} {state.ledger.held(queue).jobs} run {state.count(queue).pending} wait"
            for queue in self.queues
        ]
        return f"{len(self.recorder.ended)} of {self.count} ended; {', '.join(parts)}"

    def _picture(self) -> RenderableType:
        state, capacity = self.mirror.state, capacity_of(self.mirror.state)
        rows: list[list[Cell]] = []
        for queue, colour in zip(self.queues, _COLOURS, strict=False):
            held, count = state.ledger.held(queue), state.count(queue)
            share = dominant_share(held.resources, capacity)
            bar = Text("█" * round(_BAR * share), style=colour)
            bar.append("·" * (_BAR - round(_BAR * share)), style="dim")
            bar.append(f" {100 * share:3.0f} %")
            ended = sum(job.spec.queue == queue for job in self.recorder.ended.values())
            weight = f"{state.queues[queue].weight:g}" if queue in state.queues else ""
            rows.append([queue, weight, bar, str(held.jobs), str(count.pending), str(ended)])
        table = make_table(_COLUMNS, rows)
        table.caption = f"{len(self.recorder.ended)} of {self.count} jobs ended"
        table.caption_justify = "left"
        return Group(table, *self.news)
