"""Room kept in advance: what a client asks for, and what a gateway shows."""

from typing import TypedDict

from evenflow.client.models.amounts import Number
from evenflow.client.models.constraints import Constraints


class ReservationRequest(TypedDict, total=False):
    """Room to keep in advance. Requests are per task; times are ISO, or seconds from now."""

    name: str
    queue_id: str
    start: float | str
    end: float | str
    duration_seconds: float
    tasks: int
    cpu_request: Number
    memory_request: Number
    gpu_request: Number
    resources: dict[str, Number]
    constraints: Constraints
    executor: str
    user_id: str


class Reservation(TypedDict):
    """Room kept in advance as the gateway shows it: planned, active, ended or cancelled."""

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
    constraints: Constraints | None
    created_by: str
    created_at: str
    cancelled_at: str | None
    cancelled_by: str | None
