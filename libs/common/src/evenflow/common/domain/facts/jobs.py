"""Facts about jobs, as their owners say them."""

from dataclasses import dataclass

from evenflow.common.domain.jobs.spec import JobSpec


@dataclass(frozen=True, slots=True)
class Submitted:
    """Jobs were accepted into the log; the fold says whether they stand."""

    jobs: tuple[JobSpec, ...]


@dataclass(frozen=True, slots=True)
class JobChange:
    """New values of the given fields; None leaves a field as it is."""

    job_id: str
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """Owners changed their jobs."""

    changes: tuple[JobChange, ...]


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Somebody wants the job to end."""

    job_id: str
    user: str


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """Owners withdrew jobs: pending ones end in the fold, live ones through their cluster."""

    requests: tuple[CancelRequest, ...]
