"""Where a reader of the log stands still, and what a person can do about it.

A message that cannot be read, or messages that are gone, stop a reader; they do not end the
service. It waits there, says so in its health, and looks ahead in the log for the `log.skipped`
that tells all readers to go on.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from evenflow.common.domain.errors import (
    EvenflowError,
    LogCut,
    LogGap,
    TemporarilyUnavailable,
    UnknownKind,
)
from evenflow.common.ports.log import FactReader
from evenflow.common.runtime.process.context import ServiceContext

CONDITION: Final = "reading"
"""The condition in the health of a service that stands still."""
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Standstill:
    """What comes next and cannot be folded: `first` to `last`, in the log."""

    first: int
    last: int
    subject: str
    reason: str
    command: str  # that mends it
    kind: Literal["message", "gap", "cut"] = "message"
    is_half_folded: bool = False  # the state has moved by a part of it, and cannot be used any more

    def __str__(self) -> str:
        """Say it all in one line."""
        where = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        on = f" ({self.subject})" if self.subject else ""
        return f"the log cannot be read at sequence {where}{on}: {self.reason}; {self.command}"


class FoldAnew(EvenflowError):
    """The state of this process is to be dropped: it ends, and folds anew when started again."""


def at_message(
    sequence: int, subject: str, error: Exception, *, is_half_folded: bool
) -> Standstill:
    """Return the standstill at a message that cannot be read or folded."""
    reason = getattr(error, "reason", "") or str(error) or repr(error)
    if isinstance(error, UnknownKind):
        command = "this service goes on when it is updated"
    else:
        command = (
            f"`evenflow log quarantine {sequence} --reason ...` lets all services pass over it"
        )
    return Standstill(sequence, sequence, subject, reason, command, is_half_folded=is_half_folded)


def at_gap(gap: LogGap) -> Standstill:
    """Return the standstill before messages that are gone."""
    return Standstill(
        gap.first,
        gap.last,
        "",
        "messages are gone from the log",
        "`evenflow log repair` shows what is lost and lets all services go on",
        "gap",
    )


def at_cut(at: int, cut: LogCut) -> Standstill:
    """Return the standstill of who has folded more than the log holds."""
    command = "`evenflow log repair` shows what is lost and mends it"
    return Standstill(at, at, "", str(cut), command, "cut")


class Reading:
    """What one process says of its reading."""

    def __init__(self, ctx: ServiceContext) -> None:
        """Nothing stands still at first."""
        self._ctx = ctx
        self.standstill: Standstill | None = None
        self.stands = asyncio.Event()
        """Set while something stands still."""
        ctx.metrics.show_standstill(0)

    def tell(self, standstill: Standstill) -> None:
        """Say where it stands, in health, log and metrics."""
        if self.standstill == standstill:
            return
        self.standstill = standstill
        self._ctx.metrics.show_standstill(standstill.first)
        self._ctx.health.fail(CONDITION, str(standstill))
        self._ctx.log.error(
            "reading_stands",
            sequence=standstill.first,
            last=standstill.last,
            subject=standstill.subject,
            reason=standstill.reason,
        )
        self.stands.set()

    def go_on(self) -> None:
        """Say that it is over."""
        if self.standstill is None:
            return
        self._ctx.log.warning("reading_goes_on", behind=self.standstill.last)
        self.standstill = None
        self._ctx.metrics.show_standstill(0)
        self.stands.clear()
        self._ctx.health.clear(CONDITION)

    async def wait(self, standstill: Standstill, reader: FactReader) -> None:
        """Stand until the log says that all readers pass over it.

        Raises:
            FoldAnew: they do, and the state that this process has cannot be used for it.
        """
        while True:
            try:
                await reader.skips.refresh()
            except TemporarilyUnavailable as error:
                self._ctx.log.debug("skips_not_read", reason=str(error))
            if reader.skips.covers(standstill.first, standstill.last):
                break
            self.tell(standstill)
            await asyncio.sleep(LOOK_SECONDS)
        if standstill.is_half_folded:
            raise FoldAnew(f"sequence {standstill.first} is passed over: folding anew without it")
        self.go_on()
