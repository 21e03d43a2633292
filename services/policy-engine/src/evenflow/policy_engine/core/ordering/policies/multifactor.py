"""Slurm's multifactor priority: a weighted sum of age, fair share, size and the job's priority.

Each factor lies between 0 and 1 and is a whole number of billionths; the weights are settings. What
a job brings along counts in its rank, as of the usage snapshot, so that a queue is sorted anew
with every snapshot and not with every tick; what its user brings is added by `standing`. Least
goes first, so ranks are priorities with a minus.
"""

from typing import Final

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.rules import MAX_PRIORITY
from evenflow.common.domain.plugins.policy import PARTS, Policy, Rank, Ranking, Standing
from evenflow.policy_engine.core.ordering.fixed_point import two_to_minus

_UNAGED: Final = Ranking(SchedulerSettings(), as_of=0)


def _own_part(job: Job, ranking: Ranking) -> Rank:
    settings = ranking.settings
    return (
        -(
            settings.weight_age * _age(job, ranking)
            + settings.weight_size * _size(job, ranking)
            + settings.weight_priority * (job.spec.priority * PARTS // MAX_PRIORITY)
        ),
    )


def _with_users_part(standing: Standing, rank: Rank, ranking: Ranking) -> Rank:
    return (rank[0] - ranking.settings.weight_fair_share * _fair_share(standing, ranking),)


def _age(job: Job, ranking: Ranking) -> int:
    longest = max(1, ranking.settings.max_age_us)
    age = max(0, ranking.as_of - job.spec.submitted_at)
    return min(age, longest) * PARTS // longest


def _size(job: Job, ranking: Ranking) -> int:
    """Return the part of the cluster that the job asks for, of the resource where that is most."""
    parts = [
        amount * PARTS // capacity
        for name, amount in whole_request(job.spec).items()
        if (capacity := ranking.capacity.get(name, 0)) > 0
    ]
    return min(PARTS, max(parts, default=0))


def _fair_share(standing: Standing, ranking: Ranking) -> int:
    """Return F = 2 ** -(U / S / d), where each of n users has the share S = 1 / n."""
    damping = max(1, ranking.settings.damping)
    return two_to_minus(max(0, standing.usage) * max(1, standing.users) // damping)


MULTIFACTOR: Final = Policy(
    "multifactor",
    rank=lambda job: _own_part(job, _UNAGED),  # for those that ask without a snapshot
    aging_rank=_own_part,
    standing=_with_users_part,
)
