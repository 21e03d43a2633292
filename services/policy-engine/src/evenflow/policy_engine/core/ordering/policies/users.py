"""Policies of users: who has had less goes first, and a user's own jobs go as they came."""

from typing import Final

from evenflow.common.domain.plugins.policy import Policy, Rank, Ranking, Standing
from evenflow.policy_engine.core.ordering.policies.jobs import by_position


def _least_used(standing: Standing, rank: Rank, ranking: Ranking) -> Rank:  # noqa: ARG001
    """Order by usage over target, then by what is held now (SCH-09).

    The target is one part in `standing.users`, the same for all users of the queue: a factor
    that all have in common changes no order, so it is left out.
    """
    return (standing.usage, standing.allocated)


def _highest_level_share(standing: Standing, rank: Rank, ranking: Ranking) -> Rank:  # noqa: ARG001
    """Order by falling level fair share among the users of this leaf.

    Level fair share is shares over usage, both normalised among siblings. Users of a leaf have
    equal shares, and the usage of all of them is one divisor, so it falls just as usage here grows;
    no usage is infinite and comes first. Levels above the leaf are the order of queues, not ours.
    """
    return (standing.queue_usage,)


FAIRSHARE: Final = Policy("fairshare", by_position, standing=_least_used)
FAIR_TREE: Final = Policy("fair-tree", by_position, standing=_highest_level_share)
