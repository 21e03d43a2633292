"""What the tasks of a job ask for: one of them, each of some, some of them together. Pure."""

from collections.abc import Mapping

from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup


def group_of_task(spec: JobSpec, index: int) -> TaskGroup | None:
    """Return the group of a task; None when the job has no groups.

    Tasks are numbered so that those that must start come first: the least of every group, in the
    order of the groups, then what each may grow by, in the same order. So the tasks that a gang
    holds are always the first of its list.
    """
    for group in spec.groups:
        if index < group.least:
            return group
        index -= group.least
    for group in spec.groups:
        if index < group.tasks - group.least:
            return group
        index -= group.tasks - group.least
    return None


def request_of_task(spec: JobSpec, index: int) -> Mapping[str, int]:
    """Return what one task of the job asks for."""
    group = group_of_task(spec, index)
    return spec.resources if group is None else group.resources


def requests_of(spec: JobSpec, first: int, end: int) -> list[Mapping[str, int]]:
    """Return what each of the tasks `first` to `end` - 1 asks for, as `request_of_task` says."""
    if not spec.groups:
        return [spec.resources] * (end - first)
    every: list[Mapping[str, int]] = []
    for group in spec.groups:
        every += [group.resources] * group.least
    for group in spec.groups:
        every += [group.resources] * (group.tasks - group.least)
    return every[first:end]


def request_between(spec: JobSpec, first: int, end: int) -> dict[str, int]:
    """Return what the tasks `first` to `end` - 1 ask for together."""
    if not spec.groups:
        count = end - first
        return {name: amount * count for name, amount in spec.resources.items()}
    total: dict[str, int] = {}
    for request in requests_of(spec, first, end):
        for name, amount in request.items():
            total[name] = total.get(name, 0) + amount
    return total


def whole_request(spec: JobSpec, tasks: int | None = None) -> dict[str, int]:
    """Return what the job's first `tasks` tasks ask for together; None: those that must start."""
    count = spec.least_tasks if tasks is None else tasks
    if not spec.groups:
        return {name: amount * count for name, amount in spec.resources.items()}
    total: dict[str, int] = {}
    for index in range(count):
        for name, amount in request_of_task(spec, index).items():
            total[name] = total.get(name, 0) + amount
    return total
