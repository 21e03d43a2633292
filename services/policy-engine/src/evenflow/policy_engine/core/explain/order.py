"""Who goes before a job in its own queue, and why: as the queue's policy orders them now."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice

from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.plugins.policy import PARTS, JobKey, Policy, Rank
from evenflow.policy_engine.core.explain.explanation import Basis, Because
from evenflow.policy_engine.core.ordering.plugin_policies import PolicyFailed, is_ours
from evenflow.policy_engine.core.ordering.policies import (
    DEADLINE,
    FAIR_TREE,
    FAIRSHARE,
    FIFO,
    MULTIFACTOR,
    PRIORITY,
    SHORTEST_FIRST,
)
from evenflow.policy_engine.core.state.engine_state import EngineState
from evenflow.policy_engine.core.waiting.job_class import JobGroup
from evenflow.policy_engine.core.waiting.job_class import Order as LeafOrder
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue


def _nobody() -> Iterator[Job]:
    return iter(())


@dataclass(frozen=True, slots=True)
class Order:
    """A job's place (from 1), and those before it, first to last.

    `place` is None for a job that is in no order, and where a policy names only whose turn it is.
    `holding` are those before it that hold it back: not the ones it may pass.
    """

    place: int | None = None
    ahead: int = 0
    jobs: Callable[[], Iterator[Job]] = field(default=_nobody)
    holding: Callable[[], Iterator[Job]] = field(default=_nobody)


def order_of(state: EngineState, job: Job) -> Order:
    """Return where a pending job stands among those of its queue that wait for their turn.

    With policies of users it is the order as users stand now: each start moves its user back.
    """
    found = state.waiting.position_of(job.spec.id)
    if found is None:
        return Order()
    leaf, mine, key = found
    if leaf.policy.selects is not None:
        return _selected(state, leaf, job)
    try:
        cuts = _cuts(leaf, mine, key)
    except PolicyFailed:
        cuts = _cuts_by_key(leaf, key)
    ahead = sum([count for _, _, count in cuts])
    return Order(
        ahead + 1,
        ahead,
        lambda: _merged(state, leaf, cuts),
        lambda: _merged(state, leaf, [cut for cut in cuts if not leaf.is_aside(cut[0])]),
    )


def because(state: EngineState, other: Job, job: Job) -> Because:
    """Return why another job of the same queue goes before this one."""
    if state.waiting.targets.is_late(other.spec.id) > state.waiting.targets.is_late(job.spec.id):
        return Because(Basis.WAITED)
    policy = _policy(state, job.spec.queue)
    if not is_ours(policy):
        return Because(Basis.POLICY)
    earlier = Because(Basis.EARLIER, other.position, job.position)
    return _compared(state, policy, other, job) or earlier


def _compared(state: EngineState, policy: Policy, other: Job, job: Job) -> Because | None:
    """Return what decides between two jobs by one of our policies; None: the places do."""
    if policy is PRIORITY:
        return _by(Basis.PRIORITY, other.spec.priority, job.spec.priority)
    if policy is SHORTEST_FIRST:
        return _by(Basis.SHORTER, _duration(other.spec), _duration(job.spec))
    if policy is DEADLINE:
        return _by(Basis.START_BY, _start_by(state, other), _start_by(state, job))
    if policy is FAIRSHARE or policy is FAIR_TREE:
        return _by_usage(state, policy, other.spec, job.spec)
    if policy is MULTIFACTOR:
        return _by(Basis.SCORE, _score(state, other), _score(state, job))
    return None


_Cut = tuple[JobGroup, Callable[[JobKey], LeafOrder], int]
"""A group, by what its jobs are compared with those of others, and how many of them go first."""


def _cuts(leaf: LeafQueue, mine: JobGroup, key: JobKey) -> list[_Cut]:
    order = _ordering(leaf, mine)(key)
    cuts: list[_Cut] = []
    for group, keys in leaf.groups():
        ordered = _ordering(leaf, group)
        # A user's jobs are sorted by rank, and what the user brings is the same for all of them.
        count = bisect_left(keys, order, key=ordered)
        if count:
            cuts.append((group, ordered, count))
    return cuts


def _cuts_by_key(leaf: LeafQueue, key: JobKey) -> list[_Cut]:
    """Do without a policy that failed; the next cycle does, too."""
    cuts: list[_Cut] = []
    for group, keys in leaf.groups():
        count = keys.before(key)
        if count:
            cuts.append((group, _plain, count))
    return cuts


def _ordering(leaf: LeafQueue, group: JobGroup) -> Callable[[JobKey], LeafOrder]:
    standings = leaf.standings
    if standings is None or group.is_late:
        return _plain
    known: dict[Rank, Rank] = {}

    def order(key: JobKey) -> LeafOrder:
        rank = key[0]
        if rank not in known:
            known[rank] = standings(group.user, rank)
        return (known[rank], key)

    return order


def _plain(key: JobKey) -> LeafOrder:
    return ((), key)


def _merged(state: EngineState, leaf: LeafQueue, cuts: list[_Cut]) -> Iterator[Job]:
    keys = dict(leaf.groups())
    parts = [map(ordered, islice(keys[group], count)) for group, ordered, count in cuts]
    jobs = state.shard.jobs
    return (jobs[order[1][-1]] for order in merge(*parts))


def _selected(state: EngineState, leaf: LeafQueue, job: Job) -> Order:
    """Return what a policy without ranks tells: only whose turn it is."""
    head = state.waiting.head_or_none(leaf.path)
    if head is None or head[0] == job.spec.id:
        return Order(None if head is None else 1)
    first = state.shard.jobs[head[0]]
    return Order(None, 1, lambda: iter((first,)), lambda: iter((first,)))


def _policy(state: EngineState, leaf: str) -> Policy:
    policy = state.policy_of(leaf)
    return FIFO if policy.name in state.waiting.failed else policy


def _by(basis: Basis, theirs: float | None, mine: float | None) -> Because | None:
    return None if theirs == mine else Because(basis, theirs, mine)


def _by_usage(state: EngineState, policy: Policy, other: JobSpec, mine: JobSpec) -> Because | None:
    if other.user == mine.user:
        return None
    a, b = (state.standing_of(mine.queue, user) for user in (other.user, mine.user))
    if policy is FAIR_TREE:
        return _by(Basis.USED_LESS_HERE, a.queue_usage / PARTS, b.queue_usage / PARTS)
    return _by(Basis.USED_LESS, a.usage / PARTS, b.usage / PARTS) or _by(
        Basis.HOLDS_LESS, a.allocated / PARTS, b.allocated / PARTS
    )


def _start_by(state: EngineState, job: Job) -> int | None:
    rank = DEADLINE.key(job, state.waiting.ranking)[0]
    return None if rank[0] else rank[1]


def _duration(spec: JobSpec) -> int | None:
    return spec.estimated_duration_us or spec.time_limit_us


def _score(state: EngineState, job: Job) -> float:
    """Return the weighted sum that the rank of a job and its user stands for."""
    ranking = state.waiting.ranking
    standing = state.standing_of(job.spec.queue, job.spec.user)
    rank = MULTIFACTOR.key(job, ranking)[0]
    if MULTIFACTOR.standing is not None:
        rank = MULTIFACTOR.standing(standing, rank, ranking)
    return -rank[0] / PARTS
