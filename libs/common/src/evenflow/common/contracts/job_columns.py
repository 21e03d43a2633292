"""Jobs of a checkpoint as columns and back: what was asked, and how each job lives, by field."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from pydantic import TypeAdapter

from evenflow.common.contracts.columns import pack, unpack
from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.decisions import PendingReason, ReasonCode, TaskPlacement
from evenflow.common.domain.jobs.constraints import ANYWHERE, Constraints
from evenflow.common.domain.jobs.job import Ending, Job, JobState, TaskPhase
from evenflow.common.domain.jobs.spec import JobSpec, TaskGroup

_CONSTRAINTS: Final = TypeAdapter(Constraints)
_GROUPS: Final = TypeAdapter(tuple[TaskGroup, ...])


def pack_jobs(jobs: Sequence[Job]) -> dict[str, Any]:
    """Return the jobs as two tables, each a column by field: `specs` and `lives`."""
    specs = [job.spec for job in jobs]
    return {
        "specs": {
            name: pack([getattr(spec, name) for spec in specs], _OUT.get(name, _same))
            for name in _SPEC_FIELDS
        },
        "lives": {
            name: pack([getattr(job, name) for job in jobs], _OUT.get(name, _same))
            for name in _JOB_FIELDS
        },
    }


def unpack_jobs(document: dict[str, Any]) -> Iterator[Job]:
    """Yield the jobs of both tables again, in their order."""
    specs = _spec_columns(document["specs"])
    lives = [unpack(document["lives"][name], _IN.get(name, _same)) for name in _JOB_FIELDS]
    for spec_row, life_row in zip(zip(*specs, strict=True), zip(*lives, strict=True), strict=True):
        job = Job(JobSpec(*spec_row), *life_row)
        # Equal lists are one object in a column, and this one changes.
        job.phases = list(life_row[_PHASES])
        yield job


def _spec_columns(columns: dict[str, Any]) -> list[Iterable[Any]]:
    """Return the columns of all specs; a field that is younger than the table has its default."""
    count = sum(1 for _ in unpack(columns["id"]))
    return [
        unpack(columns[field.name], _IN.get(field.name, _same))
        if field.name in columns
        else [field.default] * count
        for field in fields(JobSpec)
    ]


def placement_out(placement: tuple[TaskPlacement, ...]) -> Any:
    """Return where tasks go as JSON."""
    return [[task.node, list(task.devices)] for task in placement]


def placement_in(value: Any) -> tuple[TaskPlacement, ...]:
    """Return where tasks go, from `placement_out`."""
    return tuple(TaskPlacement(node, tuple(devices)) for node, devices in value)


def _reason_out(reason: PendingReason | None) -> Any:
    return None if reason is None else [reason.code, dict(reason.detail)]


def _reason_in(value: Any) -> PendingReason | None:
    return None if value is None else PendingReason(ReasonCode(value[0]), value[1])


def _ending_out(ending: Ending | None) -> Any:
    return (
        None
        if ending is None
        else [
            ending.target,
            ending.exit_code,
            ending.message,
            ending.delay_us,
            ending.beneficiary,
        ]
    )


def _ending_in(value: Any) -> Ending | None:
    return None if value is None else Ending(JobState(value[0]), *value[1:])


def _grown_in(value: Any) -> tuple[tuple[int, Instant], ...]:
    return tuple((first, at) for first, at in value)


def _constraints_out(constraints: Constraints) -> Any:
    return None if constraints == ANYWHERE else asdict(constraints)


def _constraints_in(value: Any) -> Constraints:
    return ANYWHERE if value is None else _CONSTRAINTS.validate_python(value)


def _groups_out(groups: tuple[TaskGroup, ...]) -> Any:
    return [asdict(group) for group in groups]


def _same(value: Any) -> Any:
    return value


_OUT: Final[dict[str, Any]] = {
    "reason": _reason_out,
    "placement": placement_out,
    "ending": _ending_out,
    "tags": list,
    "phases": list,
    "executor_config": dict,
    "resources": dict,
    "groups": _groups_out,
    "constraints": _constraints_out,
}
_IN: Final[dict[str, Any]] = {
    "reason": _reason_in,
    "placement": placement_in,
    "ending": _ending_in,
    "grown_at": _grown_in,
    "tags": tuple,
    "groups": _GROUPS.validate_python,
    "constraints": _constraints_in,
    "state": JobState,
    "phases": lambda value: [TaskPhase(phase) for phase in value],
}
_SPEC_FIELDS: Final = tuple(field.name for field in fields(JobSpec))
_JOB_FIELDS: Final = tuple(f.name for f in fields(Job) if f.name != "spec")
_PHASES: Final = _JOB_FIELDS.index("phases")
