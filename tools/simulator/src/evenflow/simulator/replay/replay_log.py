"""Replay a recorded log: decide it again, and say where it comes out otherwise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from evenflow.common.contracts import codec
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.entry import Entry
from evenflow.common.domain.errors import BrokenInvariant, EvenflowError
from evenflow.common.domain.facts import cycle
from evenflow.policy_engine.core.cycle import CORE_VERSION
from evenflow.policy_engine.core.replay.replay import Replayed, replay
from evenflow.policy_engine.core.replay.rules import AS_RECORDED, Rules
from evenflow.policy_engine.core.state.plugins import Plugins
from evenflow.simulator.replay.recording.recorded_log import RecordedLog

OnCycle = Callable[[int], None]
"""Told the sequence of each cycle that was decided again."""
PARTS: Final = ("placements", "growths", "evictions", "rejections", "reasons")
"""Of a decision, the most important first."""
_ENVELOPE: Final = codec.Envelope(event_id="", occurred_at=0, shard="", actor="")


class CannotReplay(EvenflowError):
    """The facts of a past do not follow from one another; the message names where."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A cycle that is decided otherwise: what it says of single jobs, before and now."""

    sequence: int
    at: Instant
    parts: tuple[str, ...]  # of PARTS, those that differ; empty: only what it was made with
    recorded: cycle.Decided
    replayed: cycle.Decided

    @property
    def changes_actions(self) -> bool:
        """Whether other jobs start or stop, not only other reasons are given."""
        return any(part != "reasons" for part in self.parts)

    def changes(self) -> Iterator[tuple[str, str, object, object]]:
        """Yield (part, job, what was recorded, what is decided now) for every job that differs."""
        for part in self.parts:
            before = {each.job_id: each for each in getattr(self.recorded, part)}
            now = {each.job_id: each for each in getattr(self.replayed, part)}
            order = getattr(self.recorded, part) != getattr(self.replayed, part)
            jobs = sorted({j for j in before.keys() | now.keys() if before.get(j) != now.get(j)})
            if order and not jobs:  # the same records in another order
                yield part, "", tuple(before), tuple(now)
            for job_id in jobs:
                yield part, job_id, before.get(job_id), now.get(job_id)


@dataclass(slots=True)
class ReplayResult:
    """What came of deciding a past again."""

    cycles: int = 0
    differences: list[Difference] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)  # of other cores, how many cycles


def replay_log(
    past: RecordedLog,
    plugins: Plugins,
    *,
    rules: Rules = AS_RECORDED,
    on_cycle: OnCycle = lambda _: None,
    most: int | None = None,
) -> ReplayResult:
    """Decide every cycle of the span again, each with what it saw.

    Args:
        past: facts with their base.
        plugins: the policies and the quota provider that it was decided with.
        rules: what else to decide by.
        on_cycle: progress.
        most: stop after so many differences.

    Raises:
        UnreadableMessage, CannotReplay: the past is damaged; each says where.
    """
    found = ReplayResult()
    for replayed in _replayed(past, plugins, rules):
        on_cycle(replayed.sequence)
        if replayed.sequence < past.begin:
            continue
        found.cycles += 1
        version = replayed.recorded.core_version
        if version != CORE_VERSION:
            found.versions[version] = found.versions.get(version, 0) + 1
        difference = compare(replayed)
        if difference is not None:
            found.differences.append(difference)
            if len(found.differences) == most:
                break
    return found


def compare(replayed: Replayed) -> Difference | None:
    """Return how a cycle differs, byte for byte; None when it does not.

    The version of the core that decided is no difference: it is told apart.
    """
    recorded = replayed.recorded
    decided = replace(replayed.again, core_version=recorded.core_version)
    if codec.encode(_ENVELOPE, decided) == codec.encode(_ENVELOPE, recorded):
        return None
    parts = tuple(part for part in PARTS if getattr(decided, part) != getattr(recorded, part))
    return Difference(replayed.sequence, recorded.now, parts, recorded, decided)


def _replayed(past: RecordedLog, plugins: Plugins, rules: Rules) -> Iterator[Replayed]:
    reached = _Reached(past.entries)
    try:
        yield from replay(
            reached, past.state(), plugins=plugins, snapshots=past.snapshots(), rules=rules
        )
    except BrokenInvariant as error:
        raise CannotReplay(
            f"the facts up to sequence {reached.sequence} do not follow from one another: {error}"
        ) from error


class _Reached:
    """Entries, and how far they were taken."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries
        self.sequence = 0

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.sequence = entry.sequence
            yield entry
