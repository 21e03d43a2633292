"""All classes of waiting jobs, and which of them are closed.

A class is closed when its jobs found no room or a gate refused them. It is opened when something
came free that it could use, when a gate that refused it holds less, or when the rules changed: so
what cannot start costs nothing until then, however many jobs and queues wait.
"""

from collections.abc import Iterable, Iterator, Mapping

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.policy_engine.core.placement import Shape
from evenflow.policy_engine.core.waiting.job_class import ClassKey, JobClass


class JobClasses:
    """All classes that a head of a leaf belongs to, or a group that was put aside."""

    def __init__(self) -> None:
        """There is none."""
        self._classes: dict[
            tuple[Shape, str, str], JobClass
        ] = {}  # by what a `ClassKey` is made of
        self._of_shape: dict[Shape, dict[JobClass, None]] = {}
        # By each level of their scope, then by demand.
        self._below: dict[str, dict[tuple[Shape, str], dict[JobClass, None]]] = {}
        self.no_room: dict[JobClass, None] = {}  # closed because nothing free would do
        self.held: dict[JobClass, None] = {}  # closed because they would delay who goes first

    def of(self, shape: Shape, scope: str, spec: JobSpec) -> JobClass:
        """Return the class of a job with this shape, which is made when it is not there."""
        found = self._classes.get((shape, spec.job_type, scope))
        if found is None:
            key = ClassKey(shape, spec.job_type, scope)
            found = self._classes[key] = JobClass(key, spec)
            self._of_shape.setdefault(key.shape, {})[found] = None
            for level in levels_of(key.scope):
                demands = self._below.setdefault(level, {})
                demands.setdefault((key.shape, key.job_type), {})[found] = None
        return found

    def drop_if_unused(self, job_class: JobClass) -> None:
        """Forget a class of which nothing is left."""
        if job_class.leaves or job_class.passed_over:
            return
        key = job_class.key
        if job_class.is_dropped:
            return
        job_class.is_dropped = True
        del self._classes[key]
        self.no_room.pop(job_class, None)
        self.held.pop(job_class, None)
        alike = self._of_shape[key.shape]
        del alike[job_class]
        if not alike:
            del self._of_shape[key.shape]
        for level in levels_of(key.scope):
            demands = self._below[level]
            same = demands[key.shape, key.job_type]
            del same[job_class]
            if not same:
                del demands[key.shape, key.job_type]
                if not demands:
                    del self._below[level]

    def of_shape(self, shape: Shape) -> Iterable[JobClass]:
        """Return the classes of a shape."""
        return tuple(self._of_shape.get(shape, ()))

    def below(self, level: str) -> Mapping[tuple[Shape, str], Mapping[JobClass, None]]:
        """Return the classes that a level's gates hold for, by demand."""
        return self._below.get(level) or {}

    def every(self) -> Iterator[JobClass]:
        """Yield all classes."""
        return iter(tuple(self._classes.values()))


def levels_of(scope: str) -> tuple[str, ...]:
    """Return the levels from the project down to `scope`; none when that is empty."""
    if not scope:
        return ()
    parts = scope.split("/")
    return tuple("/".join(parts[: depth + 1]) for depth in range(len(parts)))
