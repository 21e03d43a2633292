"""The rules that a submission must keep to be accepted (JOB-03). Pure: it looks at nothing else."""

from collections.abc import Iterator
from typing import Final

from evenflow.common.domain.errors import InvalidValue
from evenflow.common.domain.jobs.constraint_rules import broken_constraints
from evenflow.common.domain.jobs.constraints import ANYWHERE
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup
from evenflow.common.domain.quotas.quota import JOB_TYPES

MAX_TASKS: Final = 10_000
MAX_PRIORITY: Final = 100
MAX_RETRIES: Final = 1_000
MAX_AMOUNT: Final = 2**62


def broken_rules(spec: JobSpec) -> Iterator[InvalidValue]:
    """Yield every rule of JOB-03 that the submission breaks for good."""
    if not 1 <= len(spec.name) <= 255:  # noqa: PLR2004 - JOB-03
        yield InvalidValue("name", spec.name[:40], "must have 1 to 255 characters")
    if spec.job_type not in JOB_TYPES:
        yield InvalidValue("job_type", spec.job_type, f"must be one of {', '.join(JOB_TYPES)}")
    for field_name, value, low, high in (
        ("tasks", spec.tasks, 1, MAX_TASKS),
        ("priority", spec.priority, 0, MAX_PRIORITY),
        ("retry_limit", spec.retry_limit, 0, MAX_RETRIES),
        ("backoff_limit", spec.backoff_limit, 0, MAX_RETRIES),
    ):
        if not low <= value <= high:
            yield InvalidValue(field_name, value, f"must be between {low} and {high}")
    for name, amount in spec.resources.items():
        if not 0 <= amount <= MAX_AMOUNT:
            yield InvalidValue(f"resources.{name}", amount, f"must be between 0 and {MAX_AMOUNT}")
    yield from _broken_groups(spec)
    if spec.constraints != ANYWHERE:
        yield from broken_constraints(spec.constraints)
    yield from _broken_times(spec)


def _broken_times(spec: JobSpec) -> Iterator[InvalidValue]:
    for field_name, duration in (
        ("time_limit_seconds", spec.time_limit_us),
        ("estimated_duration_seconds", spec.estimated_duration_us),
    ):
        if duration is not None and duration <= 0:
            yield InvalidValue(field_name, duration / 1e6, "must be above 0")
    if spec.deadline_at is not None and spec.deadline_at <= spec.submitted_at:
        yield InvalidValue("deadline", spec.deadline_at, "must not have passed already")


def _broken_groups(spec: JobSpec) -> Iterator[InvalidValue]:
    names: set[str] = set()
    for group in spec.groups:
        if not group.name or group.name in names:
            yield InvalidValue("groups", group.name, "must be named, each by a name of its own")
        names.add(group.name)
        yield from _broken_group(group)
    if spec.groups:
        if spec.tasks != sum(group.tasks for group in spec.groups):
            yield InvalidValue("tasks", spec.tasks, "must be the sum of the tasks of its groups")
        if spec.least_tasks < 1:
            yield InvalidValue("groups", spec.least_tasks, "must have a task that starts at once")
        if spec.resources:
            yield InvalidValue("resources", dict(spec.resources), "belong to its groups")


def _broken_group(group: TaskGroup) -> Iterator[InvalidValue]:
    where = f"groups.{group.name}"
    if not 1 <= group.tasks <= MAX_TASKS:
        yield InvalidValue(f"{where}.tasks", group.tasks, f"must be between 1 and {MAX_TASKS}")
    if not 0 <= group.least <= group.tasks:
        yield InvalidValue(
            f"{where}.min_tasks", group.least, f"must be between 0 and its tasks, {group.tasks}"
        )
    for name, amount in group.resources.items():
        if not 0 <= amount <= MAX_AMOUNT:
            yield InvalidValue(
                f"{where}.resources.{name}", amount, f"must be between 0 and {MAX_AMOUNT}"
            )
