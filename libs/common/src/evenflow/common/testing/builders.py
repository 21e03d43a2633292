"""Builders of domain objects for tests: short to write, with defaults that mean nothing special."""

from typing import Any
from uuid import UUID

from evenflow.common.domain.jobs.spec import JobSpec
from evenflow.common.domain.nodes.node import Node
from evenflow.common.domain.queues.queue import Queue
from evenflow.common.domain.reservations.reservation import Reservation

GIB = 2**30
T0 = 1_790_000_000_000_000
"""An instant in 2026 to count from, microseconds."""
HOUR = 3_600_000_000


def job_id(number: int) -> str:
    """Return a job id that sorts and reads by its number."""
    return str(UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + number))


def a_spec(number: int = 1, **fields: Any) -> JobSpec:
    """Return a submission; `queue` decides the project unless that is given."""
    queue = fields.setdefault("queue", "default/default")
    fields.setdefault("project", queue.partition("/")[0])
    given: dict[str, Any] = {
        "id": job_id(number),
        "name": f"job-{number}",
        "user": "ann",
        "submitted_at": T0 + number,
        "executor": "simulated",
        "executor_config": {"run_seconds": 1},
        "resources": {"cpu": 1000},
    }
    return JobSpec(**(given | fields))


def a_queue(path: str, **fields: Any) -> Queue:
    """Return a queue whose id is made from its path."""
    given: dict[str, Any] = {"id": f"id-{path}", "path": path, "created_at": T0}
    return Queue(**(given | fields))


def a_node(name: str = "n1", *, cpu: int = 64_000, gpu: int = 0, **fields: Any) -> Node:
    """Return a node of the simulated cluster; cpu and gpu in thousandths."""
    capacity = {"cpu": cpu, "memory": 512 * GIB} | ({"gpu": gpu} if gpu else {})
    given: dict[str, Any] = {"name": name, "cluster": "simulated", "capacity": capacity}
    return Node(**(given | fields))


def a_reservation(name: str = "kept", **fields: Any) -> Reservation:
    """Return a reservation of one GPU for queue `vision`, from an hour on for an hour."""
    given: dict[str, Any] = {
        "id": f"id-{name}",
        "name": name,
        "queue": "vision",
        "start_at": T0 + HOUR,
        "end_at": T0 + 2 * HOUR,
        "resources": {"gpu": 1000},
        "executor": "simulated",
        "created_by": "ann",
        "created_at": T0,
    }
    return Reservation(**(given | fields))
