"""Jobs of one leaf that are placed and judged alike."""

from typing import TYPE_CHECKING

from evenflow.common.domain.plugins.policy import JobKey, Rank
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.sorted_queue import Line

if TYPE_CHECKING:
    from evenflow.policy_engine.core.waiting.job_classes import JobClass

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
        self.keys = Line()
        self.order: Order | None = None
        self.job_class: JobClass | None = None  # as it was found last; it may be dropped
        self.passed_by: JobClass | None = None  # because of which the group is passed over
