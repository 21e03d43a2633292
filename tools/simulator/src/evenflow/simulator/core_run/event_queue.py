"""What happens when, in virtual time: ends of runs before what people and clusters say."""

from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Fact
from evenflow.common.domain.jobs.spec import JobSpec


class EventKind(IntEnum):
    """Things of one instant happen in this order."""

    END = 0  # first, so that what ends makes room for what comes at the same time
    FACT = 1  # queues, quotas, nodes: they are there before jobs come
    SUBMISSION = 2
    CANCEL = 3


class RunEnd(NamedTuple):
    """The end of one attempt; that of an attempt which was stopped meanwhile means nothing."""

    job_id: str
    attempt: int


class Cancel(NamedTuple):
    """Somebody withdraws a job."""

    job_id: str
    user: str


@dataclass(slots=True)
class EventsNow:
    """All of one instant, each list in the order in which it was put down."""

    ends: list[RunEnd] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    submissions: list[JobSpec] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)


class EventQueue:
    """A heap of what is to come."""

    def __init__(self) -> None:
        """Nothing is to come."""
        self._heap: list[tuple[Instant, EventKind, int, RunEnd | Fact | JobSpec | Cancel]] = []
        self._serial = 0

    def put(self, at: Instant, kind: EventKind, what: RunEnd | Fact | JobSpec | Cancel) -> None:
        """Let something happen at an instant, after what is down for that instant and kind."""
        self._serial += 1
        heappush(self._heap, (at, kind, self._serial, what))

    def next_at(self) -> Instant | None:
        """Return when the next thing happens; None when nothing does."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: Instant) -> EventsNow:
        """Take out all that happens up to `now`."""
        found = EventsNow()
        heap = self._heap
        while heap and heap[0][0] <= now:
            what = heappop(heap)[3]
            match what:
                case RunEnd():
                    found.ends.append(what)
                case JobSpec():
                    found.submissions.append(what)
                case Cancel():
                    found.cancels.append(what)
                case _:
                    found.facts.append(what)
        return found
