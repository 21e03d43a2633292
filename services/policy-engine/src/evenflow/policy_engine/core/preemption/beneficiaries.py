"""Whose turn it is to get room by stopping others."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from evenflow.common.domain.decisions.decisions import ReasonCode
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.queues.queue import lineage
from evenflow.policy_engine.core.ordering.turns import Key
from evenflow.policy_engine.core.preemption.trial import Beneficiary
from evenflow.policy_engine.core.session.clearance import end_of

if TYPE_CHECKING:
    from evenflow.policy_engine.core.session.session import Session

MOST_TRIED: Final = 4
"""Jobs of one kind of cluster for which victims are looked for in one cycle."""
_HELPED: Final = frozenset(
    {
        ReasonCode.CAPACITY,
        ReasonCode.QUEUE_FULL,
        ReasonCode.QUEUE_LIMIT,
        ReasonCode.QUOTA_CPU,
        ReasonCode.QUOTA_MEMORY,
        ReasonCode.QUOTA_GPU,
        ReasonCode.QUOTA_OTHER,
        ReasonCode.QUOTA_JOBS,
        ReasonCode.QUOTA_TYPE,
    }
)
"""Reasons to wait that go away when others stop."""


def beneficiaries_in_turn(
    session: "Session", leaves: Iterable[str], is_wanted: Callable[[str], bool] = lambda _: True
) -> Iterator[Beneficiary]:
    """Yield first jobs of leaves that wait in vain, in the order of turns, some of each kind."""
    state = session.state
    waiting, claims, jobs = state.waiting, state.shard.claims, state.shard.jobs
    left = dict.fromkeys(state.rooms.kinds(), MOST_TRIED)
    for leaf in _by_turns(state.key_of, list(leaves)):
        front = waiting.first_job_of(leaf)
        if front is None or front.job_id in claims or front.job_class.is_open:
            continue
        reason, job = front.job_class.reason, jobs[front.job_id]
        kind = job.spec.executor
        if reason is None or reason.code not in _HELPED or not left.get(kind):
            continue
        if is_wanted(leaf) and not _meets_reservation(session, job.spec):
            left[kind] -= 1
            yield Beneficiary(leaf, job, front.job_class)
            if not any(left.values()):
                return


def _by_turns(key_of: Callable[[str], Key], leaves: list[str], depth: int = 0) -> Iterator[str]:
    """Yield leaves in the order of turns; no more is ordered than is asked for."""
    below: dict[str, list[str]] = {}
    for leaf in leaves:
        below.setdefault(lineage(leaf)[depth], []).append(leaf)
    for path in sorted(below, key=key_of):
        if below[path] == [path]:
            yield path
        else:
            yield from _by_turns(key_of, below[path], depth + 1)


def _meets_reservation(session: "Session", spec: JobSpec) -> bool:
    """Whether a job may still run when room is kept for others: nobody is stopped for it then."""
    end = end_of(session, spec)
    return any(
        kept.executor == spec.executor and not kept.is_for(spec.queue)
        for kept in session.state.shard.reservations.values()
        if kept.start_at < end and kept.end_at > session.now
    )
