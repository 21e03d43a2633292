"""Facts about the log itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Skip:
    """Sequences `first` to `last` that no reader folds: unreadable, or not there any more."""

    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Readers pass over these sequences, all of which lie before this fact.

    `cut_after`: the log lost its end, and goes on behind this sequence. What was folded from more
    of the lost end (checkpoints, views, states) is dropped. Negative: nothing of the kind.
    """

    skips: tuple[Skip, ...]
    cut_after: int = -1
