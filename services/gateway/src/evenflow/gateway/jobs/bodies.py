"""Bodies of requests that are only shapes: all but submissions, queues and quotas."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from evenflow.gateway.jobs.rules.submission import Submission

MAX_BATCH: Final = 20_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class JobPatch(_Body):
    """New values of a job's fields; those absent stay. `null` empties a text or the tags."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = None
    tags: list[str] | None = None
    priority: int | None = None


class CancelBody(_Body):
    """Who wants it; absent: anonymous."""

    user_id: str | None = None
    job_id: str | None = Field(default=None, description="Only for requests on the bus.")


class Batch(_Body):
    """Many submissions at once, each on its own; with `atomic` all are accepted or none."""

    jobs: list[Submission] = Field(min_length=1, max_length=MAX_BATCH)
    atomic: bool = False


class BatchShape(_Body):
    """A batch some of whose submissions break their shape."""

    jobs: list[Any] = Field(min_length=1, max_length=MAX_BATCH)
    atomic: bool = False


class NodePatch(_Body):
    """Labels and taints to set, by name; null takes one away. Those not named stay."""

    labels: dict[str, str | None] = Field(default_factory=dict)
    taints: dict[str, str | None] = Field(default_factory=dict)


class ClockBody(_Body):
    """How many seconds of the shard's clock pass in one."""

    rate: int = Field(ge=1, le=1_000_000)
