"""Requests about jobs. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evenflow.client.errors import AmbiguousId
from evenflow.client.models.explanation import Explanation
from evenflow.client.models.jobs import BatchItem, Job, JobArray, JobPage, JobRequest
from evenflow.client.requests.call import Call, api_path
from evenflow.common.domain.errors import NotFound

_WHOLE_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_whole_id(text: str) -> bool:
    """Whether the text is a UUID."""
    return bool(_WHOLE_ID.fullmatch(text))


def the_one(prefix: str, found: Iterable[Job]) -> str:
    """Return the id of the one job among those found whose id begins so.

    Raises:
        NotFound: none does.
        AmbiguousId: several do.
    """
    ids = [each["id"] for each in found if prefix and each["id"].startswith(prefix.lower())]
    if not ids:
        raise NotFound("job", prefix, "see `evenflow jobs`")
    if len(ids) > 1:
        raise AmbiguousId(prefix, ids)
    return ids[0]


def submit(job: JobRequest, idempotency_key: str | None = None) -> Call[Job]:
    """Submit one job; the same key gives the same job."""
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Call("POST", api_path("jobs"), body=job, headers=headers)


def submit_array(job: JobRequest, idempotency_key: str | None = None) -> Call[JobArray]:
    """Submit one job for each index of `array`."""
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Call("POST", api_path("jobs"), body=job, headers=headers)


def submit_batch(jobs: Sequence[JobRequest], *, atomic: bool = False) -> Call[list[BatchItem]]:
    """Submit many jobs; the answers come in their order."""
    body = {"jobs": list(jobs), **({"atomic": True} if atomic else {})}
    return Call("POST", api_path("jobs:batch"), body=body, pick="jobs")


def job(job_id: str) -> Call[Job]:
    """Show a job by its whole id."""
    return Call("GET", api_path("jobs", job_id))


def job_details(job_id: str) -> Call[dict[str, Any]]:
    """Show a job with its attempts and what its type adds."""
    return Call("GET", api_path("jobs", job_id, "details"))


def jobs(filters: Mapping[str, Any], page: int = 1, page_size: int = 20) -> Call[JobPage]:
    """List jobs, newest first."""
    given = {name: value for name, value in filters.items() if value not in (None, (), [], "")}
    return Call("GET", api_path("jobs"), params={**given, "page": page, "page_size": page_size})


def cancel(job_id: str, user: str | None = None) -> Call[Job]:
    """Ask for a job to end; `user` is who wants it."""
    return Call("POST", api_path("jobs", job_id, "cancel"), body={"user_id": user} if user else {})


def logs(
    job_id: str, stream: str, task: int, offset: int, attempt: int | None = None
) -> Call[dict[str, Any]]:
    """Show output of one task from a byte offset."""
    params = {"stream": stream, "task": task, "offset": offset}
    if attempt is not None:
        params["attempt"] = attempt
    return Call("GET", api_path("jobs", job_id, "logs"), params=params)


def why(job_id: str) -> Call[Explanation]:
    """Say why a job is where it is."""
    return Call("GET", api_path("jobs", job_id, "why"))
