"""What the engine says of one job when asked: codes and numbers. Words are made elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason


class Basis(StrEnum):
    """Why one goes before another. The numbers beside it are theirs and mine, in this order."""

    EARLIER = "submitted earlier"  # places in the queue
    PRIORITY = "higher priority"  # priorities
    SHORTER = "shorter"  # expected durations in microseconds; None when nobody knows
    USED_LESS = "its user has used less"  # ratios of the cluster, decayed
    USED_LESS_HERE = "its user has used less of this queue"  # the same, of the queue alone
    HOLDS_LESS = "its user holds less"  # dominant shares of the cluster
    WAITED = "it has waited past its queue's target"
    START_BY = "must start earlier for its deadline"  # instants; None without a deadline
    SCORE = "higher multifactor priority"  # the weighted sums
    POLICY = "its policy puts it first"  # a policy that was installed; it gives no numbers
    SATURATION = "holds less of its fair share"  # held over fair share
    USAGE = "has used less for its weight"  # usage ratios
    OLDER = "older"  # when the queues were created


@dataclass(frozen=True, slots=True)
class Because:
    """One comparison that was won: by what, with whose numbers."""

    basis: Basis
    theirs: float | None = None
    mine: float | None = None


@dataclass(frozen=True, slots=True)
class JobAhead:
    """A job of the same queue that goes first."""

    id: str
    name: str
    user: str
    priority: int
    position: int
    because: Because


@dataclass(frozen=True, slots=True)
class QueueAhead:
    """The sibling queue that goes first of all that want to."""

    path: str
    because: Because


@dataclass(frozen=True, slots=True)
class Level:
    """One queue above the job, or its own: what it may hold, holds, and asks for.

    Saturation is held over fair share of the resource where that is most; infinite without any
    share. Before and after: without this job and with it.
    """

    path: str
    fair_share: Mapping[str, int]
    held: Mapping[str, int]
    request: Mapping[str, int]
    usage_ratio: float
    saturation_before: float
    saturation_after: float
    ahead: QueueAhead | None


@dataclass(frozen=True, slots=True)
class Short:
    """The resource of which the job wants most beyond what is free for it.

    `largest` is the most that one node has free, and `per_task` what one task wants there; None
    where a limit or quota is what is used up.
    """

    resource: str
    wanted: int
    free: int
    per_task: int | None = None
    largest: int | None = None


class StartBasis(StrEnum):
    """What a predicted start rests on."""

    NOW = "now"
    ESTIMATES = "ends of running jobs by estimate"
    LIMITS = "ends of running jobs by limit"
    DEFAULT = "ends of running jobs by default"  # some named neither estimate nor limit
    BUDGET = "next period of the budget"
    BACKOFF = "end of its back-off"
    RESERVATION = "end of the reservation in its way"


@dataclass(frozen=True, slots=True)
class Prediction:
    """When the job may start at the earliest; or `at` None, and `unknown` says why nobody knows.

    Room is counted in sum over the nodes of the job's kind of cluster, and only jobs of its own
    queue are counted before it: other queues and fragmentation may delay it further.
    """

    at: Instant | None = None
    basis: StartBasis | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is where it is. `place` (from 1) is None where the order has none for it."""

    job_id: str
    as_of: int  # sequence of the log
    policy: str
    reason: PendingReason | None
    place: int | None
    ahead: int
    first: tuple[JobAhead, ...]
    levels: tuple[Level, ...]
    short: Short | None
    prediction: Prediction | None  # None: it does not wait
