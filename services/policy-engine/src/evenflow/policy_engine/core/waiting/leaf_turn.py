"""Where a leaf stands in the order of turns, with the job whose turn it is in it."""

from typing import TYPE_CHECKING

from evenflow.policy_engine.core.ordering.turns import Branch, Key, LeafPlace
from evenflow.policy_engine.core.waiting.job_class import JobGroup
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue

if TYPE_CHECKING:
    from evenflow.policy_engine.core.waiting.job_class import JobClass

Head = tuple[str, JobGroup]
"""The job whose turn it is in a leaf, and its group."""


class LeafTurn(LeafPlace):
    """The place of a leaf; `head` and `job_class` are None while all of its jobs are aside."""

    __slots__ = ("head", "job_class", "leaf", "scope")

    def __init__(self, leaf: LeafQueue, branch: Branch, key: Key, scope: str) -> None:
        """`scope` is the deepest level whose limits hold for its jobs."""
        super().__init__(leaf.path, branch, key)
        self.leaf = leaf
        self.scope = scope
        self.head: Head | None = None
        self.job_class: JobClass | None = None
