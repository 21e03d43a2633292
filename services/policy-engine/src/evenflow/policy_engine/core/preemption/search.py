"""Finds victims: one after the other until a job fits, then without those that turn out unneeded.

Nobody is stopped in vain: no part of the victims that are found would have made room.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Final

from evenflow.common.domain.jobs.job import Job
from evenflow.policy_engine.core.preemption.trial import Trial

MOST_REMOVED: Final = 256
"""Victims that are tried for one job before it is given up."""
_FEW: Final = 6

NextVictim = Callable[[], Job | None]
"""Return the next to give way, knowing from the trial who did already; None: nobody else does."""


def find_victims(
    trial: Trial, next_victim: NextVictim, most: int, *, is_mutual: bool = False
) -> list[Job] | None:
    """Return whom to stop, at most `most`; none when room is coming anyway, None when in vain.

    `is_mutual`: victims get in each other's way, so less of them may do where more do not.
    """
    taken: list[Job] = []
    while not trial.succeeds():
        job = next_victim() if len(taken) < MOST_REMOVED else None
        if job is None:
            return None
        trial.remove(job)
        taken.append(job)
    kept = _without_unneeded(trial, taken)
    if len(kept) > most:
        return None
    if len(kept) <= _FEW and (is_mutual or not trial.beneficiary.shape.is_plain):
        kept = _smallest(trial, kept)
    trial.succeeds()  # where it goes for just these
    return kept


def _without_unneeded(trial: Trial, taken: list[Job]) -> list[Job]:
    """Let those run on whom the beneficiary does not need, last chosen first."""
    nodes = {task.node: None for task in trial.tasks}
    away = [job for job in taken if not any(task.node in nodes for task in job.placement)]
    kept = list(taken)
    if away:
        for job in away:
            trial.restore(job)
        if trial.succeeds():
            kept = [job for job in taken if job.spec.id in trial.removed]
        else:  # a gate needs them
            for job in away:
                trial.remove(job)
    for job in kept[::-1]:
        trial.restore(job)
        if trial.succeeds():
            kept.remove(job)
        else:
            trial.remove(job)
    return kept


def _smallest(trial: Trial, kept: list[Job]) -> list[Job]:
    """Return the first smallest part that makes room; all of them when no part does."""
    for part in _parts(kept):
        ids = {job.spec.id: None for job in part}
        for job in kept:
            is_removed = job.spec.id in trial.removed
            if is_removed and job.spec.id not in ids:
                trial.restore(job)
            elif not is_removed and job.spec.id in ids:
                trial.remove(job)
        if trial.succeeds():
            return list(part)
    return kept


def _parts(kept: list[Job]) -> Iterator[tuple[Job, ...]]:
    for size in range(1, len(kept) + 1):
        yield from combinations(kept, size)
