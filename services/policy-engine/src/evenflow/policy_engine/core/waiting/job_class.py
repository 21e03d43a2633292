"""Jobs that are placed and let through alike: groups within one leaf, classes over all leaves."""

from collections.abc import Mapping
from typing import NamedTuple

from evenflow.common.domain.decisions.decisions import PendingReason
from evenflow.common.domain.jobs.requests import whole_request
from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.plugins.policy import JobKey, Rank
from evenflow.policy_engine.core.ordering.turns import TurnGroup
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.sorted_queue import SortedQueue

Order = tuple[Rank, JobKey]
"""Ascending: how the user stands (empty for policies of jobs), then the group's first job."""


class JobGroup:
    """One object a leaf for jobs of one user, type and shape; compared by identity.

    `user` is empty where the leaf's policy looks at none. Those that are late waited past their
    queue's target: they go first, as they came. `order` is None while the group is aside, or
    nobody waits in it.
    """

    __slots__ = (
        "is_late", "job_class", "job_type", "keys", "order", "passed_by", "path", "shape", "user",
    )  # fmt: skip

    def __init__(
        self, path: str, user: str, job_type: str, shape: Shape, *, is_late: bool = False
    ) -> None:
        """Nobody waits; `path` is the leaf's."""
        self.path = path
        self.user = user
        self.job_type = job_type
        self.shape = shape
        self.is_late = is_late
        self.keys = SortedQueue()
        self.order: Order | None = None
        self.job_class: JobClass | None = None  # as it was found last; it may be dropped
        self.passed_by: JobClass | None = None  # because of which the group is passed over


class ClassKey(NamedTuple):
    """Jobs of equal demand below equal gates."""

    shape: Shape
    job_type: str
    scope: str  # the deepest level whose limits hold for them; empty when none does


class JobClass(TurnGroup):
    """The heads of leaves that are alike; `whole` is what one of their jobs wants to start."""

    __slots__ = (
        "is_dropped",
        "key",
        "leaves",
        "passed_over",
        "reason",
        "refused_at",
        "spec",
        "untold",
        "whole",
    )  # fmt: skip

    def __init__(self, key: ClassKey, spec: JobSpec) -> None:
        """It is open; `spec` is any job of the class."""
        super().__init__()
        self.key = key
        self.spec = spec
        self.whole: Mapping[str, int] = whole_request(spec)
        self.reason: PendingReason | None = None  # why it is closed
        self.refused_at: str | None = None  # level of the gate; None: it found no room
        self.leaves: dict[str, None] = {}  # whose head is of it
        self.passed_over: dict[tuple[str, JobGroup], None] = {}  # groups passed over because of it
        # Groups whose first job may not have been told the reason, once there was one.
        self.untold: dict[JobGroup, None] = {}
        self.is_dropped = False  # nothing was left of it; who comes later finds another
