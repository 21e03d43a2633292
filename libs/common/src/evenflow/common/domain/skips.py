"""Which sequences readers pass over: what all `log.skipped` say, as ranges. Pure."""

from dataclasses import dataclass, field

from evenflow.common.domain.facts.log import Skipped


@dataclass
class Skips:
    """Ranges of sequences, in order; `known` is the sequence of the newest `log.skipped` seen."""

    known: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)  # told at, the log was cut after

    def add(self, told_at: int, fact: Skipped) -> None:
        """Take in what one fact says. What does not lie before the fact itself is left aside."""
        self.known = max(self.known, told_at)
        if 0 <= fact.cut_after < told_at:
            self.cuts.append((told_at, fact.cut_after))
        for skip in fact.skips:
            if 0 < skip.first <= skip.last < told_at:
                self.ranges.append((skip.first, skip.last))
        merged: list[tuple[int, int]] = []
        for first, last in sorted(self.ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self.ranges = merged

    def covers(self, first: int, last: int) -> bool:
        """Whether all of these sequences are to be passed over."""
        return any(begin <= first and last <= end for begin, end in self.ranges)

    def is_dropped(self, sequence: int, *, fits: bool = False, told_of: int = 0) -> bool:
        """Whether what was folded up to here is dropped, because the log has lost some of it.

        `fits`: it ends with a message that the log holds; then only what was folded before the
        loss was told is dropped. `told_of`: where the newest loss was told that it has folded; what
        it lacks beyond that was lost since, and nobody has agreed to it.
        """
        return any(
            told_of < told_at and cut_after < sequence and (sequence < told_at or not fits)
            for told_at, cut_after in self.cuts
        )

    def cuts_ahead_of(self, sequence: int) -> set[int]:
        """Return where the losses were told of that lie behind this sequence."""
        return {told_at for told_at, cut_after in self.cuts if cut_after >= sequence}
