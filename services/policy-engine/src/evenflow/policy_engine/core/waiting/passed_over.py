"""Groups of jobs that others of their leaf may pass, until their class is opened (SCH-12)."""

from collections.abc import Iterator
from typing import Final

from evenflow.policy_engine.core.waiting.job_class import JobClass, JobGroup
from evenflow.policy_engine.core.waiting.job_classes import JobClasses
from evenflow.policy_engine.core.waiting.leaf_queue import LeafQueue


class PassedOver:
    """Which groups of leaves are aside because of which class."""

    def __init__(self, classes: JobClasses) -> None:
        """No group is."""
        self._classes: Final = classes

    def put(self, leaf: LeafQueue, group: JobGroup, job_class: JobClass) -> None:
        """Put a leaf's group aside because of a class."""
        leaf.put_aside(group)
        job_class.passed_over[leaf.path, group] = None
        group.passed_by = job_class

    def follow(self, leaf: LeafQueue, group: JobGroup) -> None:
        """Forget that a group was passed over once it is gone, or has another first job."""
        if group.passed_by is not None and not leaf.is_aside(group):
            self._forget(group, group.passed_by)

    def forget_leaf(self, leaf: LeafQueue) -> None:
        """Forget all groups of a leaf."""
        for group, job_class in list(self.of_leaf(leaf)):
            self._forget(group, job_class)

    def take(self, job_class: JobClass) -> list[JobGroup]:
        """Return the groups that were passed over because of a class, and forget them.

        They are still aside in their leaves; the class may be unused then.
        """
        passed_over = [group for _, group in job_class.passed_over]
        job_class.passed_over.clear()
        for group in passed_over:
            job_class.untold.pop(group, None)
            group.passed_by = None
        return passed_over

    def of_leaf(self, leaf: LeafQueue) -> Iterator[tuple[JobGroup, JobClass]]:
        """Yield the groups of a leaf that are aside, with the class because of which they are."""
        for group, _ in leaf.groups():
            if group.passed_by is not None:
                yield group, group.passed_by

    def _forget(self, group: JobGroup, job_class: JobClass) -> None:
        group.passed_by = None
        del job_class.passed_over[group.path, group]
        job_class.untold.pop(group, None)
        self._classes.drop_if_unused(job_class)
