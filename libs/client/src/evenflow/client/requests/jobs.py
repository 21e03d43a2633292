"""Every request to a gateway as a value: what is sent, and what type comes back. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from evenflow.client.errors import AmbiguousId
from evenflow.client.models.explanation import Explanation
from evenflow.client.models.jobs import (
    Applied,
    BatchItem,
    Job,
    JobArray,
    JobPage,
    JobRequest,
    Marks,
    Node,
    Queue,
    Quota,
    Reservation,
    ReservationRequest,
    Status,
)
from evenflow.common.domain.errors import NotFound

T = TypeVar("T")
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; its answer is a JSON document of type T, inside the body at `pick` if given.

    With `text` it is text of that media type instead.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pick: str | None = None
    text: str | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does the same as sending it once."""
        return self.method in {"GET", "PUT", "DELETE"} or "Idempotency-Key" in self.headers


def _at(*parts: str) -> str:
    """Return a path under the API; a queue's own slashes are escaped."""
    return "/".join((API, *(quote(part, safe=":") for part in parts)))


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
    return Call("POST", _at("jobs"), body=job, headers=headers)


def submit_array(job: JobRequest, idempotency_key: str | None = None) -> Call[JobArray]:
    """Submit one job for each index of `array`."""
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Call("POST", _at("jobs"), body=job, headers=headers)


def submit_batch(jobs: Sequence[JobRequest], *, atomic: bool = False) -> Call[list[BatchItem]]:
    """Submit many jobs; the answers come in their order."""
    body = {"jobs": list(jobs), **({"atomic": True} if atomic else {})}
    return Call("POST", _at("jobs:batch"), body=body, pick="jobs")


def job(job_id: str) -> Call[Job]:
    """Show a job by its whole id."""
    return Call("GET", _at("jobs", job_id))


def job_details(job_id: str) -> Call[dict[str, Any]]:
    """Show a job with its attempts and what its type adds."""
    return Call("GET", _at("jobs", job_id, "details"))


def jobs(filters: Mapping[str, Any], page: int = 1, page_size: int = 20) -> Call[JobPage]:
    """List jobs, newest first."""
    given = {name: value for name, value in filters.items() if value not in (None, (), [], "")}
    return Call("GET", _at("jobs"), params={**given, "page": page, "page_size": page_size})


def cancel(job_id: str, user: str | None = None) -> Call[Job]:
    """Ask for a job to end; `user` is who wants it."""
    return Call("POST", _at("jobs", job_id, "cancel"), body={"user_id": user} if user else {})


def logs(
    job_id: str, stream: str, task: int, offset: int, attempt: int | None = None
) -> Call[dict[str, Any]]:
    """Show output of one task from a byte offset."""
    params = {"stream": stream, "task": task, "offset": offset}
    if attempt is not None:
        params["attempt"] = attempt
    return Call("GET", _at("jobs", job_id, "logs"), params=params)


def why(job_id: str) -> Call[Explanation]:
    """Say why a job is where it is."""
    return Call("GET", _at("jobs", job_id, "why"))


def queues(project: str | None = None) -> Call[list[Queue]]:
    """List queues with their counters."""
    return Call(
        "GET", _at("queues"), params={"project_id": project} if project else {}, pick="queues"
    )


def queue(name: str) -> Call[Queue]:
    """Show a queue by id or path."""
    return Call("GET", _at("queues", name))


def create_queue(path: str, fields: Queue) -> Call[Queue]:
    """Define a queue; the first level of `path` is its project."""
    return Call("POST", _at("queues"), body={**fields, "path": path})


def change_queue(name: str, fields: Queue) -> Call[Queue]:
    """Change the given fields of a queue; None clears one."""
    return Call("PATCH", _at("queues", name), body=fields)


def delete_queue(name: str) -> Call[None]:
    """Delete a queue without jobs."""
    return Call("DELETE", _at("queues", name))


def quota(name: str) -> Call[Quota]:
    """Show the quota of a project or queue."""
    return Call("GET", _at("queues", "quota", name))


def set_quota(name: str, fields: Quota) -> Call[Quota]:
    """Change the given limits; None means unlimited."""
    return Call("PATCH", _at("queues", "quota", name), body=fields)


def apply(fleet: Sequence[Mapping[str, Any]]) -> Call[Applied]:
    """Bring queues and quotas to what a fleet states, all or nothing."""
    return Call("POST", _at("apply"), body={"queues": list(fleet)})


def nodes() -> Call[list[Node]]:
    """List the machines."""
    return Call("GET", _at("nodes"), pick="nodes")


def cordon(name: str, *, is_open: bool) -> Call[Node]:
    """Let a node take no new work, or take it again."""
    return Call("POST", _at("nodes", name, "uncordon" if is_open else "cordon"))


def change_node(name: str, labels: Marks, taints: Marks) -> Call[Node]:
    """Set labels and taints of a node; None takes one away."""
    given = {"labels": labels, "taints": taints}
    body = {kind: dict(values) for kind, values in given.items() if values}
    return Call("PATCH", _at("nodes", name), body=body)


def reservations(queue: str | None = None, status: Sequence[str] = ()) -> Call[list[Reservation]]:
    """List reservations by their start; without a status those that have not ended."""
    params: dict[str, Any] = {"queue_id": queue} if queue else {}
    params |= {"status": list(status)} if status else {}
    return Call("GET", _at("reservations"), params=params, pick="reservations")


def reservation(reservation_id: str) -> Call[Reservation]:
    """Show a reservation by its whole id."""
    return Call("GET", _at("reservations", reservation_id.lower()))


def the_reservation(key: str, found: Iterable[Reservation]) -> Reservation:
    """Return the one reservation whose id begins so, or that is called so.

    Of several of one name it is the one that has not ended.

    Raises:
        NotFound: none is.
        AmbiguousId: several are.
    """
    known = [each for each in found if key in (each["name"], each["id"][: len(key)])]
    to_come = [each for each in known if each["status"] in ("planned", "active")]
    one_of = to_come or known
    if not one_of:
        raise NotFound("reservation", key, "see `evenflow reservation list --all`")
    if len(one_of) > 1:
        raise AmbiguousId(key, [each["id"] for each in one_of])
    return one_of[0]


def create_reservation(request: ReservationRequest) -> Call[Reservation]:
    """Keep room in advance."""
    return Call("POST", _at("reservations"), body=request)


def cancel_reservation(reservation_id: str, user: str | None = None) -> Call[Reservation]:
    """Keep nothing any more; `user` is who wants it."""
    params = {"user_id": user} if user else {}
    return Call("DELETE", _at("reservations", reservation_id), params=params)


def status() -> Call[Status]:
    """Show how the whole system is."""
    return Call("GET", _at("status"))


def set_clock_rate(rate: int) -> Call[dict[str, Any]]:
    """Let the shard's clock run `rate` times as fast; simulated clusters only."""
    return Call("POST", _at("clock"), body={"rate": rate})
