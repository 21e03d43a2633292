"""Bodies of requests about jobs that are only shapes; what a submission says: `rules/fields.py`."""

from typing import Any, Final

from pydantic import Field

from evenflow.gateway.edge.bodies import Body
from evenflow.gateway.jobs.rules.fields import Submission

MAX_BATCH: Final = 20_000


class JobPatch(Body):
    """New values of a job's fields; those absent stay. `null` empties a text or the tags."""

    name: str | None = Field(default=None, min_length=1, max_length=255)
    description: str | None = None
    tags: list[str] | None = None
    priority: int | None = None


class CancelBody(Body):
    """Who wants it; absent: anonymous."""

    user_id: str | None = None
    job_id: str | None = Field(default=None, description="Only for requests on the bus.")


class Batch(Body):
    """Many submissions at once, each on its own; with `atomic` all are accepted or none."""

    jobs: list[Submission] = Field(min_length=1, max_length=MAX_BATCH)
    atomic: bool = False


class BatchShape(Body):
    """A batch some of whose submissions break their shape."""

    jobs: list[Any] = Field(min_length=1, max_length=MAX_BATCH)
    atomic: bool = False
