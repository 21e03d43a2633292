"""Other people's policies: as what they come, and what of theirs is believed.

A policy that raises, or says what cannot be an order, is a `PolicyFailed` for the job or user it
was asked about. The caller then falls back to an order of its own; nothing else is harmed.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Protocol, TypeVar, runtime_checkable

from evenflow.common.domain.decisions.settings import SchedulerSettings
from evenflow.common.domain.errors import EvenflowError, InvalidValue
from evenflow.common.domain.jobs.job import Job
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.plugins.policy import JobKey, Policy, Rank, Ranking, Standing, nobody
from evenflow.common.domain.queues.queue import Queue
from evenflow.policy_engine.core.ordering.policies import BUILT_IN
from evenflow.policy_engine.core.ordering.policies.jobs import by_position
from evenflow.policy_engine.core.ordering.protected_jobs import ProtectedJobs

_T = TypeVar("_T")
_LONGEST_TOLD: Final = 200  # characters
# What every policy is asked about first: it tells how many parts its ranks have. Asking about the
# same job everywhere, instead of remembering the first that came, keeps a replay the same.
_PLAIN_SPEC: Final = JobSpec(
    "00000000-0000-7000-8000-000000000000",  # as real as the others: policies may read ids
    "job",
    "project",
    "project/queue",
    "user",
    submitted_at=0,
)
_PLAIN_USER: Final = Standing(user="", usage=0, queue_usage=0, allocated=0, users=1)
_PLAIN_RANKING: Final = Ranking(SchedulerSettings(), as_of=0)


class PolicyFailed(EvenflowError):
    """A policy that somebody installed cannot be used for what it was asked."""

    def __init__(self, policy: str, why: str) -> None:
        """`why` is for people, never for a fact: a message may name an address in memory."""
        super().__init__(f"policy {policy!r} failed: {why}")
        self.policy = policy
        self.why = why


@runtime_checkable
class _Selecting(Protocol):
    def select_next_job(self, queue: Queue, pending_jobs: Iterable[Job]) -> Job | None: ...


@runtime_checkable
class _Preempting(Protocol):
    def should_preempt(self, running_jobs: Sequence[Job], new_job: Job) -> Job | None: ...


def is_ours(policy: Policy) -> bool:
    """Whether the policy came with Evenflow, and is taken at its word."""
    return BUILT_IN.get(policy.name) is policy


def checked_key(policy: Policy, job: Job, ranking: Ranking) -> JobKey:
    """Return the job's place in its queue.

    Raises:
        PolicyFailed: the policy raised, or its rank is none.
    """
    if is_ours(policy):
        return policy.key(job, ranking)
    rank = _rank_of(policy, job, ranking)
    _check_length(policy, rank, _parts_of(policy, _parts_of_rank))
    return (rank, job.position, job.spec.id)


def checked_standing(policy: Policy, standing: Standing, rank: Rank, ranking: Ranking) -> Rank:
    """Return how the user stands; `rank` is that of the user's first job.

    Raises:
        PolicyFailed: the policy raised, is none of users, or its rank is none.
    """
    stands = policy.standing
    if stands is None:
        raise PolicyFailed(policy.name, "is asked how a user stands, and does not say")
    if is_ours(policy):
        return stands(standing, rank, ranking)
    found = _checked_rank(policy, _asked(policy, lambda: stands(standing, rank, ranking)))
    _check_length(policy, found, _parts_of(policy, _parts_of_standing))
    return found


def checked_choice(policy: Policy, queue: Queue, jobs: Sequence[Job]) -> Job | None:
    """Return the job of the list that the policy selects; None when it selects none.

    Raises:
        PolicyFailed: the policy raised, or selected something that is not in the list.
    """
    chosen = _asked(policy, lambda: policy.select_next_job(queue, jobs), jobs)
    if chosen is not None and not any(chosen is job for job in jobs):
        raise PolicyFailed(policy.name, f"selected {_told(chosen)}, which is not pending")
    return chosen


def checked_victim(policy: Policy, running: Sequence[Job], new_job: Job) -> Job | None:
    """Return the job of the list that gives way to a new one; None when none does.

    Raises:
        PolicyFailed: the policy raised, or named something that is not in the list.
    """
    lent = (*running, new_job)
    victim = _asked(policy, lambda: policy.should_preempt(running, new_job), lent)
    if victim is not None and not any(victim is job for job in running):
        raise PolicyFailed(policy.name, f"preempted {_told(victim)}, which is not running")
    return victim


def policy_of(name: str, part: object) -> object:
    """Return what an entry point leads to as a `Policy`, if it is one or has `select_next_job`.

    A class is made into an object first. What can be neither is returned as it is, for the
    registry to refuse; `name` is the entry point's, for parts without a name of their own.

    Raises:
        InvalidValue: its `select_next_job` or `should_preempt` cannot be called.
    """
    whole: object = part() if isinstance(part, type) and issubclass(part, _Selecting) else part
    if isinstance(whole, Policy) or not isinstance(whole, _Selecting):
        return whole
    victim = whole.should_preempt if isinstance(whole, _Preempting) else nobody
    for method in (whole.select_next_job, victim):
        if not callable(method):
            raise InvalidValue(name, method, "must be a method that can be called")
    own = str(getattr(whole, "name", name))
    return Policy(own, by_position, victim=victim, selects=whole.select_next_job)


def _asked(policy: Policy, question: Callable[[], _T], lent: Sequence[Job] = ()) -> _T:
    jobs = ProtectedJobs(lent)
    try:
        answer = question()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # nothing that a policy raises may end a cycle
        jobs.restore()
        raise PolicyFailed(policy.name, f"{type(error).__name__}: {_text(error)}") from error
    changed = jobs.restore()
    if changed:
        raise PolicyFailed(policy.name, f"changed {changed}, which is not its own")
    return answer


def _rank_of(policy: Policy, job: Job, ranking: Ranking) -> Rank:
    return _checked_rank(policy, _asked(policy, lambda: policy.key(job, ranking)[0], (job,)))


def _checked_rank(policy: Policy, rank: object) -> Rank:
    """Return a rank as a plain tuple: one of another class may compare as it likes."""
    parts = tuple.__getitem__(rank, slice(None)) if isinstance(rank, tuple) else None
    if parts is None or any(type(part) is not int for part in parts):
        raise PolicyFailed(policy.name, f"ranked by {_told(rank)}, not by a tuple of integers")
    return parts


def _check_length(policy: Policy, rank: Rank, parts: int) -> None:
    if len(rank) != parts:
        raise PolicyFailed(
            policy.name, f"ranked by {len(rank)} parts, {_told(rank)}, and else by {parts}"
        )


def _parts_of(policy: Policy, count: Callable[[Policy], int]) -> int:
    """Return how many parts ranks of a policy have."""
    try:
        return count(policy)
    except TypeError as error:  # made of what cannot be the key of a memory
        raise PolicyFailed(policy.name, f"cannot be remembered: {_text(error)}") from error


@lru_cache(maxsize=64)
def _parts_of_rank(policy: Policy) -> int:
    return len(_plain_rank(policy))


@lru_cache(maxsize=64)
def _parts_of_standing(policy: Policy) -> int:
    stands = policy.standing
    if stands is None:
        return 0
    rank = _plain_rank(policy)
    found = _asked(policy, lambda: stands(_PLAIN_USER, rank, _PLAIN_RANKING))
    return len(_checked_rank(policy, found))


def _plain_rank(policy: Policy) -> Rank:
    return _rank_of(policy, Job(_PLAIN_SPEC, 1, 1), _PLAIN_RANKING)


def _told(value: object) -> str:
    """Return somebody else's object as text, short, whatever its own methods do."""
    try:
        return repr(value)[:_LONGEST_TOLD]
    except Exception:  # noqa: BLE001 - as above
        return f"a {type(value).__name__}"


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_LONGEST_TOLD]
    except Exception:  # noqa: BLE001 - as above
        return "without a message that can be read"
