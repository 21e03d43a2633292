"""What REST says about reservations: rows of the view as JSON documents. Pure."""

import json
from typing import Any

from typing_extensions import TypedDict

from evenflow.common.domain.clock import SECOND, Instant
from evenflow.common.domain.resources import MILLI
from evenflow.gateway.jobs.gang_documents import ConstraintsDocument, constraints_document
from evenflow.gateway.values.amounts import GIB
from evenflow.gateway.values.instants import iso, iso_or_none
from evenflow.gateway.view.reservations import status_of


class ReservationDocument(TypedDict):
    """Room kept in advance. Requests are per task, as those of a job.

    `status` is planned, active, ended or cancelled.
    """

    id: str
    name: str
    queue: str
    status: str
    start: str
    end: str
    duration_seconds: float
    tasks: int
    cpu_request: float
    memory_request: float
    gpu_request: float
    resources: dict[str, int]
    executor: str
    constraints: ConstraintsDocument | None
    created_by: str
    created_at: str
    cancelled_at: str | None
    cancelled_by: str | None


class ReservationList(TypedDict):
    """Reservations by their start."""

    reservations: list[ReservationDocument]


def reservation_document(row: Any, now: Instant) -> ReservationDocument:
    """Return a row of `reservations` as a document, as of an instant."""
    resources = json.loads(row["resources_json"])
    return ReservationDocument(
        id=row["id"],
        name=row["name"],
        queue=row["queue"],
        status=status_of(row, now),
        start=iso(row["start_at"]),
        end=iso(row["end_at"]),
        duration_seconds=(row["end_at"] - row["start_at"]) / SECOND,
        tasks=row["tasks"],
        cpu_request=resources.get("cpu", 0) / MILLI,
        memory_request=resources.get("memory", 0) / GIB,
        gpu_request=resources.get("gpu", 0) / MILLI,
        resources=resources,
        executor=row["executor"],
        constraints=constraints_document(row["constraints_json"]),
        created_by=row["created_by"],
        created_at=iso(row["created_at"]),
        cancelled_at=iso_or_none(row["cancelled_at"]),
        cancelled_by=row["cancelled_by"],
    )
