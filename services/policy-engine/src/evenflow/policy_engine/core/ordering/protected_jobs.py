"""Jobs that are lent to other people's code: what it changed is put back, and told."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Final

from evenflow.common.domain.jobs.job import Job, TaskPhase

_NAMES: Final = tuple(field.name for field in fields(Job))
_values_of: Final = attrgetter(*_NAMES)
_Seen = tuple[tuple[object, ...], tuple[TaskPhase, ...], dict[str, int]]


class ProtectedJobs:
    """Jobs as they were before somebody else saw them.

    It sees changes of a job, of its list of phases and of the request in its spec. The rest of a
    spec is frozen; whoever goes around that means harm, and is not kept from it here.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Remember them."""
        self._jobs: Final = jobs
        self._before: Final = [_look_at(job) for job in jobs]

    def restore(self) -> str | None:
        """Undo what was changed and return what that was, of the first such job; None: nothing."""
        found = None
        for job, before in zip(self._jobs, self._before, strict=True):
            if not _is_as_it_was(job, before):
                changed = _restore(job, before)
                found = found or f"{', '.join(changed)} of job {job.spec.id}"
        return found


def _look_at(job: Job) -> _Seen:
    return (_values_of(job), tuple(job.phases), dict(job.spec.resources))


def _is_as_it_was(job: Job, before: _Seen) -> bool:
    try:
        return _look_at(job) == before
    except (AttributeError, TypeError):  # a field is gone, or of another kind
        return False


def _restore(job: Job, before: _Seen) -> list[str]:
    values, phases, request = before
    changed = []
    for name, value in zip(_NAMES, values, strict=True):
        if getattr(job, name, None) is not value:
            changed.append(name)
            setattr(job, name, value)
    if tuple(job.phases) != phases:
        changed.append("phases")
        job.phases[:] = phases
    if job.spec.resources != request:
        changed.append("resources")
        _restore_mapping(job.spec.resources, request)
    return changed


def _restore_mapping(mapping: Mapping[str, int], before: dict[str, int]) -> None:
    if isinstance(mapping, dict):
        mapping.clear()
        mapping.update(before)
