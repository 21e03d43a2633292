"""The queue tree: who competes for the cluster. Leaves hold jobs; a project is its first level."""

import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evenflow.common.domain.clock import Instant
from evenflow.common.domain.errors import InvalidValue

PROJECT_PATTERN: Final = r"[a-z0-9]([a-z0-9-]{0,53}[a-z0-9])?"
NAME_PATTERN: Final = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,253}[A-Za-z0-9])?"
MAX_DEPTH: Final = 8
DEFAULT_PROJECT: Final = "default"
DEFAULT_QUEUE: Final = "default"


@dataclass(frozen=True, slots=True)
class Queue:
    """One node of the tree, as defined.

    `deserved` and `limit` map resources to amounts (see `resources`); a resource absent from
    `limit` is unlimited. `max_concurrent_jobs` None means unlimited, `policy` None the shard's.
    """

    id: str
    path: str  # "vision/train"; the first segment is the project
    description: str = ""
    priority: int = 0  # higher goes first
    weight: float = 1.0  # over-quota weight, >= 0
    deserved: Mapping[str, int] | None = None
    limit: Mapping[str, int] | None = None
    max_concurrent_jobs: int | None = None
    enabled: bool = True
    policy: str | None = None
    target_wait_us: int | None = None  # jobs that waited longer go first here; None: no target
    created_at: Instant = 0
    updated_at: Instant = 0

    @property
    def project(self) -> str:
        """The first level of the path."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The last level of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> str | None:
        """The path above; None for a project."""
        return self.path.rpartition("/")[0] or None


@functools.lru_cache(maxsize=65_536)  # asked for every job of every fold
def lineage(path: str) -> tuple[str, ...]:
    """Return the path's ancestors from its project down to itself."""
    parts = path.split("/")
    return tuple("/".join(parts[: i + 1]) for i in range(len(parts)))


def check_path(path: str, *, field: str = "path") -> None:
    """Raise InvalidValue unless every level of `path` is a name and the first is a project id."""
    levels = path.split("/")
    if len(levels) > MAX_DEPTH:
        raise InvalidValue(field, path, f"is deeper than {MAX_DEPTH} levels")
    if not re.fullmatch(PROJECT_PATTERN, levels[0]):
        raise InvalidValue(field, path, f"must start with a project id matching {PROJECT_PATTERN}")
    for level in levels[1:]:
        if not re.fullmatch(NAME_PATTERN, level):
            raise InvalidValue(
                field, path, f"has a level {level!r} that does not match {NAME_PATTERN}"
            )


def broken_rules(queue: Queue) -> Iterator[InvalidValue]:
    """Yield every rule of JOB-05 and API-13 that the definition breaks."""
    try:
        check_path(queue.path)
    except InvalidValue as broken:
        yield broken
    if not math.isfinite(queue.weight) or queue.weight < 0:
        yield InvalidValue("weight", queue.weight, "must be a finite number of at least 0")
    if queue.max_concurrent_jobs is not None and queue.max_concurrent_jobs < 1:
        yield InvalidValue("max_concurrent_jobs", queue.max_concurrent_jobs, "must be at least 1")
    if queue.target_wait_us is not None and queue.target_wait_us < 0:
        seconds = queue.target_wait_us / 1e6
        yield InvalidValue("target_wait_seconds", seconds, "must be at least 0; null: no target")
    if len(queue.description) > 500:  # noqa: PLR2004 - API-13
        yield InvalidValue("description", queue.description[:20] + "...", "is over 500 characters")
    for field, amounts in (("deserved", queue.deserved), ("limit", queue.limit)):
        for name, amount in (amounts or {}).items():
            if amount < 0:
                yield InvalidValue(f"{field}.{name}", amount, "must be at least 0")
