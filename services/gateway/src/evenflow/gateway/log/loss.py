"""What a log has lost, and what readers had folded of it. Pure; `repair` acts by it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from evenflow.common.adapters.log.gaps import StoredSpan
from evenflow.common.domain.facts.log import Skip, Skipped


@dataclass(frozen=True, slots=True)
class Loss:
    """Sequences that are gone, and those who have folded more than the log holds.

    `cut_after`: what was folded beyond is dropped, so that all agree; None when nobody had folded
    any of what is lost.
    """

    span: StoredSpan
    gaps: tuple[tuple[int, int], ...]
    ahead: tuple[str, ...]
    cut_after: int | None

    @property
    def is_nothing(self) -> bool:
        """Whether the log is whole."""
        return not self.gaps and self.cut_after is None

    def fact(self, reason: str) -> Skipped:
        """Return what lets all services go on."""
        skips = tuple(Skip(first, last, reason) for first, last in self.gaps)
        return Skipped(skips, -1 if self.cut_after is None else self.cut_after)


def loss_of(
    span: StoredSpan,
    gaps: Iterable[tuple[int, int]],
    folded_by: Mapping[str, int],
    misfit: tuple[int, int] | None,
) -> Loss:
    """Return what is lost.

    Args:
        span: what the log says that it holds.
        gaps: ranges that are not there, and that nothing tells readers to pass over.
        folded_by: up to which sequence who has folded the log.
        misfit: a sequence whose message is not the one that was folded, and the newest below it
            that is known to be.
    """
    gaps = tuple(sorted(gaps))
    lowest = min((first for first, _ in gaps), default=span.last + 1)
    if misfit is not None:
        lowest = min(lowest, misfit[1] + 1)
    ahead = [f"{who}, at {at}" for who, at in sorted(folded_by.items()) if at >= lowest]
    if misfit is not None:
        ahead.append(f"message {misfit[0]} is another one than was folded")
    return Loss(span, gaps, tuple(ahead), lowest - 1 if ahead else None)


def lost_beginning(span: StoredSpan, states: Collection[int]) -> tuple[int, int] | None:
    """Return what is gone from the log's beginning and in no state; None when a state has it.

    The log is cut behind states, so where none reaches up to its beginning something was lost.
    """
    newest = max(states, default=0)
    return (newest + 1, span.first - 1) if newest + 1 < span.first else None
