"""The place of a job in its queue, as the view knows it: by position, or by priority first."""

from typing import Final

from evenflow.common.domain.jobs.job import JobState
from evenflow.common.domain.queues.queue import lineage
from evenflow.gateway.gateway import Gateway
from evenflow.gateway.view.reads import Row

_SHOWN_AHEAD: Final = 5


async def jobs_ahead(gateway: Gateway, row: Row) -> tuple[int, list[Row]]:
    """Return how many jobs of its queue go before a waiting job, and the first of them."""
    if row["state"] != JobState.PENDING or row["position"] is None:
        return 0, []
    count, first = await gateway.reads.ahead(
        row["queue"],
        row["position"],
        row["priority"] if policy_of(gateway, row) == "priority" else None,
        _SHOWN_AHEAD,
    )
    return count, list(first)


def policy_of(gateway: Gateway, row: Row) -> str:
    """Return the policy that a job's queue or one above it names, else the shard's."""
    state = gateway.state()
    for path in reversed(lineage(row["queue"])):
        queue = state.queues.get(path)
        if queue is not None and queue.policy:
            return queue.policy
    return state.settings.policy
