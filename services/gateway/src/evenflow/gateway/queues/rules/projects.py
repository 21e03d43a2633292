"""What is defined together, such as what a project needs on its first use (QTA-03). Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.decisions.settings import POLICIES
from evenflow.common.domain.queues.queue import DEFAULT_PROJECT, DEFAULT_QUEUE, Queue
from evenflow.common.domain.quotas.quota import DEFAULT_QUOTA_JOBS, DEFAULT_QUOTA_RESOURCES, Quota

DEFAULT_CONCURRENT_JOBS: Final = 10  # JOB-05


@dataclass(frozen=True, slots=True)
class Definitions:
    """Queues and quotas to define together; parents come before children."""

    queues: tuple[Queue, ...] = ()
    quotas: tuple[Quota, ...] = ()


@dataclass(frozen=True, slots=True)
class DefinitionContext:
    """When and with which ids queues are made, and what they may name."""

    now: Instant
    new_id: Callable[[], str]
    policies: tuple[str, ...] = POLICIES  # those that are installed too


def project_with_default_queue(
    project: str, now: Instant, new_id: Callable[[], str]
) -> Definitions:
    """Return what a project needs on first use: itself, a queue `default`, a quota (QTA-03)."""
    parent, quota = new_project(project, now, new_id)
    is_builtin = project == DEFAULT_PROJECT
    queue = Queue(
        id=new_id(),
        path=f"{project}/{DEFAULT_QUEUE}",
        max_concurrent_jobs=None if is_builtin else DEFAULT_CONCURRENT_JOBS,
        created_at=now,
        updated_at=now,
    )
    return Definitions((parent, queue), quota)


def new_project(
    project: str, now: Instant, new_id: Callable[[], str]
) -> tuple[Queue, tuple[Quota, ...]]:
    """Return the node of a project and its quota; the built-in project has none."""
    node = Queue(id=new_id(), path=project, created_at=now, updated_at=now)
    if project == DEFAULT_PROJECT:
        return node, ()
    quota = Quota(
        path=project,
        resources=dict(DEFAULT_QUOTA_RESOURCES),
        max_jobs=DEFAULT_QUOTA_JOBS,
        created_at=now,
        updated_at=now,
    )
    return node, (quota,)
